//! Detects files that are shorter than their container declares. The missing part must not be taken for the end of the
//! recording.

use std::io::{self, Read, Seek, SeekFrom};

use media_time::{FileTime, MediaTime};

use crate::container::Container;
use crate::packet::Packet;

/// Most chunks that are read on the first level; no real file has more.
const MAX_CHUNKS: u32 = 100_000;
/// Longest part that may be missing at the end of a window, where the last frame freezes: one frame at 20 fps.
pub(crate) const SLACK: MediaTime = MediaTime::from_millis(50);

/// Whether `source` ends inside one of its chunks. Boxes of MP4 and MOV, the segment of Matroska and the forms of RIFF
/// and AIFF declare their lengths; files of other containers are never reported as truncated.
///
/// # Errors
/// When reading fails.
pub(crate) fn is_truncated(mut source: impl Read + Seek, container: Container) -> io::Result<bool> {
    let end = source.seek(SeekFrom::End(0))?;
    let mut at = 0_u64;
    for _ in 0..MAX_CHUNKS {
        let mut header = Vec::with_capacity(16);
        source.seek(SeekFrom::Start(at))?;
        (&mut source).take(16).read_to_end(&mut header)?;
        match chunk_length(container, &header).and_then(|length| at.checked_add(length)) {
            Some(next) if next <= end => at = next,
            beyond => return Ok(beyond.is_some()),
        }
    }
    Ok(false)
}

/// The length of the chunk that begins with `header`; `None` when it is not declared or no chunk follows.
fn chunk_length(container: Container, header: &[u8]) -> Option<u64> {
    let form = || header.get(4..8)?.first_chunk().copied();
    match container.demuxer {
        "mov" => match u32::from_be_bytes(header.first_chunk().copied()?) {
            // The box extends to the end of the file.
            0 => None,
            1 => header.get(8..16)?.try_into().ok().map(u64::from_be_bytes),
            length => Some(length.into()),
        }
        .filter(|length| *length >= 8),
        "wav" | "avi" if header.starts_with(b"RIFF") => match u32::from_le_bytes(form()?) {
            // The writer did not know the length.
            0 | u32::MAX => None,
            length => Some(8 + u64::from(length)),
        },
        "aiff" if header.starts_with(b"FORM") => Some(8 + u64::from(u32::from_be_bytes(form()?))),
        "matroska" => {
            let (id_bytes, _) = number(header, 4)?;
            let (length_bytes, length) = number(header.get(id_bytes..)?, 8)?;
            Some((id_bytes + length_bytes) as u64 + length?)
        }
        _ => None,
    }
}

/// Width in bytes and value of a number of variable width (RFC 8794 §4); the value is `None` when all bits are ones.
fn number(bytes: &[u8], widest: usize) -> Option<(usize, Option<u64>)> {
    let width = bytes.first()?.leading_zeros() as usize + 1;
    let bytes = bytes.get(..width).filter(|_| width <= widest)?;
    let mask = (1_u64 << (7 * width)) - 1;
    let value = bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)) & mask;
    Some((width, Some(value).filter(|value| *value != mask)))
}

/// Whether `packets`, the last ones before `end` and some after it, extend to `end`. If the file is truncated, by its
/// container or because it ends before `declared_end`, its last packet may be incomplete and is ignored.
pub(crate) fn reaches(
    packets: &[Packet],
    end: FileTime,
    is_truncated: bool,
    declared_end: Option<FileTime>,
) -> bool {
    let Some((last, others)) = packets.split_last() else { return false };
    let is_cut_off = is_truncated || declared_end.is_some_and(|declared| last.end < declared - SLACK);
    let whole = if is_cut_off { others } else { packets };
    whole.iter().any(|packet| packet.end >= end - SLACK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_packet_counts_only_at_the_declared_end() {
        let ms = FileTime::from_millis;
        let packet = |pts, end| Packet { pts: ms(pts), dts: ms(pts), end: ms(end), is_keyframe: true };
        let packets = [packet(0, 100), packet(100, 200)];
        for (end, is_truncated, declared_end, expected) in [
            (200, false, Some(200), true),
            (250, false, Some(250), true),
            (251, false, Some(251), false),
            (200, false, None, true),
            (200, false, Some(900), false),
            (150, false, Some(900), true),
            (200, true, Some(200), false),
            (150, true, Some(200), true),
        ] {
            let found = reaches(&packets, ms(end), is_truncated, declared_end.map(ms));
            assert_eq!(found, expected, "{end} {is_truncated} {declared_end:?}");
        }
        assert!(!reaches(&[], ms(10), false, None));
    }

    fn truncated(demuxer: &'static str, bytes: &[u8]) -> bool {
        is_truncated(io::Cursor::new(bytes), Container { demuxer }).unwrap()
    }

    #[test]
    fn file_that_ends_inside_a_chunk_is_truncated() {
        let whole: [(&str, &[u8]); 6] = [
            ("mov", b"\0\0\0\x0aftypis\0\0\0\x09mdat."),
            ("mov", b"\0\0\0\x0aftypis\0\0\0\x01mdat\0\0\0\0\0\0\0\x11."),
            ("wav", b"RIFF\x04\0\0\0WAVE"),
            ("avi", b"RIFF\x04\0\0\0AVI RIFF\x04\0\0\0AVIX"),
            ("aiff", b"FORM\0\0\0\x04AIFF"),
            ("matroska", b"\x1A\x45\xDF\xA3\x81\x00\x18\x53\x80\x67\x83abc"),
        ];
        for (demuxer, bytes) in whole {
            assert!(!truncated(demuxer, bytes), "{demuxer}");
            assert!(truncated(demuxer, &bytes[..bytes.len() - 1]), "{demuxer}");
        }
    }

    #[test]
    fn files_without_declared_lengths_are_not_truncated() {
        for (demuxer, bytes) in [
            ("mov", b"\0\0\0\0mdat...".as_slice()),
            ("mov", b"\0\0\0\x05what is this"),
            ("wav", b"RIFF\xff\xff\xff\xffWAVE"),
            ("matroska", b"\x1A\x45\xDF\xA3\x80\x18\x53\x80\x67\xFFabc"),
            ("mpegts", b"\x47 anything"),
            ("wav", b""),
        ] {
            assert!(!truncated(demuxer, bytes), "{demuxer} {}", bytes.escape_ascii());
        }
    }
}
