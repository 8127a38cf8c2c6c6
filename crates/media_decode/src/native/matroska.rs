//! Lets symphonia read a Matroska file that was cut off.
//!
//! Symphonia takes an element that is longer than the file for no element at all, and with it what is there. An
//! element of unknown length (RFC 8794 §6.2) goes on as far as the file does, so that is what the cut ones are
//! made to look like.

use std::io::{self, Read, Seek, SeekFrom};

use super::metered::Overlay;

const EBML: u64 = 0x1A45_DFA3;
const SEGMENT: u64 = 0x1853_8067;
const SEEK_HEAD: u64 = 0x114D_9B74;
const VOID: u8 = 0xEC;
const CLUSTER: u64 = 0x1F43_B675;
/// More elements than any real file has on its first level are not looked at.
const MAX_ELEMENTS: u32 = 100_000;

/// Where an element lies.
pub(super) struct Element {
    pub(super) id: u64,
    /// Where its length is told, and in how many bytes.
    length_at: u64,
    length_bytes: usize,
    pub(super) content: u64,
    /// `None` when unknown.
    pub(super) end: Option<u64>,
}

/// How symphonia is to see the file: the lengths of what reaches beyond its end unknown, and no table of contents,
/// which points to what is gone.
pub(super) fn overlays(source: &mut (impl Read + Seek)) -> io::Result<Vec<Overlay>> {
    let length = source.seek(SeekFrom::End(0))?;
    let Some(header) = element(source, 0)?.filter(|header| header.id == EBML) else {
        return Ok(Vec::new());
    };
    let Some(segment) = header.end.map(|end| element(source, end)).transpose()?.flatten() else {
        return Ok(Vec::new());
    };
    if segment.id != SEGMENT || segment.end.is_none_or(|end| end <= length) {
        return Ok(Vec::new());
    }
    let mut overlays = vec![segment.unknown_length()];
    let mut at = segment.content;
    for _ in 0..MAX_ELEMENTS {
        match element(source, at)? {
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

/// The header of an empty element that reaches from `start` to `end`, in place of any other there.
fn void(start: u64, end: u64) -> Option<Overlay> {
    const HEADER: u64 = 5;
    let length = u32::try_from(end.checked_sub(start + HEADER)?).ok().filter(|length| *length < 1 << 28)?;
    let mut bytes = vec![VOID];
    bytes.extend((length | 1 << 28).to_be_bytes());
    Some(Overlay::new(start, bytes))
}

/// The element whose header stands at `at`; `None` where none fits.
pub(super) fn element(source: &mut (impl Read + Seek), at: u64) -> io::Result<Option<Element>> {
    let mut header = Vec::with_capacity(12);
    source.seek(SeekFrom::Start(at))?;
    source.take(12).read_to_end(&mut header)?;
    let Some((id_bytes, id)) = number(&header, 4) else {
        return Ok(None);
    };
    let Some((length_bytes, told)) = number(&header[id_bytes..], 8) else {
        return Ok(None);
    };
    // The leading one bit tells the width; the others are the number, all ones when it is unknown.
    let mask = (1u64 << (7 * length_bytes)) - 1;
    let content = at + (id_bytes + length_bytes) as u64;
    let end = if told & mask == mask { None } else { content.checked_add(told & mask) };
    Ok(Some(Element { id, length_at: at + id_bytes as u64, length_bytes, content, end }))
}

/// A number of variable width at the beginning of `bytes`, its leading one bit included, and its width in bytes.
pub(super) fn number(bytes: &[u8], widest: usize) -> Option<(usize, u64)> {
    let width = bytes.first()?.leading_zeros() as usize + 1;
    let bytes = bytes.get(..width).filter(|_| width <= widest)?;
    Some((width, bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))))
}

#[cfg(test)]
mod tests {
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
    fn whole_files_and_other_files_are_left_alone() {
        let whole = b"\x1A\x45\xDF\xA3\x81\x00\x18\x53\x80\x67\x83abc";
        assert_eq!(overlays_of(whole), []);
        assert_eq!(overlays_of(b"RIFF....WAVE"), []);
        assert_eq!(overlays_of(b""), []);
        assert_eq!(overlays_of(&[0x1A, 0x45, 0xDF, 0xA3, 0xFF]), []);
    }
}
