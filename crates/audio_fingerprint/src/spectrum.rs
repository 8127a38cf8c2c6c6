//! The logarithmic spectrogram that peaks are picked from.

use spectra::{PowerSpectra, simd::vectorized};

use crate::math::log2;

/// Length of the analysis window in samples: 64 ms.
const WINDOW: usize = 1_024;
/// Hop between frames in samples: 16 ms. Frame `k` is centred on sample `k * HOP` of the stream.
pub(crate) const HOP: usize = 256;
/// Number of bins of a frame, each [`crate::RATE`] / 1 024 = 15.6 Hz wide.
pub(crate) const BINS: usize = 424;
/// Bins that are passed to those who share the spectra.
const SHARED_BINS: usize = 512;
/// Frames computed together: two pairs, of the even and of the odd ones.
const FRAMES: usize = 4;
/// Power added to each bin, at which a full-scale sine has power 1: −110 dB.
const POWER_FLOOR: f32 = 1e-11;
/// Power at which each bin ends: that of samples beyond all reason, which may even be infinite.
const POWER_CEILING: f32 = 1e6;

/// log2 of the power of each bin; 0 is a full-scale sine.
pub(crate) type Levels = [f32; BINS];

/// Powers of the bins of one frame; a full-scale sine has power 1.
type Powers = [f32; SHARED_BINS];

/// Computes the frames of a mono stream. The result does not depend on how the stream is split into calls.
pub(crate) struct Spectrogram {
    spectra: PowerSpectra,
    /// Of a pair of frames.
    powers: [Powers; 2],
    /// Samples from the start of the next frame's window.
    pending: Vec<f32>,
    frames: [Levels; FRAMES],
    taken: u64,
    given: u64,
}

impl Spectrogram {
    pub(crate) fn new() -> Self {
        Self {
            spectra: PowerSpectra::of_hann(WINDOW),
            powers: [[0.0; SHARED_BINS]; 2],
            pending: vec![0.0; WINDOW / 2],
            frames: [[0.0; BINS]; FRAMES],
            taken: 0,
            given: 0,
        }
    }

    /// Adds samples, and passes each complete frame to `sink`, and the powers of each two odd frames to `odd`. Samples that
    /// are not finite count as 0.
    pub(crate) fn push(
        &mut self,
        samples: &[f32],
        mut odd: impl FnMut([&[f32]; 2]),
        mut sink: impl FnMut(&Levels),
    ) {
        // In bounded slices, so that a whole recording in one call is not copied as a whole.
        for samples in samples.chunks(16 * WINDOW) {
            self.taken += samples.len() as u64;
            let finite = |sample: &f32| if sample.is_finite() { *sample } else { 0.0 };
            self.pending.extend(samples.iter().map(finite));
            let mut start = 0;
            while self.pending.len() - start >= WINDOW + (FRAMES - 1) * HOP {
                self.measure(start, &mut odd);
                self.frames.iter().for_each(&mut sink);
                self.given += FRAMES as u64;
                start += FRAMES * HOP;
            }
            self.pending.drain(..start);
        }
    }

    /// Passes on the remaining frames that are centred within the stream.
    pub(crate) fn finish(mut self, mut odd: impl FnMut([&[f32]; 2]), mut sink: impl FnMut(&Levels)) {
        let frames = self.taken.div_ceil(HOP as u64);
        while self.given < frames {
            self.pending.resize(self.pending.len().max(WINDOW + FRAMES * HOP), 0.0);
            self.measure(0, &mut odd);
            let count = (frames - self.given).min(FRAMES as u64);
            self.frames.iter().take(count as usize).for_each(&mut sink);
            self.given += FRAMES as u64;
            self.pending.drain(..FRAMES * HOP);
        }
    }

    /// Measures the frames whose first window starts at `start` in `pending`.
    fn measure(&mut self, start: usize, odd: &mut impl FnMut([&[f32]; 2])) {
        let Self { spectra, powers: [a, b], pending, frames, .. } = self;
        for first in [0, 1] {
            let windows = [first, first + 2].map(|frame| &pending[start + frame * HOP..][..WINDOW]);
            spectra.of_pair(windows, [&mut *a, &mut *b]);
            if first == 1 {
                odd([&*a, &*b]);
            }
            frames[first] = levels(a);
            frames[first + 2] = levels(b);
        }
    }
}

fn levels(powers: &Powers) -> Levels {
    vectorized(
        #[inline(always)]
        || {
            let mut levels = [0.0; BINS];
            for (level, power) in levels.iter_mut().zip(powers) {
                let power = if *power < POWER_CEILING { *power } else { POWER_CEILING };
                *level = log2(power + POWER_FLOOR);
            }
            levels
        },
    )
}
