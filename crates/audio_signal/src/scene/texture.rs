use std::collections::VecDeque;
use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};

use crate::math::log10;
use crate::simd::vectorized;

/// Sample rate of the sound that textures are taken from, in Hz.
pub(crate) const TEXTURE_RATE: u32 = 16_000;
/// Samples from one frame to the next: 32 ms, the frame of the speech detector.
pub(crate) const HOP: usize = 512;
/// Frames per second.
pub(crate) const FRAMES_PER_SECOND: f32 = TEXTURE_RATE as f32 / HOP as f32;
const WINDOW: usize = 2 * HOP;
/// Limits of the bands, in bins of 15.6 Hz: 62 Hz to 7.8 kHz, each 1.3 times the one before.
const BAND_EDGES: [usize; BANDS + 1] =
    [4, 5, 7, 9, 12, 15, 20, 26, 34, 45, 59, 76, 100, 131, 171, 224, 293, 382, 500];
/// Bands of a frame.
pub(crate) const BANDS: usize = 18;
/// The bins that are looked at for partials: 62 Hz to 5 kHz.
const FIRST_BIN: usize = 4;
const BINS: usize = 320;
/// Half the width, in bins, of the stretch of spectrum that a bin is compared with.
const NEIGHBOURS: usize = 8;
/// The power of a full-scale sine is 1.
const SCALE: f32 = 4.0 / (HOP * HOP) as f32;
/// Power added to each bin: what is fainter than −110 dBFS is not heard.
const POWER_FLOOR: f32 = 1e-11;
/// Frames between two that share no sample.
const APART: usize = 2;
/// Distances, in frames, over which a change of the partials is looked for: 0.13 s and 0.77 s.
const CHANGE_SPANS: [usize; 2] = [4, 24];
const HISTORY: usize = 24 + 2 * APART + 1;

/// A covariance and the mean variance of what it is taken over: their ratio is a correlation.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Correlation {
    pub(crate) covariance: f32,
    pub(crate) variance: f32,
}

/// What 32 ms sound like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Texture {
    /// RMS level in dBFS.
    pub(crate) level_db: f32,
    /// Level of each band in steps of half a decibel over −100 dBFS.
    pub(crate) bands: [u8; BANDS],
    /// By how much the bands rose since the frame before, in dB, falls counting as none.
    pub(crate) flux: f32,
    /// Mean over logarithmic mean of the spectrum, in dB: 2.5 for white noise, more for partials.
    pub(crate) peakiness: f32,
    /// Likeness of the fine structure of the spectrum to that of two frames before: partials that last.
    pub(crate) persistence: Correlation,
    /// Likeness of two changes of the fine structure over the same span, a little apart: notes that begin and
    /// last. Noise never changes the same way twice, and lines that stay (motors, hum) do not change.
    pub(crate) changes: [Correlation; CHANGE_SPANS.len()],
}

/// Takes the texture of a mono stream at [`TEXTURE_RATE`], 120 KiB at a time.
pub(crate) struct TextureMeter {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    pending: Vec<f32>,
    windowed: Vec<f32>,
    spectrum: Vec<Complex32>,
    decibels: Vec<f32>,
    /// The fine structure of the last frames, oldest first.
    history: VecDeque<Vec<f32>>,
    bands: Option<[f32; BANDS]>,
    textures: Vec<Texture>,
    samples: usize,
}

impl TextureMeter {
    pub(crate) fn new() -> Self {
        let fft = RealFftPlanner::new().plan_fft_forward(WINDOW);
        let hann = |n| (std::f32::consts::PI * n as f32 / WINDOW as f32).sin().powi(2);
        Self {
            window: (0..WINDOW).map(hann).collect(),
            // The first frame's window begins half a hop before the sound.
            pending: vec![0.0; HOP / 2],
            windowed: fft.make_input_vec(),
            spectrum: fft.make_output_vec(),
            decibels: vec![0.0; FIRST_BIN + BINS + NEIGHBOURS],
            history: VecDeque::with_capacity(HISTORY),
            bands: None,
            textures: Vec::new(),
            samples: 0,
            fft,
        }
    }

    /// Takes samples; how they are cut into calls makes no difference.
    pub(crate) fn push(&mut self, samples: &[f32]) {
        self.samples += samples.len();
        self.pending.extend_from_slice(samples);
        let mut start = 0;
        while self.pending.len() - start >= WINDOW {
            self.frame(start);
            start += HOP;
        }
        self.pending.drain(..start);
    }

    /// The textures, one for each frame that begins before the end of the stream.
    pub(crate) fn finish(mut self) -> Vec<Texture> {
        while self.textures.len() < self.samples.div_ceil(HOP) {
            self.pending.resize(WINDOW, 0.0);
            self.frame(0);
            self.pending.drain(..HOP);
        }
        self.textures
    }

    fn frame(&mut self, start: usize) {
        let samples = &self.pending[start..start + WINDOW];
        let centre = &samples[HOP / 2..HOP / 2 + HOP];
        let power = centre.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>() / HOP as f64;
        for ((windowed, sample), window) in self.windowed.iter_mut().zip(samples).zip(&self.window) {
            *windowed = sample * window;
        }
        if self.fft.process(&mut self.windowed, &mut self.spectrum).is_err() {
            // Only lengths that do not fit are errors, and these come from the plan itself.
            self.spectrum.fill(Complex32::ZERO);
        }
        let bands = self.band_levels();
        let before = self.bands.unwrap_or(bands);
        let flux =
            bands.iter().zip(before).map(|(new, old)| (new - old).max(0.0)).sum::<f32>() / BANDS as f32;
        self.bands = Some(bands);
        let peakiness = self.fine_structure();
        let (persistence, changes) = self.correlations();
        self.textures.push(Texture {
            level_db: ((10.0 * power.log10()) as f32).max(super::levels::FLOOR_DBFS),
            bands: bands.map(|level| (2.0 * (level + 100.0)).round().clamp(0.0, 255.0) as u8),
            flux,
            peakiness,
            persistence,
            changes,
        });
    }

    /// Power of a bin, 1 being that of a full-scale sine.
    fn power(&self, bin: usize) -> f32 {
        self.spectrum[bin].norm_sqr() * SCALE
    }

    fn band_levels(&self) -> [f32; BANDS] {
        std::array::from_fn(|band| {
            let power: f32 = (BAND_EDGES[band]..BAND_EDGES[band + 1]).map(|bin| self.power(bin)).sum();
            10.0 * log10(power + 1e-10)
        })
    }

    /// Stores by how much each bin stands out of its neighbourhood, in dB, and tells the peakiness.
    fn fine_structure(&mut self) -> f32 {
        vectorized(
            #[inline(always)]
            || {
                for (decibels, bin) in self.decibels.iter_mut().zip(&self.spectrum) {
                    *decibels = 10.0 * log10(bin.norm_sqr() * SCALE + POWER_FLOOR);
                }
            },
        );
        let mut structure =
            if self.history.len() == HISTORY { self.history.pop_front() } else { None }.unwrap_or_default();
        structure.clear();
        let around = |bin: usize| bin.saturating_sub(NEIGHBOURS)..bin + NEIGHBOURS + 1;
        let mut sum: f32 = self.decibels[around(FIRST_BIN)].iter().sum();
        for bin in FIRST_BIN..FIRST_BIN + BINS {
            let range = around(bin);
            structure.push(self.decibels[bin] - sum / range.len() as f32);
            sum += self.decibels.get(range.end).copied().unwrap_or(0.0);
            if bin >= NEIGHBOURS {
                sum -= self.decibels[range.start];
            }
        }
        self.history.push_back(structure);
        let bins = FIRST_BIN..FIRST_BIN + BINS;
        let mean = bins.clone().map(|bin| self.power(bin)).sum::<f32>() / BINS as f32;
        let logarithmic = self.decibels[bins].iter().sum::<f32>() / BINS as f32;
        10.0 * log10(mean + POWER_FLOOR) - logarithmic
    }

    /// The fine structure `ago` frames before the last; before the first there was the first.
    fn structure(&self, ago: usize) -> &[f32] {
        &self.history[(self.history.len() - 1).saturating_sub(ago)]
    }

    fn correlations(&self) -> (Correlation, [Correlation; CHANGE_SPANS.len()]) {
        let (now, then) = (self.structure(0), self.structure(APART));
        let persistence = correlate(now.iter().copied().zip(then.iter().copied()));
        let changes = CHANGE_SPANS.map(|span| {
            let (old, older) = (self.structure(span + APART), self.structure(span + 2 * APART));
            let later = now.iter().zip(old).map(|(new, old)| new - old);
            let earlier = then.iter().zip(older).map(|(new, old)| new - old);
            correlate(later.zip(earlier))
        });
        (persistence, changes)
    }
}

fn correlate(pairs: impl Iterator<Item = (f32, f32)>) -> Correlation {
    let mut sums = Correlation::default();
    for (a, b) in pairs {
        sums.covariance += a * b;
        sums.variance += a * a + b * b;
    }
    Correlation { covariance: sums.covariance / BINS as f32, variance: sums.variance / (2 * BINS) as f32 }
}
