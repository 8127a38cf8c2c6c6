/// A WAV file of interleaved 16-bit samples.
///
/// # Panics
/// When it would be longer than 4 GiB.
#[must_use]
pub fn wav(rate: u32, channels: u16, samples: &[i16]) -> Vec<u8> {
    let size = u32::try_from(2 * samples.len()).expect("at most 4 GiB of samples");
    let frame_bytes = channels.wrapping_mul(2);
    let mut file = Vec::with_capacity(44 + 2 * samples.len());
    file.extend(b"RIFF");
    file.extend((36 + size).to_le_bytes());
    // 16 bytes of format; 1: PCM.
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0");
    file.extend(channels.to_le_bytes());
    file.extend(rate.to_le_bytes());
    // Wraps, because headers of some tests are absurd.
    file.extend(rate.wrapping_mul(2).wrapping_mul(u32::from(channels)).to_le_bytes());
    file.extend(frame_bytes.to_le_bytes());
    file.extend(b"\x10\0data");
    file.extend(size.to_le_bytes());
    file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    file
}
