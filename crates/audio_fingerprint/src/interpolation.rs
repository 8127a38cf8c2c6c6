//! Samples at fractional positions.

use std::sync::LazyLock;

/// Samples on either side of a position that determine its value.
const REACH: usize = 16;
/// Tabulated kernels between two samples; a position takes the nearest one, which is an error of −66 dB at 4 kHz.
const PHASES: usize = 1_024;

/// Windowed sinc kernels for fractional positions.
pub(crate) struct Interpolator {
    /// Kernel of each phase: weights of `2 * REACH` samples.
    kernels: Vec<[f32; 2 * REACH]>,
}

impl Interpolator {
    /// The kernels, which are computed once: 128 KiB.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: LazyLock<Interpolator> = LazyLock::new(Interpolator::new);
        &SHARED
    }

    fn new() -> Self {
        let kernel = |phase: usize| {
            std::array::from_fn(|tap| {
                let distance = tap as f64 - (REACH - 1) as f64 - phase as f64 / PHASES as f64;
                let x = std::f64::consts::PI * distance;
                let sinc = if distance.abs() < 1e-12 { 1.0 } else { x.sin() / x };
                // A Hann window.
                (sinc * (0.5 + 0.5 * (x / REACH as f64).cos())) as f32
            })
        };
        Self { kernels: (0..PHASES).map(kernel).collect() }
    }

    /// `count` samples of `samples` from the position `start` on, `step` apart (in samples); outside, they are 0.
    pub(crate) fn resample(&self, samples: &[f32], start: f64, step: f64, count: usize) -> Vec<f32> {
        (0..count).map(|n| self.at(samples, start + n as f64 * step)).collect()
    }

    fn at(&self, samples: &[f32], position: f64) -> f32 {
        let scaled = (position * PHASES as f64).round();
        let (whole, phase) = ((scaled / PHASES as f64).floor(), scaled.rem_euclid(PHASES as f64) as usize);
        if phase == 0 {
            return sample_at(samples, whole as i64);
        }
        let first = whole as i64 - (REACH - 1) as i64;
        let weights = &self.kernels[phase];
        match usize::try_from(first).ok().and_then(|first| samples.get(first..first + 2 * REACH)) {
            Some(inside) => inside.iter().zip(weights).map(|(sample, weight)| sample * weight).sum(),
            None => (first..).zip(weights).map(|(at, weight)| sample_at(samples, at) * weight).sum(),
        }
    }
}

fn sample_at(samples: &[f32], at: i64) -> f32 {
    usize::try_from(at).ok().and_then(|at| samples.get(at)).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resample_equals_the_sine_between_samples() {
        let sine = |t: f64| (t * 0.7).sin();
        let samples: Vec<f32> = (0..400).map(|n| sine(f64::from(n)) as f32).collect();
        let found = Interpolator::shared().resample(&samples, 40.37, 1.03, 300);
        for (n, value) in found.iter().enumerate() {
            let expected = sine(40.37 + n as f64 * 1.03);
            assert!((f64::from(*value) - expected).abs() < 4e-3, "{n}: {value} {expected}");
        }
    }

    #[test]
    fn resample_without_a_change_is_exact_and_zero_outside() {
        let found = Interpolator::shared().resample(&[0.25, -0.5, 1.0], -1.0, 1.0, 5);
        assert_eq!(found, [0.0, 0.25, -0.5, 1.0, 0.0]);
    }
}
