//! Tags before the first byte of a container.

use std::io::{self, Read, Seek, SeekFrom};

/// Most leading tags that are skipped.
const MAX_TAGS: u32 = 8;

/// Offset of the first byte after leading ID3v2 and APE tags.
pub(super) fn after_tags(source: &mut (impl Read + Seek + ?Sized)) -> io::Result<u64> {
    let mut start = 0;
    for _ in 0..MAX_TAGS {
        match tag_length(&bytes_at(source, start, 32)?) {
            Some(length) => start += length,
            None => break,
        }
    }
    Ok(start)
}

/// The length of the ID3v2 (id3.org, ID3v2.4 §3.1) or APEv2 tag that `head` begins with.
pub(super) fn tag_length(head: &[u8]) -> Option<u64> {
    if let Some(id3) = head.strip_prefix(b"ID3") {
        let (flags, size) = (*id3.get(2)?, id3.get(3..7)?);
        let size = size.iter().fold(0, |size, byte| size << 7 | u64::from(byte & 0x7f));
        let footer = if flags & 0x10 != 0 { 10 } else { 0 };
        return Some(10 + size + footer);
    }
    let size = head.strip_prefix(b"APETAGEX")?.get(4..8)?;
    Some(32 + u64::from(u32::from_le_bytes(size.try_into().ok()?)))
}

/// Up to `count` bytes from `at` on.
pub(super) fn bytes_at(source: &mut (impl Read + Seek + ?Sized), at: u64, count: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.seek(SeekFrom::Start(at))?;
    source.take(count).read_to_end(&mut bytes)?;
    Ok(bytes)
}
