//! A Fourier transform of one fixed length, with bit-identical results on every processor.

use std::f64::consts::TAU;

/// Number of points of the transform.
pub(crate) const POINTS: usize = 512;

/// Twiddle factors and the bit-reversed order of the inputs.
pub(crate) struct Fourier {
    twiddles: Vec<(f32, f32)>,
    order: Vec<usize>,
}

impl Fourier {
    pub(crate) fn new() -> Self {
        let angle = |k: usize| -TAU * k as f64 / POINTS as f64;
        let bits = POINTS.trailing_zeros();
        Self {
            twiddles: (0..POINTS / 2).map(|k| (angle(k).cos() as f32, angle(k).sin() as f32)).collect(),
            order: (0..POINTS).map(|i| i.reverse_bits() >> (usize::BITS - bits)).collect(),
        }
    }

    /// The power |X|² of the first `POINTS / 2` bins of `samples`, padded with zeros.
    pub(crate) fn power(&self, samples: &[f32], power: &mut [f32; POINTS / 2]) {
        let at = |i: usize| samples.get(i).copied().unwrap_or(0.0);
        let mut values: Vec<(f32, f32)> = self.order.iter().map(|&i| (at(i), 0.0)).collect();
        let mut half = 1;
        while half < POINTS {
            let step = POINTS / (2 * half);
            for block in values.chunks_exact_mut(2 * half) {
                let (low, high) = block.split_at_mut(half);
                for (k, (a, b)) in low.iter_mut().zip(high).enumerate() {
                    let (re, im) = self.twiddles[k * step];
                    let product = (b.0 * re - b.1 * im, b.0 * im + b.1 * re);
                    *b = (a.0 - product.0, a.1 - product.1);
                    *a = (a.0 + product.0, a.1 + product.1);
                }
            }
            half *= 2;
        }
        for (bin, (re, im)) in power.iter_mut().zip(values) {
            *bin = re * re + im * im;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_equals_the_definition() {
        let samples: Vec<f32> = (0..400).map(|i| ((i * i) % 97) as f32 / 97.0 - 0.4).collect();
        let mut power = [0.0; POINTS / 2];
        Fourier::new().power(&samples, &mut power);
        for (bin, &found) in power.iter().enumerate() {
            let (mut re, mut im) = (0.0, 0.0);
            for (i, &x) in samples.iter().enumerate() {
                let angle = TAU * (bin * i) as f64 / POINTS as f64;
                re += f64::from(x) * angle.cos();
                im -= f64::from(x) * angle.sin();
            }
            let expected = re * re + im * im;
            assert!(
                (f64::from(found) - expected).abs() < 1e-3 * (1.0 + expected),
                "{bin}: {found} {expected}"
            );
        }
    }
}
