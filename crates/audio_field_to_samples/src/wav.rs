//! WAV files of 32-bit floats: decoded samples without loss.

use media_decode::AudioFormat;

/// Size of a sample in bytes.
const SAMPLE: u64 = 4;
/// Maximum size of the samples in a RIFF file, with a reserve for its headers.
const MAX_DATA: u64 = u32::MAX as u64 - 1_024;
const IEEE_FLOAT: u16 = 3;
const EXTENSIBLE: u16 = 0xfffe;
/// `KSDATAFORMAT_SUBTYPE_IEEE_FLOAT` after its first two bytes, which are the format tag.
const SUBTYPE: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];

/// Size in bytes of the samples of `frames` frames; `None` if a WAV file cannot contain them (4 GiB).
pub(crate) fn data_bytes(channels: usize, frames: u64) -> Option<u64> {
    frames.checked_mul(channels as u64)?.checked_mul(SAMPLE).filter(|bytes| *bytes <= MAX_DATA)
}

/// The header of a file with `frames` frames of `format`, for which [`data_bytes`] must not be `None`.
///
/// The format is `WAVE_FORMAT_IEEE_FLOAT` for one or two channels, `WAVE_FORMAT_EXTENSIBLE` for more. Neither is PCM,
/// so a `fact` chunk declares the number of frames (Multimedia Programming Interface 1.0, and its New Multimedia Data
/// Types).
pub(crate) fn header(format: &AudioFormat, frames: u64) -> Vec<u8> {
    let channels = format.channels();
    let data = data_bytes(channels, frames).unwrap_or(MAX_DATA) as u32;
    let mut fmt = Vec::with_capacity(40);
    let block = (channels as u64 * SAMPLE) as u16;
    let tag = if channels <= 2 { IEEE_FLOAT } else { EXTENSIBLE };
    fmt.extend(tag.to_le_bytes());
    fmt.extend((channels as u16).to_le_bytes());
    fmt.extend(format.rate.to_le_bytes());
    fmt.extend((format.rate * u32::from(block)).to_le_bytes());
    fmt.extend(block.to_le_bytes());
    fmt.extend(32u16.to_le_bytes());
    if tag == EXTENSIBLE {
        fmt.extend(22u16.to_le_bytes());
        fmt.extend(32u16.to_le_bytes());
        fmt.extend(format.speaker_mask().to_le_bytes());
        fmt.extend(IEEE_FLOAT.to_le_bytes());
        fmt.extend(SUBTYPE);
    } else {
        fmt.extend(0u16.to_le_bytes());
    }
    let mut header = Vec::with_capacity(fmt.len() + 40);
    let riff = 4 + (8 + fmt.len() as u32) + (8 + 4) + 8 + data;
    header.extend(b"RIFF");
    header.extend(riff.to_le_bytes());
    header.extend(b"WAVEfmt ");
    header.extend((fmt.len() as u32).to_le_bytes());
    header.extend(fmt);
    header.extend(b"fact");
    header.extend(4u32.to_le_bytes());
    header.extend((frames as u32).to_le_bytes());
    header.extend(b"data");
    header.extend(data.to_le_bytes());
    header
}
