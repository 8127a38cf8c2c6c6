//! The logarithmic spectrogram that peaks are picked from.

use crate::fourier::{Fourier, Signals};
use crate::math::log2;

/// Length of the analysis window in samples: 64 ms.
const WINDOW: usize = 1_024;
/// Hop between frames in samples: 16 ms. Frame `k` is centred on sample `k * HOP` of the stream.
pub(crate) const HOP: usize = 256;
/// Number of bins of a frame, each [`crate::RATE`] / 1 024 = 15.6 Hz wide.
pub(crate) const BINS: usize = 424;
/// Complex transforms computed together; each has two frames as its real and imaginary parts.
const LANES: usize = 8;
/// Frames computed together.
const FRAMES: usize = 2 * LANES;
/// Power added to each bin, at which a full-scale sine has power 1: −110 dB.
const POWER_FLOOR: f32 = 1e-11;

/// log2 of the power of each bin; 0 is a full-scale sine.
pub(crate) type Levels = [f32; BINS];

/// Computes the frames of a mono stream. The result does not depend on how the stream is split into calls.
pub(crate) struct Spectrogram {
    fourier: Fourier<LANES>,
    window: Vec<f32>,
    signals: Signals<LANES>,
    /// Samples from the start of the next frame's window.
    pending: Vec<f32>,
    frames: Vec<Levels>,
    taken: u64,
    given: u64,
}

impl Spectrogram {
    pub(crate) fn new() -> Self {
        // With this scale of a Hann window, a full-scale sine has power 1.
        let hann = |n: usize| 0.5 - 0.5 * (std::f64::consts::TAU * n as f64 / WINDOW as f64).cos();
        Self {
            fourier: Fourier::new(WINDOW),
            window: (0..WINDOW).map(|n| (hann(n) * 4.0 / WINDOW as f64) as f32).collect(),
            signals: Signals::zeros(WINDOW),
            pending: vec![0.0; WINDOW / 2],
            frames: vec![[0.0; BINS]; FRAMES],
            taken: 0,
            given: 0,
        }
    }

    /// Adds samples, and passes each complete frame to `sink`. Samples that are not finite count as 0.
    pub(crate) fn push(&mut self, samples: &[f32], mut sink: impl FnMut(&Levels)) {
        // In bounded slices, so that a whole recording in one call is not copied as a whole.
        for samples in samples.chunks(16 * WINDOW) {
            self.taken += samples.len() as u64;
            let bounded = |sample: &f32| if sample.is_finite() { sample.clamp(-8.0, 8.0) } else { 0.0 };
            self.pending.extend(samples.iter().map(bounded));
            let mut start = 0;
            while self.pending.len() - start >= WINDOW + (FRAMES - 1) * HOP {
                self.measure(start);
                self.frames.iter().for_each(&mut sink);
                self.given += FRAMES as u64;
                start += FRAMES * HOP;
            }
            self.pending.drain(..start);
        }
    }

    /// Passes on the remaining frames that are centred within the stream.
    pub(crate) fn finish(mut self, mut sink: impl FnMut(&Levels)) {
        let frames = self.taken.div_ceil(HOP as u64);
        while self.given < frames {
            let used = FRAMES * HOP;
            self.pending.resize(self.pending.len().max(WINDOW + used), 0.0);
            self.measure(0);
            let count = (frames - self.given).min(FRAMES as u64);
            self.frames.iter().take(count as usize).for_each(&mut sink);
            self.given += FRAMES as u64;
            self.pending.drain(..used);
        }
    }

    /// Measures the frames whose first window starts at `start` in `pending`.
    fn measure(&mut self, start: usize) {
        let pending = &self.pending[start..];
        let Signals { real, imaginary } = &mut self.signals;
        for (n, window) in self.window.iter().enumerate() {
            real[n] = std::array::from_fn(|lane| window * pending[n + 2 * lane * HOP]);
            imaginary[n] = std::array::from_fn(|lane| window * pending[n + (2 * lane + 1) * HOP]);
        }
        self.fourier.transform(&mut self.signals);
        let Signals { real, imaginary } = &self.signals;
        for bin in 0..BINS {
            let mirror = (WINDOW - bin) % WINDOW;
            let [a, b, c, d] = [real[bin], real[mirror], imaginary[bin], imaginary[mirror]];
            let power = |x: f32, y: f32| log2(0.25 * (x * x + y * y) + POWER_FLOOR);
            let even: [f32; LANES] = std::array::from_fn(|l| power(a[l] + b[l], c[l] - d[l]));
            let odd: [f32; LANES] = std::array::from_fn(|l| power(c[l] + d[l], b[l] - a[l]));
            for (pair, (even, odd)) in self.frames.as_chunks_mut::<2>().0.iter_mut().zip(even.iter().zip(odd))
            {
                (pair[0][bin], pair[1][bin]) = (*even, odd);
            }
        }
    }
}
