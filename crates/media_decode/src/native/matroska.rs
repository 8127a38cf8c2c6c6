//! Lets symphonia read a truncated Matroska file.
//!
//! Symphonia ignores an element that is longer than the file, including the part that exists. An element of unknown
//! length (RFC 8794 §6.2) extends to the end of the file, so truncated elements are presented with an unknown length.

use std::io::{self, Read, Seek, SeekFrom};

use super::metered::Overlay;

const EBML: u64 = 0x1A45_DFA3;
const SEGMENT: u64 = 0x1853_8067;
const SEEK_HEAD: u64 = 0x114D_9B74;
const VOID: u8 = 0xEC;
const CLUSTER: u64 = 0x1F43_B675;
/// Most elements that are read on the first level; no real file has more.
const MAX_ELEMENTS: u32 = 100_000;

/// Position of an element in the file.
pub(super) struct Element {
    pub(super) id: u64,
    /// Position and width in bytes of the length field.
    length_at: u64,
    length_bytes: usize,
    pub(super) content: u64,
    /// End of the content; `None` when the length is unknown.
    pub(super) end: Option<u64>,
}

/// Overlays for a truncated file: unknown lengths for elements that extend beyond its end, and no seek head, which
/// would point to missing elements.
pub(super) fn overlays(source: &mut (impl Read + Seek)) -> io::Result<Vec<Overlay>> {
    let length = source.seek(SeekFrom::End(0))?;
    let Some(header) = element(source, 0, length)?.filter(|header| header.id == EBML) else {
        return Ok(Vec::new());
    };
    let Some(segment) = header.end.map(|end| element(source, end, length)).transpose()?.flatten() else {
        return Ok(Vec::new());
    };
    if segment.id != SEGMENT || segment.end.is_none_or(|end| end <= length) {
        return Ok(Vec::new());
    }
    let mut overlays = vec![segment.unknown_length()];
    let mut at = segment.content;
    for _ in 0..MAX_ELEMENTS {
        match element(source, at, length)? {
            Some(Element { end: Some(end), id, .. }) if end <= length => {
                if id == SEEK_HEAD {
                    overlays.extend(void(at, end));
                }
                at = end;
            }
            Some(cut) if cut.id == CLUSTER => {
                overlays.push(cut.unknown_length());
                break;
            }
            _ => break,
        }
    }
    Ok(overlays)
}

impl Element {
    fn unknown_length(&self) -> Overlay {
        let mut bytes = vec![0xFF; self.length_bytes];
        bytes[0] >>= self.length_bytes - 1;
        Overlay::new(self.length_at, bytes)
    }
}

/// The header of a void element from `start` to `end`, which replaces the element there.
fn void(start: u64, end: u64) -> Option<Overlay> {
    const HEADER: u64 = 5;
    let length = u32::try_from(end.checked_sub(start + HEADER)?).ok().filter(|length| *length < 1 << 28)?;
    let mut bytes = vec![VOID];
    bytes.extend((length | 1 << 28).to_be_bytes());
    Some(Overlay::new(start, bytes))
}

/// The element whose header is at `at` in a file of `length` bytes; `None` when there is no complete header.
///
/// Declared ends are up to 2^56, which some file systems reject as a position: nothing beyond the file is read.
pub(super) fn element(source: &mut (impl Read + Seek), at: u64, length: u64) -> io::Result<Option<Element>> {
    if at >= length {
        return Ok(None);
    }
    let mut header = Vec::with_capacity(12);
    source.seek(SeekFrom::Start(at))?;
    source.take(12).read_to_end(&mut header)?;
    let Some((id_bytes, id)) = number(&header, 4) else {
        return Ok(None);
    };
    let Some((length_bytes, declared)) = number(&header[id_bytes..], 8) else {
        return Ok(None);
    };
    // The leading one bit encodes the width; the other bits are the number, all ones when the length is unknown.
    let mask = (1u64 << (7 * length_bytes)) - 1;
    let content = at + (id_bytes + length_bytes) as u64;
    let end = if declared & mask == mask { None } else { content.checked_add(declared & mask) };
    Ok(Some(Element { id, length_at: at + id_bytes as u64, length_bytes, content, end }))
}

/// Width in bytes and value of the variable-width number at the beginning of `bytes`. The value includes the leading
/// one bit.
pub(super) fn number(bytes: &[u8], widest: usize) -> Option<(usize, u64)> {
    let width = bytes.first()?.leading_zeros() as usize + 1;
    let bytes = bytes.get(..width).filter(|_| width <= widest)?;
    Some((width, bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn overlays_of(bytes: &[u8]) -> Vec<Overlay> {
        overlays(&mut io::Cursor::new(bytes)).unwrap()
    }

    #[test]
    fn lengths_beyond_the_end_become_unknown() {
        let header = b"\x1A\x45\xDF\xA3\x81\x00";
        let seek_head = b"\x11\x4D\x9B\x74\x82ab";
        let cluster = b"\x1F\x43\xB6\x75\x40\x09cut";
        let file = [&header[..], b"\x18\x53\x80\x67\x08\x00\x00\x00\x20", seek_head, cluster].concat();
        let expected = [
            Overlay::new(10, vec![0x0F, 0xFF, 0xFF, 0xFF, 0xFF]),
            Overlay::new(15, vec![VOID, 0x10, 0, 0, 2]),
            Overlay::new(26, vec![0x7F, 0xFF]),
        ];
        assert_eq!(overlays_of(&file), expected);
    }

    #[test]
    fn complete_files_and_other_formats_get_no_overlays() {
        let whole = b"\x1A\x45\xDF\xA3\x81\x00\x18\x53\x80\x67\x83abc";
        assert_eq!(overlays_of(whole), []);
        assert_eq!(overlays_of(b"RIFF....WAVE"), []);
        assert_eq!(overlays_of(b""), []);
        assert_eq!(overlays_of(&[0x1A, 0x45, 0xDF, 0xA3, 0xFF]), []);
    }

    #[test]
    fn declared_ends_beyond_the_largest_file_are_no_io_errors() {
        // A real file, because file systems limit positions (ext4: 16 TiB) and a cursor does not.
        let mut file = tempfile::tempfile().unwrap();
        let header = b"\x1A\x45\xDF\xA3\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFE";
        file.write_all(header).unwrap();
        assert_eq!(overlays(&mut file).unwrap(), []);
        assert!(element(&mut file, 1 << 56, header.len() as u64).unwrap().is_none());
    }
}
