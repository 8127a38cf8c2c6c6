//! Reads the boxes of an ISO base media file (ISO/IEC 14496-12) without trusting their sizes.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

/// Most boxes that are read; no real file's index has more.
const MAX_BOXES: u32 = 20_000;

/// One box: its type and the position of its content.
#[derive(Clone, Debug)]
pub(super) struct MediaBox {
    /// The four-character code that names the type.
    pub(super) kind: [u8; 4],
    /// Position of the four-character code in the file.
    pub(super) kind_at: u64,
    /// Byte range of the content after the header, as far as the file has it.
    pub(super) content: Range<u64>,
    /// Whether the declared size exceeds the enclosing range.
    pub(super) is_cut: bool,
}

/// Reads boxes and numbers from a source.
pub(super) struct BoxReader<'a, R> {
    source: &'a mut R,
    boxes_left: u32,
}

impl<'a, R: Read + Seek> BoxReader<'a, R> {
    pub(super) fn new(source: &'a mut R) -> Self {
        Self::with_limit(source, MAX_BOXES)
    }

    /// A reader of up to `boxes_left` boxes.
    pub(super) fn with_limit(source: &'a mut R, boxes_left: u32) -> Self {
        Self { source, boxes_left }
    }

    /// The whole source, as the content of a box.
    pub(super) fn everything(&mut self) -> io::Result<Range<u64>> {
        Ok(0..self.source.seek(SeekFrom::End(0))?)
    }

    /// Reads the box at the start of `within` and moves that start after the box; `None` at the end or at a malformed
    /// box.
    pub(super) fn next_box(&mut self, within: &mut Range<u64>) -> io::Result<Option<MediaBox>> {
        if within.end.saturating_sub(within.start) < 8 || self.boxes_left == 0 {
            return Ok(None);
        }
        self.boxes_left -= 1;
        let [a, b, c, d, kind @ ..] = self.bytes::<8>(within.start)?;
        let (header, size) = match u32::from_be_bytes([a, b, c, d]) {
            0 => (8, within.end - within.start),
            1 if within.end - within.start >= 16 => (16, u64::from_be_bytes(self.bytes(within.start + 8)?)),
            size => (8, u64::from(size)),
        };
        let Some(end) = within.start.checked_add(size).filter(|_| size >= header) else {
            return Ok(None);
        };
        let content = within.start + header..end.min(within.end);
        let kind_at = within.start + 4;
        within.start = content.end;
        let is_cut = end > content.end;
        Ok((content.start <= content.end).then_some(MediaBox { kind, kind_at, content, is_cut }))
    }

    /// The first box of type `kind` in `within`.
    pub(super) fn find(&mut self, mut within: Range<u64>, kind: &[u8; 4]) -> io::Result<Option<MediaBox>> {
        while let Some(found) = self.next_box(&mut within)? {
            if found.kind == *kind {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The box reached by following `path` from `within`.
    pub(super) fn descend(&mut self, within: Range<u64>, path: &[&[u8; 4]]) -> io::Result<Option<MediaBox>> {
        let mut found = None;
        let mut within = within;
        for kind in path {
            let Some(next) = self.find(within, kind)? else {
                return Ok(None);
            };
            within = next.content.clone();
            found = Some(next);
        }
        Ok(found)
    }

    /// `N` bytes from position `at`.
    pub(super) fn bytes<const N: usize>(&mut self, at: u64) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.source.seek(SeekFrom::Start(at))?;
        self.source.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// The first `limit` bytes of the content of a box.
    pub(super) fn content(&mut self, of: &MediaBox, limit: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.source.seek(SeekFrom::Start(of.content.start))?;
        let length = (of.content.end - of.content.start).min(limit as u64);
        self.source.by_ref().take(length).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// The big-endian number of four bytes at `at`, if `bytes` is long enough.
pub(super) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(four.try_into().ok()?))
}

/// The big-endian number of eight bytes at `at`, if `bytes` is long enough.
pub(super) fn be64(bytes: &[u8], at: usize) -> Option<u64> {
    let eight = bytes.get(at..at.checked_add(8)?)?;
    Some(u64::from_be_bytes(eight.try_into().ok()?))
}
