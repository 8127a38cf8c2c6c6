//! Halves the sample rate with a half-band filter.

use super::window::{bessel_i0, sinc};
use crate::simd::vectorized;

/// Number of nonzero taps on either side, and the shape of their Kaiser window: frequencies up to 0.41 times the new
/// rate pass unchanged, and aliases there are attenuated by 80 dB.
const PAIRS: usize = 14;
const KAISER_BETA: f64 = 7.86;
/// Number of outputs on either side that an input sample affects.
pub(super) const REACH: usize = PAIRS;
/// Number of outputs whose sums are computed together.
const BLOCK: usize = 64;

/// Halves the sample rate of a stream: output m is at exactly the time of input 2 m, without delay.
///
/// Every second tap of a half-band filter except the middle one is zero, so outputs are the even samples plus a sum
/// over the odd ones (P. P. Vaidyanathan, "Multirate Systems and Filter Banks", 1993, 4.6.2).
pub(super) struct HalfBand {
    /// The tap for the odd samples k + ½ outputs before and after.
    taps: [f32; PAIRS],
    /// Even samples not yet halved.
    even: Vec<f32>,
    /// Odd samples still needed, from [`PAIRS`] before the first of `even` on; zeros precede the stream.
    odd: Vec<f32>,
    /// Whether an odd sample comes next.
    is_odd: bool,
}

impl HalfBand {
    pub(super) fn new() -> Self {
        let width = (2 * PAIRS) as f64;
        let tap = |k: usize| {
            let (distance, edge) = (k as f64 + 0.5, (2 * k + 1) as f64 / width);
            sinc(distance) * bessel_i0(KAISER_BETA * (1.0 - edge * edge).sqrt())
        };
        let taps: [f64; PAIRS] = std::array::from_fn(tap);
        // Both sides together have the same weight as the middle tap.
        let sum: f64 = taps.iter().sum();
        Self {
            taps: taps.map(|tap| (tap / (4.0 * sum)) as f32),
            even: Vec::new(),
            odd: vec![0.0; PAIRS],
            is_odd: false,
        }
    }

    /// Adds samples and appends all complete outputs; the result does not depend on how they are split into calls.
    pub(super) fn push(&mut self, mut samples: &[f32], out: &mut Vec<f32>) {
        if self.is_odd
            && let Some((first, rest)) = samples.split_first()
        {
            self.odd.push(*first);
            samples = rest;
            self.is_odd = false;
        }
        let (pairs, last) = samples.as_chunks::<2>();
        self.even.extend(pairs.iter().map(|[even, _]| even));
        self.odd.extend(pairs.iter().map(|[_, odd]| odd));
        if let [last] = last {
            self.even.push(*last);
            self.is_odd = true;
        }
        let ready = self.even.len().min((self.odd.len() + 1).saturating_sub(2 * PAIRS));
        let first = out.len();
        out.extend(self.even.drain(..ready).map(|sample| 0.5 * sample));
        vectorized(
            #[inline(always)]
            || {
                for (block, out) in out[first..].chunks_mut(BLOCK).enumerate() {
                    self.add_odd(block * BLOCK, out);
                }
            },
        );
        self.odd.drain(..ready);
    }

    /// Adds the contribution of the odd samples to the outputs from `start` on.
    #[inline(always)]
    fn add_odd(&self, start: usize, out: &mut [f32]) {
        for (k, tap) in self.taps.iter().enumerate() {
            let middle = start + PAIRS;
            let after = &self.odd[middle + k..][..out.len()];
            let before = &self.odd[middle - 1 - k..][..out.len()];
            for ((out, before), after) in out.iter_mut().zip(before).zip(after) {
                *out += tap * (before + after);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tone of `frequency` (relative to the sample rate) with the rate halved, pushed in pieces of `chunk` samples.
    fn halved(frequency: f64, chunk: usize) -> Vec<f32> {
        let tone: Vec<f32> =
            (0..4_001).map(|n| (std::f64::consts::TAU * frequency * f64::from(n)).sin() as f32).collect();
        let (mut filter, mut out) = (HalfBand::new(), Vec::new());
        tone.chunks(chunk).for_each(|part| filter.push(part, &mut out));
        filter.push(&[0.0; 2 * PAIRS], &mut out);
        out
    }

    #[test]
    fn low_tones_pass_and_high_tones_are_removed() {
        for (frequency, kept) in [(0.01, 1.0), (0.1, 1.0), (0.2, 1.0), (0.3, 0.0), (0.4, 0.0), (0.49, 0.0)] {
            let out = halved(frequency, 4_001);
            // Without the start and the end of the tone.
            for (m, sample) in out.iter().enumerate().take(1_900).skip(100) {
                let expected = kept * (std::f64::consts::TAU * frequency * 2.0 * m as f64).sin();
                let error = (f64::from(*sample) - expected).abs();
                assert!(error < 2e-4, "{frequency}: {sample} instead of {expected} at {m}");
            }
        }
    }

    #[test]
    fn output_does_not_depend_on_chunks() {
        let whole = halved(0.123, 4_001);
        assert_eq!(whole.len(), 2_001);
        for chunk in [1, 2, 7, 100] {
            assert_eq!(halved(0.123, chunk), whole);
        }
    }
}
