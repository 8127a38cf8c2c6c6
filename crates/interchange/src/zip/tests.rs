use std::io::{Cursor, Read as _};

use proptest::prelude::*;

use super::*;

fn archive(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::default();
    let mut bytes = Vec::new();
    for (name, content) in files {
        bytes.extend(zip.begin(name, content.len() as u64));
        bytes.extend_from_slice(content);
        let mut crc = Crc32::default();
        crc.update(content);
        bytes.extend(zip.end(&crc));
    }
    bytes.extend(zip.finish());
    bytes
}

#[test]
fn an_empty_archive_is_its_end_record() {
    let bytes = archive(&[]);
    assert_eq!((bytes.len(), &bytes[..4]), (22, &b"PK\x05\x06"[..]));
    assert_eq!(::zip::ZipArchive::new(Cursor::new(bytes)).unwrap().len(), 0);
}

#[test]
fn more_files_than_16_bits_count_use_zip64() {
    let files: Vec<(String, Vec<u8>)> = (0..65_535).map(|n| (n.to_string(), Vec::new())).collect();
    let mut read = ::zip::ZipArchive::new(Cursor::new(archive(&files))).unwrap();
    assert_eq!(read.len(), 65_535);
    assert_eq!(read.by_index(65_534).unwrap().name().unwrap(), "65534");
}

/// Contents of 4 GiB are not written: the records are compared with the layout of the APPNOTE.
#[test]
fn large_files_and_offsets_use_zip64() {
    const LARGE: u64 = 1 << 32;
    let mut zip = ZipWriter::default();
    let local = zip.begin("a", LARGE);
    assert_eq!(&local[4..6], [45, 0]);
    assert_eq!(&local[18..26], [0xff; 8]);
    assert_eq!(&local[26..31], [1, 0, 20, 0, b'a']);
    assert_eq!(&local[31..], [&[1, 0, 16, 0][..], &[0; 16]].concat());
    let descriptor = zip.end(&Crc32::default());
    assert_eq!(descriptor[8..], [LARGE.to_le_bytes(), LARGE.to_le_bytes()].concat());
    let second = LARGE + (local.len() + descriptor.len()) as u64;
    let small = zip.begin("b", 0);
    assert_eq!(&small[26..], [1, 0, 0, 0, b'b']);
    let _ = zip.end(&Crc32::default());
    let directory = zip.finish();
    // The first file has its sizes in the extra field, the second its offset.
    assert_eq!(&directory[47..51], [1, 0, 16, 0]);
    assert_eq!(directory[51..67], [LARGE.to_le_bytes(), LARGE.to_le_bytes()].concat());
    let next = &directory[67..];
    assert_eq!(&next[42..46], [0xff; 4]);
    assert_eq!(&next[47..51], [1, 0, 8, 0]);
    assert_eq!(&next[51..59], second.to_le_bytes());
    let end = &next[59..];
    assert_eq!(
        (&end[..4], &end[56..60], &end[76..80]),
        (&b"PK\x06\x06"[..], &b"PK\x06\x07"[..], &b"PK\x05\x06"[..])
    );
    assert_eq!(end.len(), 56 + 20 + 22);
    assert_eq!(&end[92..96], [0xff; 4]);
}

proptest! {
    #[test]
    fn archives_are_read_by_another_program(
        contents in proptest::collection::vec(("[a-zß☃ ]{1,20}", proptest::collection::vec(any::<u8>(), 0..300)), 0..20),
    ) {
        let numbered = contents.into_iter().enumerate();
        let files: Vec<(String, Vec<u8>)> =
            numbered.map(|(n, (name, content))| (format!("{n}{name}.wav"), content)).collect();
        let bytes = archive(&files);
        let sizes = files.iter().map(|(name, content)| (name.as_str(), content.len() as u64));
        prop_assert_eq!(archive_bytes(sizes), bytes.len() as u64);
        prop_assert_eq!(&archive(&files), &bytes, "deterministic");
        let mut read = ::zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        prop_assert_eq!(read.len(), files.len());
        for (index, (name, content)) in files.iter().enumerate() {
            let mut file = read.by_index(index).unwrap();
            prop_assert_eq!(file.name().unwrap(), name.as_str());
            let mut bytes = Vec::new();
            // Reading checks the CRC-32.
            file.read_to_end(&mut bytes).unwrap();
            prop_assert_eq!(&bytes, content);
        }
    }
}
