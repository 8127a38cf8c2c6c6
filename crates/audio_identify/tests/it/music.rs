//! Made music, as samples and as files.

pub(crate) use test_kit::music::{RATE, at_speed, piece, recorded};

/// `samples` at another level.
pub(crate) fn scaled(samples: &[f32], gain: f32) -> Vec<f32> {
    samples.iter().map(|sample| gain * sample).collect()
}

/// A WAVE file of mono samples, 16 bit.
pub(crate) fn wav(samples: &[f32]) -> Vec<u8> {
    let samples: Vec<i16> = samples.iter().map(|s| (s.clamp(-1.0, 1.0) * 32_767.0).round() as i16).collect();
    test_kit::wav(RATE as u32, 1, &samples)
}
