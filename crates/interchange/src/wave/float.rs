//! WAVE files of 32-bit floats: decoded samples without loss.

use super::{append_chunk, put_u16, put_u32};

/// Size of a sample in bytes.
const SAMPLE: u64 = 4;
/// Maximum size in bytes of the chunks that [`header`] puts before the samples.
pub const MAX_CHUNK_BYTES: usize = 64 << 10;
/// Maximum size in bytes of the samples in a RIFF file, with a reserve for its headers and chunks.
const MAX_DATA: u64 = u32::MAX as u64 - MAX_CHUNK_BYTES as u64 - 1_023;
const IEEE_FLOAT: u16 = 3;
const EXTENSIBLE: u16 = 0xfffe;
/// `KSDATAFORMAT_SUBTYPE_IEEE_FLOAT` after its first two bytes, which are the format tag.
const SUBTYPE: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];

/// Format of a file of 32-bit floats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FloatFormat {
    /// Number of channels, at least 1.
    pub channels: u16,
    /// Sample rate in Hz.
    pub rate: u32,
    /// `dwChannelMask`: speaker positions of the channels, 0 if unknown; written for more than two channels.
    pub speaker_mask: u32,
}

/// Size in bytes of the samples of `frames` frames; `None` if a WAVE file cannot contain them (4 GiB, less the reserve
/// for [`MAX_CHUNK_BYTES`]).
#[must_use]
pub fn data_bytes(channels: usize, frames: u64) -> Option<u64> {
    let channels = u64::try_from(channels).ok()?;
    frames.checked_mul(channels)?.checked_mul(SAMPLE).filter(|bytes| *bytes <= MAX_DATA)
}

/// The header of a file with `frames` frames of `format`, for which [`data_bytes`] must not be `None`. `chunks` are
/// formatted chunks of at most [`MAX_CHUNK_BYTES`], such as those of [`chunks`](super::chunks); they come before the
/// samples.
///
/// The format is `WAVE_FORMAT_IEEE_FLOAT` for one or two channels, `WAVE_FORMAT_EXTENSIBLE` for more. Neither is PCM,
/// so a `fact` chunk declares the number of frames (Multimedia Programming Interface 1.0, and its New Multimedia Data
/// Types).
#[must_use]
pub fn header(format: &FloatFormat, frames: u64, chunks: &[u8]) -> Vec<u8> {
    let data = data_bytes(usize::from(format.channels), frames).unwrap_or(MAX_DATA);
    let fmt = fmt_content(format);
    let mut body = Vec::with_capacity(80 + chunks.len());
    body.extend_from_slice(b"WAVE");
    append_chunk(&mut body, b"fmt ", &fmt);
    append_chunk(&mut body, b"fact", &(frames as u32).to_le_bytes());
    body.extend_from_slice(chunks);
    body.extend_from_slice(b"data");
    put_u32(&mut body, data as u32);
    // The samples have an even size: they need no padding.
    let riff = u32::try_from(body.len() as u64 + data).unwrap_or(u32::MAX);
    let mut header = Vec::with_capacity(8 + body.len());
    header.extend_from_slice(b"RIFF");
    put_u32(&mut header, riff);
    header.append(&mut body);
    header
}

/// Content of the `fmt ` chunk: `WAVEFORMATEX`, or `WAVEFORMATEXTENSIBLE` for more than two channels.
fn fmt_content(format: &FloatFormat) -> Vec<u8> {
    let block = format.channels.saturating_mul(SAMPLE as u16);
    let tag = if format.channels <= 2 { IEEE_FLOAT } else { EXTENSIBLE };
    let mut fmt = Vec::with_capacity(40);
    put_u16(&mut fmt, tag);
    put_u16(&mut fmt, format.channels);
    put_u32(&mut fmt, format.rate);
    put_u32(&mut fmt, format.rate.saturating_mul(u32::from(block)));
    put_u16(&mut fmt, block);
    put_u16(&mut fmt, 32);
    if tag == EXTENSIBLE {
        put_u16(&mut fmt, 22);
        put_u16(&mut fmt, 32);
        put_u32(&mut fmt, format.speaker_mask);
        put_u16(&mut fmt, IEEE_FLOAT);
        fmt.extend_from_slice(&SUBTYPE);
    } else {
        put_u16(&mut fmt, 0);
    }
    fmt
}
