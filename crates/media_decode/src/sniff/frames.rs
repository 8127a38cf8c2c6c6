//! Detection of MPEG audio and ADTS: frames without a file header, recognised by consecutive frames.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use super::format::FileFormat;
use super::tags::{after_tags, bytes_at, tag_length};

/// Number of consecutive frames required when the first one is at the very beginning.
const FRAMES: usize = 3;
/// Number of bytes that a scan searches for the first frame.
const SCAN: usize = 64 << 10;
/// Most bytes of tags and padding after the last frame of a scanned file; an incomplete frame may also follow.
const MAX_TRAILER: u64 = 1 << 20;

/// Most tags that are recorded; no real file has more.
const MAX_TAGS: usize = 64;

/// One frame, as its header describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Frame {
    format: FileFormat,
    length: usize,
    /// The header fields that are constant within a stream: version, layer and sample rate.
    stream: u32,
    /// Channel configuration (ADTS), or 1 for mono and 2 otherwise (MPEG audio).
    channels: u8,
}

/// The format of `head` if it begins with consecutive frames of one stream; `length` is the number of bytes in the file
/// from there on.
pub(super) fn at(head: &[u8], length: u64) -> Option<FileFormat> {
    let first = frame(head)?;
    let mut position = first.length;
    for _ in 1..FRAMES {
        if position as u64 >= length {
            break;
        }
        let next = head.get(position..).filter(|rest| rest.len() >= 4);
        // Frames beyond the end of `head` cannot be checked.
        let Some(next) = next else { break };
        let next = frame(next).filter(|next| next.stream == first.stream)?;
        position += next.length;
    }
    // A single frame is not sufficient evidence.
    (position > first.length).then_some(first.format)
}

/// Searches for the first frame from `start` on. It is accepted if consecutive frames follow to the end of the file.
pub(super) fn scan(
    source: &mut (impl Read + Seek + ?Sized),
    start: u64,
    length: u64,
) -> io::Result<Option<FileFormat>> {
    let head = bytes_at(source, start, SCAN as u64)?;
    for offset in 0..head.len() {
        let Some(format) = at(&head[offset..], length.saturating_sub(start + offset as u64)) else {
            continue;
        };
        if follows_to_end(source, start + offset as u64, length)? {
            return Ok(Some(format));
        }
    }
    Ok(None)
}

fn follows_to_end(source: &mut (impl Read + Seek + ?Sized), start: u64, length: u64) -> io::Result<bool> {
    source.seek(SeekFrom::Start(start))?;
    let mut reader = io::BufReader::with_capacity(64 << 10, source);
    let (mut position, mut stream) = (start, None);
    loop {
        let mut header = [0; 32];
        let count = read_up_to(&mut reader, &mut header)?;
        let next = frame(&header[..count]).filter(|next| stream.is_none_or(|stream| stream == next.stream));
        let Some(next) = next else {
            let is_short = length.saturating_sub(position) <= MAX_TRAILER;
            return Ok(count < 4 || is_short && is_trailer(&header[..count]));
        };
        stream = Some(next.stream);
        position += next.length as u64;
        if position >= length {
            return Ok(true);
        }
        reader.seek_relative(next.length as i64 - count as i64)?;
    }
}

/// Whether `head` is the beginning of a tag or of padding.
fn is_trailer(head: &[u8]) -> bool {
    let is_padding = head.iter().all(|byte| *byte == 0);
    is_padding || tag_length(head).is_some() || head.starts_with(b"TAG") || head.starts_with(b"LYRICS")
}

/// Result of reading all frame headers of a file with [`scan_frames`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FrameScan {
    /// Whether the sample rate or the number of channels changes. Two consecutive frames with the same change are
    /// required: a single one is damage.
    pub(crate) changes: bool,
    /// Byte ranges of tags between and after the frames, whose content may look like frames.
    pub(crate) tags: Vec<Range<u64>>,
}

/// Reads all frame headers of an MP3 or ADTS file.
///
/// # Errors
/// When reading fails.
pub(crate) fn scan_frames(source: &mut (impl Read + Seek + ?Sized)) -> io::Result<FrameScan> {
    let length = source.seek(SeekFrom::End(0))?;
    let start = after_tags(source)?;
    source.seek(SeekFrom::Start(start))?;
    let mut reader = io::BufReader::with_capacity(64 << 10, source);
    let (mut position, mut first, mut other): (u64, Option<Frame>, Option<Frame>) = (start, None, None);
    let (mut scanned, mut window) = (FrameScan::default(), [0; 32]);
    while position + 8 <= length {
        let count = read_up_to(&mut reader, &mut window)?;
        let head = &window[..count];
        let step = match (frame(head), tag_length(head)) {
            (None, Some(tag)) if scanned.tags.len() < MAX_TAGS => {
                scanned.tags.push(position..position.saturating_add(tag).min(length));
                tag.max(1)
            }
            (None, _) => {
                // Resynchronises byte by byte.
                other = None;
                1
            }
            (Some(next), _) => {
                let is_like = |known: &Frame| (known.stream, known.channels) == (next.stream, next.channels);
                match (&first, &other) {
                    (None, _) => first = Some(next),
                    (Some(first), _) if is_like(first) => other = None,
                    (Some(_), Some(other)) if is_like(other) => {
                        scanned.changes = true;
                        return Ok(scanned);
                    }
                    (Some(_), _) => other = Some(next),
                }
                next.length as u64
            }
        };
        position = position.saturating_add(step);
        reader.seek_relative(i64::try_from(step).unwrap_or(i64::MAX).saturating_sub(count as i64))?;
    }
    Ok(scanned)
}

fn read_up_to(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut count = 0;
    while count < buffer.len() {
        match reader.read(&mut buffer[count..])? {
            0 => break,
            more => count += more,
        }
    }
    Ok(count)
}

fn frame(bytes: &[u8]) -> Option<Frame> {
    mpeg_audio(bytes).or_else(|| adts(bytes))
}

/// Bit rates in kbit/s by version and layer (ISO/IEC 11172-3 §2.4.2.3, 13818-3 §2.4.2.3); index 0 is free format, which
/// is not recognised.
const KBPS: [[u16; 14]; 5] = [
    [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

fn mpeg_audio(bytes: &[u8]) -> Option<Frame> {
    let &[0xff, second, third, fourth, ..] = bytes else { return None };
    if second & 0xe0 != 0xe0 {
        return None;
    }
    let (version, layer) = (second >> 3 & 3, 4 - (second >> 1 & 3));
    let (bit_rate, rate, padding) = (third >> 4, third >> 2 & 3, usize::from(third >> 1 & 1));
    if version == 1 || layer == 4 || !(1..15).contains(&bit_rate) || rate == 3 {
        return None;
    }
    let is_mpeg1 = version == 3;
    let table = match (is_mpeg1, layer) {
        (true, layer) => usize::from(layer) - 1,
        (false, 1) => 3,
        (false, _) => 4,
    };
    let halvings = match version {
        3 => 0,
        2 => 1,
        _ => 2,
    };
    let hertz = [44_100, 48_000, 32_000][usize::from(rate)] >> halvings;
    let bits = usize::from(KBPS[table][usize::from(bit_rate) - 1]) * 1_000;
    let length = match (layer, is_mpeg1) {
        (1, _) => (12 * bits / hertz + padding) * 4,
        (3, false) => 72 * bits / hertz + padding,
        _ => 144 * bits / hertz + padding,
    };
    let stream = u32::from(second & 0xfe) << 8 | u32::from(rate);
    let channels = if fourth >> 6 == 3 { 1 } else { 2 };
    Some(Frame { format: FileFormat::Mp3, length, stream, channels })
}

fn adts(bytes: &[u8]) -> Option<Frame> {
    let &[0xff, second, third, fourth, fifth, sixth, ..] = bytes else { return None };
    let rate = third >> 2 & 0xf;
    if second & 0xf6 != 0xf0 || rate > 12 {
        return None;
    }
    let length = usize::from(fourth & 3) << 11 | usize::from(fifth) << 3 | usize::from(sixth >> 5);
    let stream = u32::from(second & 0xfe) << 8 | u32::from(third & 0xfc);
    let channels = (third & 1) << 2 | fourth >> 6;
    (length >= 7).then_some(Frame { format: FileFormat::Adts, length, stream, channels })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// Silent MP3 frames: 128 kbit/s at 44.1 kHz.
    fn mp3(frames: usize) -> Vec<u8> {
        let mut frame = vec![0xff, 0xfb, 0x90, 0x64];
        frame.resize(417, 0);
        frame.repeat(frames)
    }

    fn found(bytes: &[u8]) -> Option<FileFormat> {
        super::super::sniff(&mut Cursor::new(bytes)).unwrap()
    }

    #[test]
    fn frames_are_recognised_at_the_beginning_and_behind_junk() {
        assert_eq!(found(&mp3(20)), Some(FileFormat::Mp3));
        assert_eq!(found(&[vec![7; 1_000], mp3(20)].concat()), Some(FileFormat::Mp3));
        assert_eq!(found(&[vec![7; 1_000], mp3(20), b"TAG".repeat(43)].concat()), Some(FileFormat::Mp3));
        let cut = [vec![7; 1_000], mp3(20)].concat();
        assert_eq!(found(&cut[..cut.len() - 100]), Some(FileFormat::Mp3));
    }

    #[test]
    fn a_change_of_channels_or_rate_is_found() {
        let mono = |mut bytes: Vec<u8>| {
            bytes.chunks_mut(417).for_each(|frame| frame[3] = 0xc4);
            bytes
        };
        let changes = |bytes: Vec<u8>| scan_frames(&mut Cursor::new(bytes)).unwrap().changes;
        assert!(!changes(mp3(20)));
        assert!(changes([mp3(20), mono(mp3(5))].concat()));
        assert!(!changes([mp3(20), mono(mp3(1)), mp3(5)].concat()), "one frame is damage");
    }

    #[test]
    fn tags_between_and_behind_the_frames_are_found() {
        let tag = |content: &[u8]| [b"ID3\x04\0\0\0\0\x03\x21", content].concat();
        let tag = tag(&mp3(1)[..0x1a1]);
        let file = [mp3(4), tag.clone(), mp3(4), tag.clone()].concat();
        let (first, second) = (4 * 417, 8 * 417 + tag.len());
        let tags = vec![first as u64..(first + tag.len()) as u64, second as u64..(second + tag.len()) as u64];
        assert_eq!(scan_frames(&mut Cursor::new(file)).unwrap(), FrameScan { changes: false, tags });
    }

    #[test]
    fn frames_inside_other_data_are_not_recognised() {
        let inside = [vec![7; 1_000], mp3(20), b"something else".repeat(100)].concat();
        assert_eq!(found(&inside), None);
        assert_eq!(found(&mp3(1)), None);
    }
}
