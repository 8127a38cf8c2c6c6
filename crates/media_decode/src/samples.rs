//! Replaces samples that cannot be audio.

/// Samples beyond this are damage: full scale is 1, and even integers stored as floats by mistake stay below.
const LOUDEST: f32 = 1e6;

/// Number of samples that are checked together.
const CHECKED_TOGETHER: usize = 256;

/// Sets samples that are NaN or beyond [`LOUDEST`] to zero, and returns their number.
pub(crate) fn silence_bad_samples(samples: &mut [f32]) -> u64 {
    let is_bad = |sample: f32| sample.is_nan() || sample.abs() > LOUDEST;
    let mut count = 0;
    for samples in samples.chunks_mut(CHECKED_TOGETHER) {
        // No branch per sample: bad samples are rare.
        if samples.iter().fold(false, |bad, &sample| bad | is_bad(sample)) {
            for sample in samples.iter_mut().filter(|sample| is_bad(**sample)) {
                *sample = 0.0;
                count += 1;
            }
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_samples_become_silence() {
        let mut samples = [0.5, f32::NAN, f32::INFINITY, -f32::INFINITY, 1e30, -1.0];
        assert_eq!(silence_bad_samples(&mut samples), 4);
        assert_eq!(samples, [0.5, 0.0, 0.0, 0.0, 0.0, -1.0]);
    }
}
