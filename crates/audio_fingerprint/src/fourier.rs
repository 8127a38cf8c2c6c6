//! A complex Fourier transform in plain arithmetic, bit-identical on every processor.

use std::f64::consts::TAU;

/// Transforms of one power-of-two size, of `LANES` signals at a time: value `n` of all signals is one array, so that
/// every pass is vectorised, the first ones too.
///
/// The transform is Stockham's of radix 4, which needs no reordering (C. Van Loan, "Computational Frameworks for the
/// Fast Fourier Transform", 1992).
pub(crate) struct Fourier<const LANES: usize> {
    /// e^(−iτ k / size) for k < size.
    twiddles: Vec<(f32, f32)>,
    scratch: Signals<LANES>,
}

/// Complex signals, with real and imaginary parts in separate arrays.
#[derive(Clone)]
pub(crate) struct Signals<const LANES: usize> {
    pub(crate) real: Vec<[f32; LANES]>,
    pub(crate) imaginary: Vec<[f32; LANES]>,
}

impl<const LANES: usize> Signals<LANES> {
    pub(crate) fn zeros(size: usize) -> Self {
        Self { real: vec![[0.0; LANES]; size], imaginary: vec![[0.0; LANES]; size] }
    }
}

impl<const LANES: usize> Fourier<LANES> {
    /// For signals of `size` values, rounded up to a power of two.
    pub(crate) fn new(size: usize) -> Self {
        let size = size.next_power_of_two();
        let angle = |k: usize| -TAU * k as f64 / size as f64;
        let twiddle = |k| (angle(k).cos() as f32, angle(k).sin() as f32);
        Self { twiddles: (0..size).map(twiddle).collect(), scratch: Signals::zeros(size) }
    }

    pub(crate) fn size(&self) -> usize {
        self.twiddles.len()
    }

    /// Transforms `signals`, of [`Self::size`] values, in place.
    pub(crate) fn transform(&mut self, signals: &mut Signals<LANES>) {
        let size = self.size();
        let (mut length, mut stride) = (size, 1);
        while length >= 4 {
            self.pass(signals, length / 4, stride);
            std::mem::swap(signals, &mut self.scratch);
            (length, stride) = (length / 4, 4 * stride);
        }
        if length == 2 {
            let Signals { real, imaginary } = &mut self.scratch;
            for (from, to) in [(&signals.real, real), (&signals.imaginary, imaginary)] {
                let (low, high) = to.split_at_mut(stride);
                for ((low, high), (a, b)) in
                    low.iter_mut().zip(high).zip(from[..stride].iter().zip(&from[stride..]))
                {
                    for lane in 0..LANES {
                        (low[lane], high[lane]) = (a[lane] + b[lane], a[lane] - b[lane]);
                    }
                }
            }
            std::mem::swap(signals, &mut self.scratch);
        }
    }

    /// The inverse of [`Self::transform`], without its factor `1 / size`.
    pub(crate) fn invert(&mut self, signals: &mut Signals<LANES>) {
        std::mem::swap(&mut signals.real, &mut signals.imaginary);
        self.transform(signals);
        std::mem::swap(&mut signals.real, &mut signals.imaginary);
    }

    /// One radix-4 pass from `from` to the scratch space: `quarter` butterflies for each of `stride` columns.
    fn pass(&mut self, from: &Signals<LANES>, quarter: usize, stride: usize) {
        let span = quarter * stride;
        let real_out = self.scratch.real.chunks_exact_mut(4 * stride);
        let imaginary_out = self.scratch.imaginary.chunks_exact_mut(4 * stride);
        for (p, (real_out, imaginary_out)) in real_out.zip(imaginary_out).enumerate() {
            let twiddles = [1, 2, 3].map(|j| self.twiddles[j * p * stride]);
            let part = |j: usize| {
                let start = p * stride + j * span;
                (&from.real[start..start + stride], &from.imaginary[start..start + stride])
            };
            let [(ar, ai), (br, bi), (cr, ci), (dr, di)] = [part(0), part(1), part(2), part(3)];
            let [r0, r1, r2, r3] = quarters(real_out);
            let [i0, i1, i2, i3] = quarters(imaginary_out);
            for q in 0..stride {
                for lane in 0..LANES {
                    let (a, b) = ((ar[q][lane], ai[q][lane]), (br[q][lane], bi[q][lane]));
                    let (c, d) = ((cr[q][lane], ci[q][lane]), (dr[q][lane], di[q][lane]));
                    let (sum, difference) = ((a.0 + c.0, a.1 + c.1), (a.0 - c.0, a.1 - c.1));
                    let (other, rotated) = ((b.0 + d.0, b.1 + d.1), (d.1 - b.1, b.0 - d.0));
                    (r0[q][lane], i0[q][lane]) = (sum.0 + other.0, sum.1 + other.1);
                    (r1[q][lane], i1[q][lane]) =
                        product((difference.0 - rotated.0, difference.1 - rotated.1), twiddles[0]);
                    (r2[q][lane], i2[q][lane]) = product((sum.0 - other.0, sum.1 - other.1), twiddles[1]);
                    (r3[q][lane], i3[q][lane]) =
                        product((difference.0 + rotated.0, difference.1 + rotated.1), twiddles[2]);
                }
            }
        }
    }
}

#[inline(always)]
fn product(a: (f32, f32), b: (f32, f32)) -> (f32, f32) {
    (a.0 * b.0 - a.1 * b.1, a.0 * b.1 + a.1 * b.0)
}

/// Four equal parts of a slice whose length is a multiple of four.
fn quarters<T>(values: &mut [T]) -> [&mut [T]; 4] {
    let (first, second) = values.split_at_mut(values.len() / 2);
    let ((a, b), (c, d)) = (first.split_at_mut(first.len() / 2), second.split_at_mut(second.len() / 2));
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(seed: u32, size: usize) -> Vec<f32> {
        let next = |state: &u32| Some(state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
        std::iter::successors(Some(seed), next).skip(1).take(size).map(|n| n as i32 as f32 / 2e9).collect()
    }

    #[test]
    fn transform_equals_the_definition_for_every_size_and_lane() {
        for size in [2, 4, 8, 32, 64, 256] {
            let mut signals = Signals::<2>::zeros(size);
            let values: Vec<Vec<f32>> = (0..4).map(|seed| noise(seed, size)).collect();
            let [first, second, third, fourth] = values.as_slice() else { unreachable!("four signals") };
            signals.real = first.iter().zip(third).map(|(a, b)| [*a, *b]).collect();
            signals.imaginary = second.iter().zip(fourth).map(|(a, b)| [*a, *b]).collect();
            Fourier::new(size).transform(&mut signals);
            for lane in 0..2 {
                for bin in 0..size {
                    let (mut re, mut im) = (0.0, 0.0);
                    let both = values[2 * lane].iter().zip(&values[2 * lane + 1]);
                    for (n, (a, b)) in both.enumerate() {
                        let (sin, cos) = (-TAU * ((n * bin) % size) as f64 / size as f64).sin_cos();
                        let (a, b) = (f64::from(*a), f64::from(*b));
                        (re, im) = (re + a * cos - b * sin, im + a * sin + b * cos);
                    }
                    let error = (re - f64::from(signals.real[bin][lane])).abs()
                        + (im - f64::from(signals.imaginary[bin][lane])).abs();
                    assert!(error < 1e-5 * size as f64, "size {size}, lane {lane}, bin {bin}: {error}");
                }
            }
        }
    }

    #[test]
    fn invert_restores_the_signal() {
        let (size, values) = (1_024, noise(7, 1_024));
        let mut signals = Signals::<1>::zeros(size);
        signals.real.iter_mut().zip(&values).for_each(|(real, value)| *real = [*value]);
        let mut fourier = Fourier::new(size);
        fourier.transform(&mut signals);
        fourier.invert(&mut signals);
        for (restored, value) in signals.real.iter().zip(&values) {
            assert!((restored[0] / size as f32 - value).abs() < 1e-5);
        }
    }
}
