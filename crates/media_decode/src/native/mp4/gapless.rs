//! `iTunSMPB`, a tag of iTunes with the encoder delay and the valid length.

use std::io::{self, Read, Seek};
use std::ops::Range;

use crate::native::boxes::BoxReader;

/// Encoder delay and valid length in samples, from an `iTunSMPB` tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gapless {
    pub(crate) delay: u32,
    pub(crate) length: u64,
}

/// Looks for `moov/udta/meta/ilst/----` with the name `iTunSMPB`.
pub(super) fn read_gapless<R: Read + Seek>(
    reader: &mut BoxReader<'_, R>,
    udta: Range<u64>,
) -> io::Result<Option<Gapless>> {
    let Some(meta) = reader.find(udta, b"meta")? else {
        return Ok(None);
    };
    // `meta` is a full box: version and flags come before its children.
    let Some(ilst) = reader.find(meta.content.start.saturating_add(4)..meta.content.end, b"ilst")? else {
        return Ok(None);
    };
    let mut tags = ilst.content;
    while let Some(tag) = reader.next_box(&mut tags)? {
        if tag.kind != *b"----" {
            continue;
        }
        let bytes = reader.content(&tag, 1_024)?;
        let text = String::from_utf8_lossy(&bytes);
        if let Some((_, value)) = text.split_once("iTunSMPB") {
            return Ok(parse_gapless(value));
        }
    }
    Ok(None)
}

/// Parses the value, a sequence of hexadecimal numbers: 0, delay, padding, length.
fn parse_gapless(value: &str) -> Option<Gapless> {
    let (_, numbers) = value.split_once(" 00000000 ")?;
    let mut numbers = numbers.split_ascii_whitespace();
    let delay = u32::from_str_radix(numbers.next()?, 16).ok()?;
    let length = u64::from_str_radix(numbers.nth(1)?, 16).ok()?;
    // No encoder has a delay of more than a few frames.
    (delay < 16_384 && length > 0).then_some(Gapless { delay, length })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gapless_tags_are_parsed() {
        let value = "\0\0\0 data 00000000 00000840 000001CA 00000000003F31F6 00000000";
        assert_eq!(parse_gapless(value), Some(Gapless { delay: 0x840, length: 0x3F_31F6 }));
        assert_eq!(parse_gapless("nonsense"), None);
    }
}
