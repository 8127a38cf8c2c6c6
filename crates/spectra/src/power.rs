//! Power spectra of windowed samples by a Fourier transform in plain arithmetic, bit-identical on every processor.

use std::f64::consts::TAU;

use crate::simd::{Aligned, WIDTH, vectorized};

/// Computes the power spectra of windowed frames of samples, two at a time: one is the real and the other the imaginary
/// part of one complex transform.
///
/// The transform is Stockham's of radix 4, which needs no reordering (C. Van Loan, "Computational Frameworks for the
/// Fast Fourier Transform", 1992, 1.7 and 2.4).
///
/// # Examples
///
/// ```
/// use std::f32::consts::TAU;
///
/// use spectra::PowerSpectra;
///
/// // Eight periods of a sine in 256 samples: all power is in bin 8 of a rectangular window.
/// let sine: Vec<f32> = (0..256).map(|n| (n as f32 * 8.0 / 256.0 * TAU).sin()).collect();
/// let mut spectra = PowerSpectra::new(vec![1.0; 256]);
/// let (mut of_sine, mut of_silence) = ([0.0; 129], [0.0; 129]);
/// spectra.of_pair([&sine, &[0.0; 256]], [&mut of_sine, &mut of_silence]);
///
/// // |X|² of a sine of amplitude 1 is (size / 2)².
/// assert!((of_sine[8] / 128.0f32.powi(2) - 1.0).abs() < 1e-3);
/// assert!(of_sine.iter().enumerate().all(|(bin, power)| bin == 8 || *power < 1.0));
/// assert!(of_silence.iter().all(|power| *power < 1e-3));
/// ```
pub struct PowerSpectra {
    window: Aligned,
    /// Twiddle factors of the first two passes, value by value.
    first_twiddles: [Split; 3],
    second_twiddles: [Split; 3],
    signal: Split,
    scratch: Split,
}

/// Complex numbers, with real and imaginary parts in separate arrays.
struct Split {
    real: Aligned,
    imaginary: Aligned,
}

impl Split {
    fn zeros(size: usize) -> Self {
        let zeros = || std::iter::repeat_n(0.0, size).collect();
        Self { real: zeros(), imaginary: zeros() }
    }
}

/// Twiddle factors e^(−iτ j k / size) for j of 1 to 3 and each k below `size / 4`, with k rounded down to a multiple of
/// `stride`.
fn twiddles(size: usize, stride: usize) -> [Split; 3] {
    [1, 2, 3].map(|j| {
        let angle = |k: usize| -TAU * (j * (k - k % stride)) as f64 / size as f64;
        let angles = (0..size / 4).map(angle);
        Split {
            real: angles.clone().map(|angle| angle.cos() as f32).collect(),
            imaginary: angles.map(|angle| angle.sin() as f32).collect(),
        }
    })
}

impl PowerSpectra {
    /// For frames of `window.len()` samples, a power of two of at least 64, which are multiplied by `window`.
    ///
    /// # Panics
    /// When the window has another length.
    #[must_use]
    pub fn new(window: Vec<f32>) -> Self {
        let size = window.len();
        assert!(size.is_power_of_two() && size >= 4 * WIDTH, "a window of {size} samples");
        let (first_twiddles, second_twiddles) = (twiddles(size, 1), twiddles(size, 4));
        Self {
            window: window.into_iter().collect(),
            first_twiddles,
            second_twiddles,
            signal: Split::zeros(size),
            scratch: Split::zeros(size),
        }
    }

    /// For frames of `size` samples and a Hann window, at which a full-scale sine has power 1.
    ///
    /// # Panics
    /// As [`Self::new`].
    #[must_use]
    pub fn of_hann(size: usize) -> Self {
        let hann = |n| (std::f32::consts::PI * n as f32 / size as f32).sin().powi(2);
        Self::new((0..size).map(|n| hann(n) * 4.0 / size as f32).collect())
    }

    /// Length of a frame in samples.
    #[must_use]
    pub fn size(&self) -> usize {
        self.window.len()
    }

    /// Writes |X|² of the first bins (multiples of the sample rate over [`Self::size`]) of each of two frames.
    ///
    /// # Panics
    /// When a frame is not [`Self::size`] long, or for more than `size / 2 + 1` bins.
    pub fn of_pair(&mut self, frames: [&[f32]; 2], powers: [&mut [f32]; 2]) {
        let size = self.size();
        assert!(frames.iter().all(|frame| frame.len() == size), "frames fit the window");
        vectorized(
            #[inline(always)]
            || {
                for (part, frame) in
                    [&mut self.signal.real, &mut self.signal.imaginary].into_iter().zip(frames)
                {
                    for ((value, sample), weight) in part.iter_mut().zip(frame).zip(self.window.iter()) {
                        *value = sample * weight;
                    }
                }
                self.transform();
                separate(&self.signal, &mut self.scratch, powers);
            },
        );
    }

    /// Transforms `signal` in place.
    #[inline(always)]
    fn transform(&mut self) {
        let Self { first_twiddles, second_twiddles, signal, scratch, .. } = self;
        early_pass::<1>(signal, scratch, first_twiddles);
        early_pass::<4>(scratch, signal, second_twiddles);
        let size = signal.real.len();
        let mut stride = 16;
        while stride < size {
            if size / stride == 2 {
                halves(signal, scratch);
            } else {
                late_pass(signal, scratch, first_twiddles, stride);
            }
            std::mem::swap(signal, scratch);
            stride *= 4;
        }
    }
}

/// The powers of the first bins of two real signals, from the bins of the complex signal of which they are the parts.
/// `mirror` is scratch space for these bins in reverse order.
#[inline(always)]
fn separate(bins: &Split, mirror: &mut Split, [first, second]: [&mut [f32]; 2]) {
    for (part, mirror) in [(&bins.real, &mut mirror.real), (&bins.imaginary, &mut mirror.imaginary)] {
        mirror.copy_from_slice(part);
        mirror[1..].reverse();
    }
    even_and_odd([&bins.real, &mirror.real], [&bins.imaginary, &mirror.imaginary], first);
    even_and_odd([&bins.imaginary, &mirror.imaginary], [&bins.real, &mirror.real], second);
}

/// |even half of a part + i × odd half of the other|².
#[inline(always)]
fn even_and_odd([even, even_mirror]: [&[f32]; 2], [odd, odd_mirror]: [&[f32]; 2], powers: &mut [f32]) {
    let (even, odd) = (even.iter().zip(even_mirror), odd.iter().zip(odd_mirror));
    for (power, (even, odd)) in powers.iter_mut().zip(even.zip(odd)) {
        let (sum, difference) = (even.0 + even.1, odd.0 - odd.1);
        *power = 0.25 * (sum * sum + difference * difference);
    }
}

/// Real and imaginary parts of [`WIDTH`] complex numbers.
type Wide = ([f32; WIDTH], [f32; WIDTH]);

/// The radix-4 butterfly on [`WIDTH`] columns of four numbers, without the twiddle factors of its results.
#[inline(always)]
fn butterfly(real: [&[f32; WIDTH]; 4], imaginary: [&[f32; WIDTH]; 4]) -> [Wide; 4] {
    let mut out = [([0.0; WIDTH], [0.0; WIDTH]); 4];
    for i in 0..WIDTH {
        let [a, b, c, d] = real.map(|values| values[i]);
        let [e, f, g, h] = imaginary.map(|values| values[i]);
        out[0].0[i] = (a + c) + (b + d);
        out[0].1[i] = (e + g) + (f + h);
        out[1].0[i] = (a - c) + (f - h);
        out[1].1[i] = (e - g) - (b - d);
        out[2].0[i] = (a + c) - (b + d);
        out[2].1[i] = (e + g) - (f + h);
        out[3].0[i] = (a - c) - (f - h);
        out[3].1[i] = (e - g) + (b - d);
    }
    out
}

#[inline(always)]
fn twiddle(value: &mut Wide, cos: &[f32; WIDTH], sin: &[f32; WIDTH]) {
    for i in 0..WIDTH {
        (value.0[i], value.1[i]) =
            (value.0[i] * cos[i] - value.1[i] * sin[i], value.0[i] * sin[i] + value.1[i] * cos[i]);
    }
}

fn quarters<T>(values: &[T]) -> [&[T]; 4] {
    let (first, second) = values.split_at(values.len() / 2);
    let ((a, b), (c, d)) = (first.split_at(first.len() / 2), second.split_at(second.len() / 2));
    [a, b, c, d]
}

/// A pass whose stride is less than [`WIDTH`]: twiddle factors differ within a vector, and results are interleaved.
#[inline(always)]
fn early_pass<const STRIDE: usize>(from: &Split, to: &mut Split, twiddles: &[Split; 3]) {
    let [real, imaginary] = [&from.real, &from.imaginary].map(|part| quarters(part.as_chunks::<WIDTH>().0));
    let twiddles = twiddles
        .each_ref()
        .map(|twiddle| (twiddle.real.as_chunks::<WIDTH>().0, twiddle.imaginary.as_chunks::<WIDTH>().0));
    let real_out = to.real.as_chunks_mut::<{ 4 * WIDTH }>().0;
    let imaginary_out = to.imaginary.as_chunks_mut::<{ 4 * WIDTH }>().0;
    for (k, (real_out, imaginary_out)) in real_out.iter_mut().zip(imaginary_out).enumerate() {
        let mut out = butterfly(real.map(|values| &values[k]), imaginary.map(|values| &values[k]));
        for (out, (cos, sin)) in out[1..].iter_mut().zip(twiddles) {
            twiddle(out, &cos[k], &sin[k]);
        }
        for group in 0..WIDTH / STRIDE {
            for (j, (real, imaginary)) in out.iter().enumerate() {
                let (target, at) = ((4 * group + j) * STRIDE, group * STRIDE);
                real_out[target..target + STRIDE].copy_from_slice(&real[at..at + STRIDE]);
                imaginary_out[target..target + STRIDE].copy_from_slice(&imaginary[at..at + STRIDE]);
            }
        }
    }
}

/// A pass whose stride is [`WIDTH`] or a multiple of it.
#[inline(always)]
fn late_pass(from: &Split, to: &mut Split, twiddles: &[Split; 3], stride: usize) {
    let columns = stride / WIDTH;
    let [real, imaginary] = [&from.real, &from.imaginary].map(|part| quarters(part.as_chunks::<WIDTH>().0));
    let real_out = to.real.as_chunks_mut::<WIDTH>().0.chunks_exact_mut(4 * columns);
    let imaginary_out = to.imaginary.as_chunks_mut::<WIDTH>().0.chunks_exact_mut(4 * columns);
    for (row, (real_out, imaginary_out)) in real_out.zip(imaginary_out).enumerate() {
        let twiddles = twiddles
            .each_ref()
            .map(|twiddle| ([twiddle.real[row * stride]; WIDTH], [twiddle.imaginary[row * stride]; WIDTH]));
        let [real, imaginary] =
            [real, imaginary].map(|part| part.map(|quarter| &quarter[row * columns..][..columns]));
        for column in 0..columns {
            let mut out =
                butterfly(real.map(|values| &values[column]), imaginary.map(|values| &values[column]));
            for (out, (cos, sin)) in out[1..].iter_mut().zip(&twiddles) {
                twiddle(out, cos, sin);
            }
            for (j, out) in out.iter().enumerate() {
                (real_out[j * columns + column], imaginary_out[j * columns + column]) = *out;
            }
        }
    }
}

/// The last pass for sizes that are not powers of four.
#[inline(always)]
fn halves(from: &Split, to: &mut Split) {
    for (from, to) in [(&from.real, &mut to.real), (&from.imaginary, &mut to.imaginary)] {
        let half = from.len() / 2;
        let (sums, differences) = to.split_at_mut(half);
        for i in 0..half {
            (sums[i], differences[i]) = (from[i] + from[half + i], from[i] - from[half + i]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(seed: u32, size: usize) -> Vec<f32> {
        let next = |state: &u32| Some(state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
        std::iter::successors(Some(seed), next).skip(1).take(size).map(|n| n as i32 as f32 / 2e9).collect()
    }

    /// The power of one bin by definition, in double precision.
    fn power(samples: &[f32], window: &[f32], bin: usize) -> f64 {
        let twiddle = |n: usize| -TAU * ((n * bin) % samples.len()) as f64 / samples.len() as f64;
        let term = |n: usize| f64::from(samples[n]) * f64::from(window[n]);
        let real: f64 = (0..samples.len()).map(|n| term(n) * twiddle(n).cos()).sum();
        let imaginary: f64 = (0..samples.len()).map(|n| term(n) * twiddle(n).sin()).sum();
        real * real + imaginary * imaginary
    }

    #[test]
    fn power_spectra_equal_the_definition_for_every_size() {
        for size in [64, 128, 512, 1_024, 2_048] {
            let window: Vec<f32> = (0..size).map(|n| (3.1 * n as f32 / size as f32).sin()).collect();
            let (first, second) = (noise(1, size), noise(2, size));
            let mut powers = [vec![0.0; size / 2 + 1], vec![0.0; size / 2 + 1]];
            let [a, b] = &mut powers;
            PowerSpectra::new(window.clone()).of_pair([&first, &second], [a, b]);
            for (samples, powers) in [&first, &second].into_iter().zip(&powers) {
                for (bin, found) in powers.iter().enumerate() {
                    let expected = power(samples, &window, bin);
                    let error = (f64::from(*found) - expected).abs();
                    assert!(
                        error < 1e-5 * size as f64,
                        "size {size}, bin {bin}: {found} instead of {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn fewer_bins_are_the_first_ones() {
        let (sound, silence) = (noise(3, 64), vec![0.0; 64]);
        let mut spectra = PowerSpectra::new(vec![1.0; 64]);
        let (mut all, mut some, mut quiet) = ([0.0; 33], [0.0; 5], [1.0; 33]);
        spectra.of_pair([&sound, &silence], [&mut all, &mut quiet]);
        spectra.of_pair([&silence, &sound], [&mut [], &mut some]);
        assert!(
            all[..5].iter().zip(some).all(|(all, some)| (all - some).abs() < 1e-5 * all),
            "{all:?} {some:?}"
        );
        assert!(quiet.iter().all(|power| *power < 1e-10), "{quiet:?}");
    }
}
