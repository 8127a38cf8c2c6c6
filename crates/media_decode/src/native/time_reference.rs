//! The time reference of a Broadcast WAVE file (`bext`, EBU Tech 3285): samples since midnight.

use std::io::{self, Read, Seek, SeekFrom};

use super::wave::{HEADER, MAX_CHUNKS, UNSET, bytes, chunk};
use crate::SourceTimecode;

/// Position of the time reference in `bext`: after description, originator, its reference, date and time.
const POSITION: u64 = 256 + 32 + 32 + 10 + 8;

/// The time reference of a WAVE, RF64 or BW64 file. Chunks may be in any order.
pub(crate) fn time_reference(source: &mut (impl Read + Seek)) -> io::Result<Option<SourceTimecode>> {
    let end = source.seek(SeekFrom::End(0))?;
    let is_wave = bytes(source, HEADER)?.starts_with(b"WAVE");
    let form = chunk(source, 0)?.map(|(name, _)| name);
    if !is_wave || !matches!(form.as_ref(), Some(b"RIFF" | b"RF64" | b"BW64")) {
        return Ok(None);
    }
    let (mut rate, mut samples, mut data_length) = (None, None, None);
    let mut at = 12;
    for _ in 0..MAX_CHUNKS {
        let Some((name, length)) = chunk(source, at)? else { break };
        let content = at + HEADER;
        let mut length = u64::from(length);
        match &name {
            b"ds64" => data_length = Some(u64::from_le_bytes(bytes(source, content + 8)?)),
            b"data" if length == u64::from(UNSET) => length = data_length.unwrap_or(end),
            b"fmt " => {
                let [_, _, _, _, hertz @ ..] = bytes(source, content)?;
                rate = Some(u32::from_le_bytes(hertz));
            }
            b"bext" if length >= POSITION + 8 && content + POSITION + 8 <= end => {
                samples = Some(u64::from_le_bytes(bytes(source, content + POSITION)?));
            }
            _ => {}
        }
        // Chunks begin at even offsets. Lengths are not trusted.
        let next = length.checked_next_multiple_of(2).and_then(|length| content.checked_add(length));
        match next.filter(|next| *next <= end) {
            Some(next) => at = next,
            None => break,
        }
    }
    Ok(samples.zip(rate).and_then(|(samples, rate)| SourceTimecode::new(samples, (rate, 1), false)))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::FileFormat;

    fn chunk_of(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap();
        [name.as_slice(), &length.to_le_bytes(), content].concat()
    }

    fn bext(samples: u64) -> Vec<u8> {
        let mut content = vec![0; 602];
        content[338..346].copy_from_slice(&samples.to_le_bytes());
        chunk_of(b"bext", &content)
    }

    /// The format of 48 kHz, 16 bit, mono.
    fn fmt() -> Vec<u8> {
        chunk_of(b"fmt ", b"\x01\0\x01\0\x80\xbb\0\0\0\x77\x01\0\x02\0\x10\0")
    }

    fn file(form: &[u8; 4], chunks: &[Vec<u8>]) -> Vec<u8> {
        [form.as_slice(), &[0xff; 4], b"WAVE", &chunks.concat()].concat()
    }

    fn read(file: Vec<u8>) -> Option<SourceTimecode> {
        SourceTimecode::read(&mut Cursor::new(file), FileFormat::Wave).unwrap()
    }

    const TEN_HOURS: SourceTimecode =
        SourceTimecode { count: 36_000 * 48_000, rate: (48_000, 1), drop_frame: false };

    #[test]
    fn time_reference_is_read_before_and_after_the_audio() {
        let (bext, data) = (bext(TEN_HOURS.count), chunk_of(b"data", b"123456"));
        assert_eq!(read(file(b"RIFF", &[bext.clone(), fmt(), data.clone()])), Some(TEN_HOURS));
        assert_eq!(read(file(b"RIFF", &[fmt(), data.clone(), bext])), Some(TEN_HOURS));
        assert_eq!(read(file(b"RIFF", &[fmt(), data])), None);
    }

    #[test]
    fn audio_of_rf64_is_skipped_by_its_64_bit_length() {
        let lengths = [0, 6, 3].map(u64::to_le_bytes).concat();
        let data = [b"data\xff\xff\xff\xff".as_slice(), b"123456"].concat();
        let chunks = [chunk_of(b"ds64", &lengths), fmt(), data, bext(TEN_HOURS.count)];
        assert_eq!(read(file(b"RF64", &chunks)), Some(TEN_HOURS));
    }

    #[test]
    fn hostile_lengths_and_counts_are_no_timecode() {
        let lengths = [0, u64::MAX, 3].map(u64::to_le_bytes).concat();
        let data = b"data\xff\xff\xff\xff".to_vec();
        let chunks = [chunk_of(b"ds64", &lengths), fmt(), data, bext(0)];
        assert_eq!(read(file(b"RF64", &chunks)), None);
        assert_eq!(read(file(b"RIFF", &[fmt(), bext(u64::MAX)])), None, "more than a day");
        assert_eq!(read(file(b"RIFF", &[fmt(), chunk_of(b"bext", &[0; 340])])), None, "too short");
        assert_eq!(read(file(b"RIFF", &[bext(0)])), None, "no rate");
        assert_eq!(read(file(b"RIFF", &vec![chunk_of(b"odd ", b""); 100_000])), None);
        let whole = file(b"RIFF", &[fmt(), bext(TEN_HOURS.count)]);
        for length in 0..whole.len() {
            let found = read(whole[..length].to_vec());
            assert!(found.is_none_or(|found| found == TEN_HOURS), "{length} bytes: {found:?}");
        }
    }
}
