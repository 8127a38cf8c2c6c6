//! Made music, as samples and as files.

pub(crate) use test_kit::music::{RATE, at_speed, piece, recorded};

/// A WAVE file of mono samples at [`RATE`], 16 bit.
pub(crate) fn wav(samples: &[f32]) -> Vec<u8> {
    let samples: Vec<i16> = samples.iter().map(|sample| (sample * 32_767.0) as i16).collect();
    test_kit::wav(RATE as u32, 1, &samples)
}
