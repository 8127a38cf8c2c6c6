//! Half the sample rate, by a half-band filter.

use super::{bessel_i0, sinc};
use crate::simd::vectorized;

/// Taps on either side that are not zero, and the shape of their Kaiser window: up to 0.41 times the new rate nothing is
/// lost, and what would fold back there is 80 dB down.
const PAIRS: usize = 14;
const KAISER_BETA: f64 = 7.86;
/// Outputs that an input sample has a part in, on either side.
pub(super) const REACH: usize = PAIRS;
/// Outputs whose sums are kept at hand.
const BLOCK: usize = 64;

/// Halves the rate of a stream: output m stands exactly where input 2 m stood, with no delay to make up for.
///
/// Every second tap of a half-band filter but the middle one is zero, so outputs are the even samples plus a sum over
/// the odd ones (P. P. Vaidyanathan, "Multirate Systems and Filter Banks", 1993, 4.6.2).
pub(super) struct HalfBand {
    /// The tap for the odd samples k + ½ outputs before and after.
    taps: [f32; PAIRS],
    /// Even samples not yet halved.
    even: Vec<f32>,
    /// Odd samples still needed, from [`PAIRS`] before the first of `even` on; zeros stand before the stream.
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
        // Both sides together weigh as much as the middle tap.
        let sum: f64 = taps.iter().sum();
        Self {
            taps: taps.map(|tap| (tap / (4.0 * sum)) as f32),
            even: Vec::new(),
            odd: vec![0.0; PAIRS],
            is_odd: false,
        }
    }

    /// Takes samples and appends the outputs that are decided; how they are cut into calls makes no difference.
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

    /// Adds what the odd samples give to the outputs from `start` on.
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

    /// What comes of a tone of `frequency` (in parts of the rate), in pieces of `chunk` samples.
    fn halved(frequency: f64, chunk: usize) -> Vec<f32> {
        let tone: Vec<f32> =
            (0..4_001).map(|n| (std::f64::consts::TAU * frequency * f64::from(n)).sin() as f32).collect();
        let (mut filter, mut out) = (HalfBand::new(), Vec::new());
        tone.chunks(chunk).for_each(|part| filter.push(part, &mut out));
        filter.push(&[0.0; 2 * PAIRS], &mut out);
        out
    }

    #[test]
    fn low_tones_stay_as_they_are_and_high_ones_vanish() {
        for (frequency, kept) in [(0.01, 1.0), (0.1, 1.0), (0.2, 1.0), (0.3, 0.0), (0.4, 0.0), (0.49, 0.0)] {
            let out = halved(frequency, 4_001);
            // Away from where the tone begins and ends.
            for (m, sample) in out.iter().enumerate().take(1_900).skip(100) {
                let expected = kept * (std::f64::consts::TAU * frequency * 2.0 * m as f64).sin();
                let error = (f64::from(*sample) - expected).abs();
                assert!(error < 2e-4, "{frequency}: {sample} instead of {expected} at {m}");
            }
        }
    }

    #[test]
    fn pieces_make_no_difference() {
        let whole = halved(0.123, 4_001);
        assert_eq!(whole.len(), 2_001);
        for chunk in [1, 2, 7, 100] {
            assert_eq!(halved(0.123, chunk), whole);
        }
    }
}
