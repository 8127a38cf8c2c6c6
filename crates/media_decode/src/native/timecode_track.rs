//! The timecode track (`tmcd`) of an MP4 or QuickTime file.
//!
//! Its sample entry declares rate and flags, its first sample is the frame number of the start (QuickTime File Format,
//! "Timecode media"). Edit lists are not applied.

use std::io::{self, Read, Seek};
use std::ops::Range;

use super::boxes::{BoxReader, be32, be64};
use crate::SourceTimecode;

/// Flag of a timecode that skips frame numbers.
const DROP_FRAME: u32 = 1;
/// Flag of a counter, such as that of a tape, which is not a time of day.
const COUNTER: u32 = 8;
/// Bytes of a sample entry box (`stsd`) up to the end of the frame duration of the first entry.
const ENTRY_BYTES: usize = 40;

/// The timecode of the first timecode track that declares one.
pub(crate) fn track_timecode(source: &mut (impl Read + Seek)) -> io::Result<Option<SourceTimecode>> {
    let mut reader = BoxReader::new(source);
    let file = reader.everything()?;
    let file_end = file.end;
    let Some(moov) = reader.find(file, b"moov")? else { return Ok(None) };
    let mut children = moov.content;
    while let Some(child) = reader.next_box(&mut children)? {
        if child.kind == *b"trak"
            && let Some(found) = read_track(&mut reader, child.content, file_end)?
        {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn read_track<R: Read + Seek>(
    reader: &mut BoxReader<'_, R>,
    trak: Range<u64>,
    file_end: u64,
) -> io::Result<Option<SourceTimecode>> {
    let Some(stbl) = reader.descend(trak, &[b"mdia", b"minf", b"stbl"])? else { return Ok(None) };
    let Some(stsd) = reader.find(stbl.content.clone(), b"stsd")? else { return Ok(None) };
    let entry = reader.content(&stsd, ENTRY_BYTES)?;
    if be32(&entry, 12) != Some(u32::from_be_bytes(*b"tmcd")) {
        return Ok(None);
    }
    let fields = [28, 32, 36].map(|at| be32(&entry, at));
    let [Some(flags), Some(timescale), Some(frame_duration)] = fields else { return Ok(None) };
    let first = first_chunk(reader, stbl.content)?;
    // Positions are not trusted: a seek beyond the greatest file is an error of the system.
    let first = first.filter(|at| at.checked_add(4).is_some_and(|end| end <= file_end));
    let Some(at) = first.filter(|_| flags & COUNTER == 0) else { return Ok(None) };
    let number = u32::from_be_bytes(reader.bytes(at)?);
    Ok(SourceTimecode::new(number.into(), (timescale, frame_duration), flags & DROP_FRAME != 0))
}

/// Position of the first chunk, which begins with the first sample, however `stsc` distributes the others. `None` if
/// the samples are in fragments.
fn first_chunk<R: Read + Seek>(reader: &mut BoxReader<'_, R>, stbl: Range<u64>) -> io::Result<Option<u64>> {
    if let Some(stco) = reader.find(stbl.clone(), b"stco")? {
        let table = reader.content(&stco, 12)?;
        return Ok(be32(&table, 8).filter(|_| be32(&table, 4) != Some(0)).map(u64::from));
    }
    let Some(co64) = reader.find(stbl, b"co64")? else { return Ok(None) };
    let table = reader.content(&co64, 16)?;
    Ok(be64(&table, 8).filter(|_| be32(&table, 4) != Some(0)))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::FileFormat;

    fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let size = u32::try_from(content.len() + 8).unwrap();
        [&size.to_be_bytes(), kind.as_slice(), content].concat()
    }

    /// Big-endian numbers as bytes.
    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    fn track(entry: &[u8; 4], [flags, timescale, frame_duration]: [u32; 3], chunks: &[u8]) -> Vec<u8> {
        // Reserved bytes and the data reference, then the fields of the timecode.
        let fields = words(&[0, 1, 0, flags, timescale, frame_duration, 30 << 24]);
        let stsd = boxed(b"stsd", &[words(&[0, 1]), boxed(entry, &fields)].concat());
        let stbl = boxed(b"stbl", &[stsd, chunks.to_vec()].concat());
        boxed(b"trak", &boxed(b"mdia", &boxed(b"minf", &stbl)))
    }

    /// A table of one chunk of 32-bit positions.
    fn stco(at: u32) -> Vec<u8> {
        boxed(b"stco", &words(&[0, 1, at]))
    }

    /// A file whose first sample, at byte 24, is `number`.
    fn movie(number: u32, tracks: &[Vec<u8>]) -> Vec<u8> {
        let head = [boxed(b"ftyp", b"qt  \0\0\0\0"), boxed(b"mdat", &number.to_be_bytes())].concat();
        assert_eq!(head.len(), 28);
        [head, boxed(b"moov", &tracks.concat())].concat()
    }

    fn read(file: Vec<u8>) -> Option<SourceTimecode> {
        SourceTimecode::read(&mut Cursor::new(file), FileFormat::QuickTime).unwrap()
    }

    #[test]
    fn timecode_of_29_97_drops_frames() {
        let found = read(movie(107_894, &[track(b"tmcd", [1, 30_000, 1_001], &stco(24))]));
        let expected = SourceTimecode { count: 107_894, rate: (30_000, 1_001), drop_frame: true };
        assert_eq!(found, Some(expected));
    }

    #[test]
    fn timecode_of_25_is_found_after_other_tracks_and_with_64_bit_positions() {
        let chunks = boxed(b"co64", &words(&[0, 1, 0, 24]));
        let tracks = [track(b"avc1", [0; 3], &stco(24)), track(b"tmcd", [2, 12_800, 512], &chunks)];
        let expected = SourceTimecode { count: 900_000, rate: (25, 1), drop_frame: false };
        assert_eq!(read(movie(900_000, &tracks)), Some(expected));
    }

    #[test]
    fn counters_and_impossible_numbers_are_no_timecode() {
        let number = |number, fields| read(movie(number, &[track(b"tmcd", fields, &stco(24))]));
        assert_eq!(number(90_000, [COUNTER, 25, 1]), None);
        assert_eq!(number(u32::MAX, [4, 25, 1]), None, "a negative number");
        assert_eq!(number(90_000, [0, 0, 1]), None);
        assert_eq!(number(90_000, [0, 25, 0]), None);
    }

    #[test]
    fn hostile_positions_and_counts_are_no_timecode() {
        let fields = [0, 25, 1];
        for chunks in [
            stco(u32::MAX),
            boxed(b"stco", &words(&[0, 0, 24])),
            boxed(b"stco", &words(&[0, u32::MAX])),
            boxed(b"co64", &words(&[0, u32::MAX, u32::MAX, u32::MAX])),
            boxed(b"co64", &words(&[0, 1, 0])),
            Vec::new(),
        ] {
            assert_eq!(read(movie(90_000, &[track(b"tmcd", fields, &chunks)])), None, "{chunks:?}");
        }
        let endless = vec![boxed(b"trak", b""); 100_000];
        assert_eq!(read(movie(90_000, &endless)), None);
    }

    #[test]
    fn truncated_files_have_no_timecode_or_the_whole_one() {
        let file = movie(90_000, &[track(b"tmcd", [0, 25, 1], &stco(24))]);
        let whole = read(file.clone());
        assert!(whole.is_some());
        for length in 0..file.len() {
            let found = read(file[..length].to_vec());
            assert!(found.is_none() || found == whole, "{length} bytes: {found:?}");
        }
    }
}
