//! Magnitude spectra of the frames: a Hann window of 256 samples every 128.

use std::f64::consts::TAU;

use crate::dense::{LANES, Lanes};
use crate::simd::vectorized;

/// Length of the window and of the transform, in samples.
pub(super) const WINDOW: usize = 256;
/// Number of bins of a spectrum, from 0 to 8 kHz.
pub(super) const BINS: usize = WINDOW / 2 + 1;
/// Number of spectra of a frame.
pub(super) const STEPS: usize = 4;
const HOP: usize = 128;

/// Window and twiddle factors of the transform.
pub(super) struct Spectrum {
    window: [f32; WINDOW],
    /// e^(-i τ k / 256) for k < 128, as (real, imaginary).
    twiddles: [(f32, f32); WINDOW / 2],
}

/// Buffers for one complex transform of each lane.
pub(super) struct Workspace {
    real: [Lanes; WINDOW],
    imaginary: [Lanes; WINDOW],
}

impl Default for Workspace {
    fn default() -> Self {
        Self { real: [[0.0; LANES]; WINDOW], imaginary: [[0.0; LANES]; WINDOW] }
    }
}

impl Spectrum {
    /// The transform with the window `window`.
    pub(super) fn new(window: [f32; WINDOW]) -> Self {
        let twiddle = |k| {
            let (sin, cos) = (-TAU * k as f64 / WINDOW as f64).sin_cos();
            (cos as f32, sin as f32)
        };
        Self { window, twiddles: std::array::from_fn(twiddle) }
    }

    /// Writes |spectrum| as `out[step][bin]` for the frames `frames`, each with its context at the start and continued
    /// by reflection at its end, which is the model's padding.
    #[inline(always)]
    pub(super) fn magnitudes(&self, frames: &[&[f32]; LANES], work: &mut Workspace, out: &mut [Lanes]) {
        for (pair, out) in out.chunks_exact_mut(2 * BINS).enumerate() {
            self.load(frames, 2 * pair * HOP, work);
            vectorized(
                #[inline(always)]
                || {
                    self.transform(work);
                    separate(work, out);
                },
            );
        }
    }

    /// Loads the samples of two windowed spectra: the one at `start` as real parts, the next one as imaginary parts,
    /// in the bit-reversed order that the transform requires.
    #[inline(always)]
    fn load(&self, frames: &[&[f32]; LANES], start: usize, work: &mut Workspace) {
        for (n, window) in self.window.iter().enumerate() {
            let slot = n.reverse_bits() >> (usize::BITS - WINDOW.trailing_zeros());
            work.real[slot] = frames.map(|frame| window * reflected(frame, start + n));
            work.imaginary[slot] = frames.map(|frame| window * reflected(frame, start + HOP + n));
        }
    }

    /// Decimation-in-time radix-2 FFT in place, one per lane.
    #[inline(always)]
    fn transform(&self, work: &mut Workspace) {
        let mut half = 1;
        while half < WINDOW {
            let blocks = work.real.chunks_exact_mut(2 * half).zip(work.imaginary.chunks_exact_mut(2 * half));
            for (real, imaginary) in blocks {
                let (real_a, real_b) = real.split_at_mut(half);
                let (imaginary_a, imaginary_b) = imaginary.split_at_mut(half);
                let twiddles = self.twiddles.iter().step_by(WINDOW / (2 * half));
                let a = real_a.iter_mut().zip(imaginary_a);
                let b = real_b.iter_mut().zip(imaginary_b);
                for ((a, b), twiddle) in a.zip(b).zip(twiddles) {
                    butterfly(a, b, *twiddle);
                }
            }
            half *= 2;
        }
    }
}

/// (a, b) → (a + w b, a − w b).
#[inline(always)]
fn butterfly(a: (&mut Lanes, &mut Lanes), b: (&mut Lanes, &mut Lanes), w: (f32, f32)) {
    for lane in 0..LANES {
        let real = b.0[lane] * w.0 - b.1[lane] * w.1;
        let imaginary = b.0[lane] * w.1 + b.1[lane] * w.0;
        b.0[lane] = a.0[lane] - real;
        b.1[lane] = a.1[lane] - imaginary;
        a.0[lane] += real;
        a.1[lane] += imaginary;
    }
}

/// The magnitudes of the two real signals of one complex transform: `out[signal][bin]`.
#[inline(always)]
fn separate(work: &Workspace, out: &mut [Lanes]) {
    let (first, second) = out.split_at_mut(BINS);
    for (k, (first, second)) in first.iter_mut().zip(second).enumerate() {
        let mirror = (WINDOW - k) % WINDOW;
        for lane in 0..LANES {
            let (a, b) = (work.real[k][lane], work.real[mirror][lane]);
            let (c, d) = (work.imaginary[k][lane], work.imaginary[mirror][lane]);
            first[lane] = 0.5 * ((a + b) * (a + b) + (c - d) * (c - d)).sqrt();
            second[lane] = 0.5 * ((c + d) * (c + d) + (b - a) * (b - a)).sqrt();
        }
    }
}

/// Sample `i` of `frame` continued by reflection about its last sample.
#[inline(always)]
fn reflected(frame: &[f32], i: usize) -> f32 {
    if i < frame.len() { frame[i] } else { frame[2 * (frame.len() - 1) - i] }
}
