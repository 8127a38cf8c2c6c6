//! Lets symphonia read a WAVE file whose lengths are wrong: the file is truncated, the lengths were never written, or
//! they do not fit into 32 bits.
//!
//! Symphonia trusts the lengths in the header and the duration that follows from them. So lengths that extend beyond
//! the end of the file, or that a recorder did not write, are replaced by the actual ones.

use std::io::{self, Read, Seek, SeekFrom};

use super::metered::Overlay;

/// Most chunks that are read before the audio; no real file has more.
pub(super) const MAX_CHUNKS: u32 = 1_000;
/// Bytes of a chunk's name and length.
pub(super) const HEADER: u64 = 8;
/// Length that SoX and other programs declare when they write to a pipe.
const PIPED: u32 = 0x7fff_f000;
/// Length of a chunk whose actual length is declared elsewhere (RF64) or unknown (written to a pipe).
pub(super) const UNSET: u32 = u32::MAX;

/// Corrections of the lengths of a WAVE file.
pub(super) struct LengthCorrections {
    /// Overlays that set the lengths of the form and of its `data` chunk to the actual ones.
    pub(super) overlays: Vec<Overlay>,
    /// Whether the file is shorter than it declares.
    pub(super) is_truncated: bool,
}

/// The corrections of a WAVE file; `None` for other files and for correct lengths.
pub(super) fn length_corrections(source: &mut (impl Read + Seek)) -> io::Result<Option<LengthCorrections>> {
    let end = source.seek(SeekFrom::End(0))?;
    let Some((form, form_length)) = chunk(source, 0)? else { return Ok(None) };
    let is_long = matches!(&form, b"RF64" | b"BW64");
    if !(is_long || &form == b"RIFF") || &bytes(source, HEADER)?[..4] != b"WAVE" {
        return Ok(None);
    }
    let mut long_data = None;
    let mut at = 12;
    for _ in 0..MAX_CHUNKS {
        let Some((name, length)) = chunk(source, at)? else { break };
        let content = at + HEADER;
        match &name {
            b"ds64" if is_long => long_data = Some(u64::from_le_bytes(bytes(source, content + 8)?)),
            b"data" => {
                let there = end.saturating_sub(content);
                // Recorders write the lengths last: one that lost power leaves zeros or the lengths of an empty
                // file, and a program that writes to a pipe leaves the largest values.
                let is_piped = (PIPED..=UNSET).contains(&length) && !is_long && u64::from(length) > there;
                let is_empty = length == 0 && u64::from(form_length) <= content - HEADER;
                let is_unwritten = there > 0 && (is_empty || is_piped);
                let declared = match length {
                    _ if is_unwritten => None,
                    UNSET => long_data,
                    length => Some(length.into()),
                };
                let is_truncated = declared.is_some_and(|declared| declared > there);
                let length =
                    declared.map_or(if is_unwritten { there } else { UNSET.into() }, |of| of.min(there));
                let is_wrong = is_truncated || is_long || is_unwritten || form_length == 0;
                return Ok(is_wrong.then(|| LengthCorrections {
                    overlays: header_overlays(end, at, length),
                    is_truncated,
                }));
            }
            _ => {}
        }
        // Chunks begin at even offsets.
        at = content + u64::from(length).next_multiple_of(2);
    }
    Ok(None)
}

/// Name and length of the chunk at `at`, if there is one.
pub(super) fn chunk(source: &mut (impl Read + Seek), at: u64) -> io::Result<Option<([u8; 4], u32)>> {
    if source.seek(SeekFrom::End(0))? < at + HEADER {
        return Ok(None);
    }
    let [a, b, c, d, length @ ..] = bytes(source, at)?;
    Ok(Some(([a, b, c, d], u32::from_le_bytes(length))))
}

/// Eight bytes from `at` on; zeros beyond the end.
pub(super) fn bytes(source: &mut (impl Read + Seek), at: u64) -> io::Result<[u8; 8]> {
    let mut bytes = Vec::with_capacity(8);
    source.seek(SeekFrom::Start(at))?;
    source.take(8).read_to_end(&mut bytes)?;
    bytes.resize(8, 0);
    Ok(bytes.try_into().unwrap_or_default())
}

/// Overlays for a file that ends at `end`, with a `data` chunk at `data` of `length` bytes.
fn header_overlays(end: u64, data: u64, length: u64) -> Vec<Overlay> {
    let short = |length: u64| u32::try_from(length).unwrap_or(UNSET).to_le_bytes();
    vec![
        Overlay::new(0, [*b"RIFF", short(end - HEADER)].concat()),
        Overlay::new(data + 4, short(length).to_vec()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlays_of(bytes: &[u8]) -> Option<(Vec<Overlay>, bool)> {
        length_corrections(&mut io::Cursor::new(bytes))
            .unwrap()
            .map(|lengths| (lengths.overlays, lengths.is_truncated))
    }

    fn length_overlays(form: &[u8; 4], at: u64, data: &[u8; 4]) -> Vec<Overlay> {
        vec![Overlay::new(0, [b"RIFF".as_slice(), form].concat()), Overlay::new(at, data.to_vec())]
    }

    #[test]
    fn lengths_beyond_the_end_are_replaced_by_actual_ones() {
        let file = b"RIFF\xff\x00\x00\x00WAVEodd \x01\x00\x00\x00x\0data\x90\x00\x00\x00123456";
        assert_eq!(file.len(), 36);
        assert_eq!(overlays_of(file), Some((length_overlays(&[28, 0, 0, 0], 26, &[6, 0, 0, 0]), true)));
        let header = overlays_of(&file[..30]);
        assert_eq!(header, Some((length_overlays(&[22, 0, 0, 0], 26, &[0; 4]), true)), "a header alone");
    }

    #[test]
    fn unwritten_lengths_are_replaced_by_actual_ones() {
        let file = b"RIFF\0\0\0\0WAVEdata\x00\x00\x00\x00123456";
        assert_eq!(overlays_of(file), Some((length_overlays(&[18, 0, 0, 0], 16, &[6, 0, 0, 0]), false)));
        let empty = b"RIFF\x0c\0\0\0WAVEdata\x00\x00\x00\x00123456";
        assert_eq!(overlays_of(empty), Some((length_overlays(&[18, 0, 0, 0], 16, &[6, 0, 0, 0]), false)));
        let piped = b"RIFF\x24\xf0\xff\x7fWAVEdata\x00\xf0\xff\x7f123456";
        assert_eq!(overlays_of(piped), Some((length_overlays(&[18, 0, 0, 0], 16, &[6, 0, 0, 0]), false)));
        let endless = b"RIFF\xff\xff\xff\xffWAVEdata\xff\xff\xff\xff123456";
        assert_eq!(overlays_of(endless), Some((length_overlays(&[18, 0, 0, 0], 16, &[6, 0, 0, 0]), false)));
        let data = b"RIFF\0\0\0\0WAVEdata\x02\x00\x00\x0012LIST";
        assert_eq!(overlays_of(data), Some((length_overlays(&[18, 0, 0, 0], 16, &[2, 0, 0, 0]), false)));
    }

    #[test]
    fn lengths_of_64_bits_are_converted_to_32() {
        let head = b"RF64\xff\xff\xff\xffWAVEds64\x10\0\0\0\0\0\0\0\0\0\0\0";
        let file =
            |length: u64| [head, length.to_le_bytes().as_slice(), b"data\xff\xff\xff\xff123456"].concat();
        assert_eq!(overlays_of(&file(6)), Some((length_overlays(&[42, 0, 0, 0], 40, &[6, 0, 0, 0]), false)));
        assert_eq!(
            overlays_of(&file(5 << 32)),
            Some((length_overlays(&[42, 0, 0, 0], 40, &[6, 0, 0, 0]), true))
        );
    }

    #[test]
    fn correct_files_and_other_formats_get_no_overlays() {
        for whole in [
            b"RIFF\x10\x00\x00\x00WAVEdata\x04\x00\x00\x001234".as_slice(),
            b"RIFF\x10\x00\x00\x00AVI data\xff\x00\x00\x001234",
            b"RIFF\x10\x00\x00\x00WAVEdata",
            b"",
        ] {
            assert_eq!(overlays_of(whole), None, "{}", whole.escape_ascii());
        }
    }
}
