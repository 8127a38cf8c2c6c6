//! Properties of the tracks of a Matroska file (RFC 9559 §5.1.4) that symphonia does not report.

use std::io::{self, Read, Seek, SeekFrom};

use super::matroska::{Element, element, number};

const SEGMENT: u64 = 0x1853_8067;
const TRACKS: u64 = 0x1654_AE6B;
const CLUSTER: u64 = 0x1F43_B675;
const TRACK_ENTRY: u64 = 0xAE;
const TRACK_NUMBER: u64 = 0xD7;
const TRACK_TYPE: u64 = 0x83;
const FLAG_DEFAULT: u64 = 0x88;
const CODEC_ID: u64 = 0x86;
const DEFAULT_DURATION: u64 = 0x23_E383;
const CONTENT_ENCODINGS: u64 = 0x6D80;
/// Most elements that are read before the tracks; no real file has more.
const MAX_ELEMENTS: u32 = 1_000;
/// Most bytes of the track entries that are read.
const MAX_TRACKS_BYTES: u64 = 4 << 20;

/// A track, as its entry describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MatroskaTrack {
    pub(crate) number: u64,
    pub(crate) kind: MatroskaKind,
    /// `FlagDefault`; true when absent.
    pub(crate) is_default: bool,
    /// The `CodecID`, e.g. `A_AAC`.
    pub(crate) codec_id: String,
    /// Nanoseconds per frame, if declared.
    pub(crate) default_duration_ns: Option<u64>,
    /// Whether the container compresses or encrypts the frames.
    pub(crate) is_encoded: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MatroskaKind {
    Video,
    Audio,
    Other,
}

/// The tracks of a Matroska file, in file order; empty for any other file, or when the tracks are not found.
pub(crate) fn tracks(source: &mut (impl Read + Seek)) -> io::Result<Vec<MatroskaTrack>> {
    let length = source.seek(SeekFrom::End(0))?;
    let Some(header) = element(source, 0, length)?.and_then(|header| header.end) else {
        return Ok(Vec::new());
    };
    let Some(segment) = element(source, header, length)?.filter(|segment| segment.id == SEGMENT) else {
        return Ok(Vec::new());
    };
    let mut at = segment.content;
    for _ in 0..MAX_ELEMENTS {
        let Some(Element { id, content, end: Some(end), .. }) = element(source, at, length)? else { break };
        match id {
            TRACKS => {
                let mut bytes = Vec::new();
                source.seek(SeekFrom::Start(content))?;
                source.take((end - content).min(MAX_TRACKS_BYTES)).read_to_end(&mut bytes)?;
                return Ok(children(&bytes)
                    .filter(|(id, _)| *id == TRACK_ENTRY)
                    .map(|(_, entry)| track(entry))
                    .collect());
            }
            CLUSTER => break,
            _ => at = end,
        }
    }
    Ok(Vec::new())
}

fn track(entry: &[u8]) -> MatroskaTrack {
    let mut track = MatroskaTrack {
        number: 0,
        kind: MatroskaKind::Other,
        is_default: true,
        codec_id: String::new(),
        default_duration_ns: None,
        is_encoded: false,
    };
    for (id, content) in children(entry) {
        match id {
            TRACK_NUMBER => track.number = unsigned(content),
            TRACK_TYPE => {
                track.kind = match unsigned(content) {
                    1 => MatroskaKind::Video,
                    2 => MatroskaKind::Audio,
                    _ => MatroskaKind::Other,
                }
            }
            FLAG_DEFAULT => track.is_default = unsigned(content) != 0,
            CODEC_ID => track.codec_id = String::from_utf8_lossy(content).trim_end_matches('\0').to_owned(),
            DEFAULT_DURATION => track.default_duration_ns = Some(unsigned(content)).filter(|ns| *ns > 0),
            CONTENT_ENCODINGS => track.is_encoded = true,
            _ => {}
        }
    }
    track
}

/// The ids and contents of the elements in `bytes`; ends at the first malformed element.
fn children(mut bytes: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    std::iter::from_fn(move || {
        let (id_bytes, id) = number(bytes, 4)?;
        let rest = bytes.get(id_bytes..)?;
        let (length_bytes, length) = number(rest, 8)?;
        let mask = (1_u64 << (7 * length_bytes)) - 1;
        let length = usize::try_from(length & mask).ok()?;
        let content = rest.get(length_bytes..)?.get(..length)?;
        bytes = &rest[length_bytes + length..];
        Some((id, content))
    })
}

fn unsigned(content: &[u8]) -> u64 {
    content.iter().take(8).fold(0, |value, byte| value << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn flags_and_encodings_of_tracks_are_read() {
        let audio = b"\xd7\x81\x02\x83\x81\x02\x88\x81\x00\x86\x85A_AAC\x6d\x80\x80";
        let video = b"\xd7\x81\x01\x83\x81\x01\x86\x8fV_MPEG4/ISO/AVC\x23\xe3\x83\x84\x02\x62\x5a\x00";
        let entry = |content: &[u8]| [&[0xae, 0x80 | content.len() as u8], content].concat();
        let entries = [entry(video), entry(audio)].concat();
        let tracks_element = [b"\x16\x54\xae\x6b", &[0x80 | entries.len() as u8][..], &entries].concat();
        let file = [b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\xff", &tracks_element[..]].concat();
        let found = tracks(&mut io::Cursor::new(file)).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].kind, found[0].default_duration_ns), (MatroskaKind::Video, Some(40_000_000)));
        assert!(found[0].is_default && !found[0].is_encoded);
        let expected = (MatroskaKind::Audio, 2, "A_AAC", false, true);
        let audio = &found[1];
        assert_eq!(
            (audio.kind, audio.number, &*audio.codec_id, audio.is_default, audio.is_encoded),
            expected
        );
    }

    #[test]
    fn malformed_files_have_no_tracks() {
        assert_eq!(tracks(&mut io::Cursor::new(b"\x1a\x45\xdf\xa3\xff\xff\xff".to_vec())).unwrap(), []);
        assert_eq!(tracks(&mut io::Cursor::new(Vec::new())).unwrap(), []);
    }

    #[test]
    fn elements_that_end_beyond_the_largest_file_have_no_tracks() {
        // A real file, because file systems limit positions (ext4: 16 TiB) and a cursor does not.
        let endless = b"\x01\xff\xff\xff\xff\xff\xff\xfe";
        let segment = b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67";
        for bytes in
            [[&b"\x1a\x45\xdf\xa3"[..], endless].concat(), [&segment[..], b"\xff\xec", endless].concat()]
        {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&bytes).unwrap();
            assert_eq!(tracks(&mut file).unwrap(), []);
        }
    }
}
