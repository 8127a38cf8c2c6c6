//! Lets symphonia read what is there of a WAVE file that was cut off.
//!
//! Symphonia believes the lengths in the header, and the duration that follows from them. So those that reach beyond
//! the end of the file are made to look like what is there.

use std::io::{self, Read, Seek, SeekFrom};

use super::source::Overlay;

/// More chunks than any real file has before its sound are not looked at.
const MAX_CHUNKS: u32 = 1_000;
/// Name and length of a chunk.
const HEADER: u64 = 8;

/// How symphonia is to see the file: its form, and the chunk of sound in it, as long as the file. None when nothing is
/// missing, or the file tells no lengths, as those written to a pipe.
pub(super) fn overlays(source: &mut (impl Read + Seek)) -> io::Result<Vec<Overlay>> {
    let end = source.seek(SeekFrom::End(0))?;
    let mut form = Vec::with_capacity(12);
    source.rewind()?;
    (&mut *source).take(12).read_to_end(&mut form)?;
    if !form.starts_with(b"RIFF") || form.get(8..) != Some(b"WAVE".as_slice()) {
        return Ok(Vec::new());
    }
    let mut at = 12;
    for _ in 0..MAX_CHUNKS {
        let Some((name, length)) = chunk(source, at)? else { break };
        let content = at + HEADER;
        if &name == b"data" {
            let is_cut = length != u32::MAX && content + u64::from(length) > end;
            return Ok(if is_cut { shortened(at, end) } else { Vec::new() });
        }
        // Chunks begin at even places.
        at = content + u64::from(length).next_multiple_of(2);
    }
    Ok(Vec::new())
}

/// Name and length of the chunk at `at`, if there is one.
fn chunk(source: &mut (impl Read + Seek), at: u64) -> io::Result<Option<([u8; 4], u32)>> {
    let mut header = Vec::with_capacity(8);
    source.seek(SeekFrom::Start(at))?;
    source.take(HEADER).read_to_end(&mut header)?;
    let whole: Result<[u8; 8], _> = header.try_into();
    Ok(whole.ok().map(|[a, b, c, d, length @ ..]| ([a, b, c, d], u32::from_le_bytes(length))))
}

/// A file that ends at `end`, with the chunk at `data`.
fn shortened(data: u64, end: u64) -> Vec<Overlay> {
    let from = |start: u64| {
        let length = u32::try_from(end - start - HEADER).unwrap_or(u32::MAX);
        Overlay { at: start + 4, bytes: length.to_le_bytes().to_vec() }
    };
    vec![from(0), from(data)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlays_of(bytes: &[u8]) -> Vec<Overlay> {
        overlays(&mut io::Cursor::new(bytes)).unwrap()
    }

    #[test]
    fn lengths_beyond_the_end_are_those_of_the_file() {
        let file = b"RIFF\xff\x00\x00\x00WAVEodd \x01\x00\x00\x00x\0data\x90\x00\x00\x00123456";
        assert_eq!(file.len(), 36);
        let expected =
            [Overlay { at: 4, bytes: vec![28, 0, 0, 0] }, Overlay { at: 26, bytes: vec![6, 0, 0, 0] }];
        assert_eq!(overlays_of(file), expected);
        assert_eq!(overlays_of(&file[..30])[1].bytes, [0; 4], "a header alone");
    }

    #[test]
    fn whole_files_and_other_files_are_left_alone() {
        for whole in [
            b"RIFF\x10\x00\x00\x00WAVEdata\x04\x00\x00\x001234".as_slice(),
            b"RIFF\xff\xff\xff\xffWAVEdata\xff\xff\xff\xff1234",
            b"RIFF\x10\x00\x00\x00AVI data\xff\x00\x00\x001234",
            b"RIFF\x10\x00\x00\x00WAVEdata",
            b"",
        ] {
            assert_eq!(overlays_of(whole), [], "{}", whole.escape_ascii());
        }
    }
}
