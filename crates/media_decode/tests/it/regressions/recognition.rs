//! Formats that are recognised by their bytes, and errors that name them.

use std::fs::File;
use std::io::Cursor;

use media_decode::{DecodeError, DecoderKind, Decoders};
use test_kit::Recordings;

use super::{SHORT, SOUND, decode, difference};
use crate::support::{DecodedAudio, decoders, probe};

#[test]
fn quicktime_without_its_brand_is_decoded() {
    let folder = Recordings::new();
    let path = folder.make("a.mov", &format!("{SOUND} -c:a pcm_s16be"));
    let mut bytes = std::fs::read(&path).unwrap();
    let reference = decode(bytes.clone()).unwrap();
    assert_eq!(&bytes[4..8], b"ftyp");
    bytes[4..8].copy_from_slice(b"free");
    let path = folder.path("brandless.mov");
    std::fs::write(&path, &bytes).unwrap();
    let found = DecodedAudio::decode_anyhow(&path).unwrap();
    assert_eq!(difference(&found, &reference), 0.0);
    assert!(matches!(decode(bytes), Err(DecodeError::FfmpegUnavailable { .. })));
}

#[test]
fn tags_before_and_after_mp3_frames_are_skipped() {
    let folder = Recordings::new();
    let make = |name: &str, arguments: &str| {
        let bare = "-c:a libmp3lame -write_xing 0 -id3v2_version 0";
        std::fs::read(folder.make(name, &format!("{SOUND} {arguments} {bare}"))).unwrap()
    };
    let (whole, other) = (make("a.mp3", "-b:a 128k"), make("b.mp3", "-ar 16000 -b:a 32k"));
    let reference = decode(whole.clone()).unwrap();
    // Cover art in a tag may contain bytes that look like frames of other audio.
    let length = other.len() as u32;
    let size =
        [length >> 21, length >> 14 & 0x7f, length >> 7 & 0x7f, length & 0x7f].map(|seven| seven as u8);
    let id3 = [b"ID3\x04\0\0".as_slice(), &size, &other].concat();
    let ape = [b"APETAGEX\xd0\x07\0\0".as_slice(), &length.to_le_bytes(), &[0; 16], &other].concat();
    for (name, file) in [
        ("ID3v2 behind", [whole.clone(), id3.clone()].concat()),
        ("ID3v2 before", [id3.clone(), whole.clone()].concat()),
        ("APE behind", [whole.clone(), ape.clone()].concat()),
        ("both", [id3, whole.clone(), ape].concat()),
    ] {
        let found = decode(file).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(found.samples.len(), reference.samples.len(), "{name}");
        assert!(difference(&found, &reference) < 1e-6, "{name}");
    }
}

#[test]
fn archives_and_other_formats_do_not_pass_for_mp3() {
    let folder = Recordings::new();
    let mp3 = std::fs::read(folder.make("a.mp3", &format!("{SOUND} -c:a libmp3lame"))).unwrap();
    let mut tar = b"a.mp3".to_vec();
    tar.resize(257, 0);
    tar.extend(b"ustar\x0000");
    tar.resize(512, 0);
    let inside = |head: &[u8], tail: &[u8]| [head, &mp3, tail].concat();
    for (name, file) in [
        ("tar", inside(&tar, &[0; 1_024])),
        ("zip", inside(b"PK\x03\x04\x14\0\0\0\0\0", b"PK\x01\x02 a central directory, and so on")),
        ("OptimFROG", inside(b"OFR \x0c\0\0\0", b"")),
        ("text before and behind", inside(&b"not a header ".repeat(50), &b"nor a trailer ".repeat(50))),
    ] {
        let error = decode(file.clone()).unwrap_err();
        assert!(
            matches!(error, DecodeError::Unrecognised(_) | DecodeError::Unsupported(_)),
            "{name}: {error}"
        );
        assert_eq!(probe(Cursor::new(file)).unwrap().audio, None, "{name}");
    }
    for (name, arguments) in
        [("a.wv", "-c:a wavpack"), ("a.ts", "-c:a aac"), ("a.mpg", "-c:a mp2"), ("a.tta", "-c:a tta")]
    {
        let path = folder.make(name, &format!("{SOUND} {arguments}"));
        let decoder = decoders().open(Box::new(File::open(&path).unwrap()), None).unwrap();
        assert!(matches!(decoder.kind(), DecoderKind::Ffmpeg(_)), "{name}");
        let without = Decoders::native().open(Box::new(File::open(&path).unwrap()), None).unwrap_err();
        assert!(matches!(without, DecodeError::FfmpegUnavailable { .. }), "{name}: {without}");
    }
}

/// Formats without an encoder here: the decoder is chosen by the header, and the error without it names the format.
#[test]
fn formats_without_an_encoder_are_recognised_by_their_headers() {
    for (header, name) in [
        (&b"#!AMR\n\x3c\x91\x17\x16"[..], "amr"),
        (b"#!AMR-WB\n\x44", "amr"),
        (b"MAC \x96\x0f\0\0\x34\0\0\0", "ape"),
        (b"tBaK\x00\x22\0\0", "tak"),
        (b"MPCKSH", "musepack"),
        (b".RMF\0\0\0\x12", "rm"),
    ] {
        let file = [header, &[0; 512]].concat();
        let error = decode(file.clone()).unwrap_err();
        assert!(
            matches!(&error, DecodeError::FfmpegUnavailable { what, .. } if what == name),
            "{name}: {error}"
        );
        let probe = probe(Cursor::new(file)).unwrap();
        assert!(
            probe.needs_ffmpeg && !probe.is_complete && probe.container.as_deref() == Some(name),
            "{probe:?}"
        );
    }
}

#[test]
fn damaged_bytes_are_not_reported_as_io_errors() {
    let folder = Recordings::new();
    let caf = std::fs::read(folder.make("a.caf", &format!("{SHORT} -c:a pcm_s16be"))).unwrap();
    let webm = std::fs::read(folder.make("a.webm", &format!("{SHORT} -c:a libvorbis"))).unwrap();
    for (name, bytes) in [("caf", caf), ("webm", webm)] {
        for at in 0..bytes.len().min(400) {
            for value in [0x00, 0x62, 0xff] {
                let mut mutant = bytes.clone();
                mutant[at] = value;
                let result = decode(mutant);
                assert!(
                    !matches!(result, Err(DecodeError::Io(_))),
                    "{name}: byte {at} as {value:#x}: {result:?}"
                );
            }
        }
    }
}
