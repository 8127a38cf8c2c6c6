use std::collections::VecDeque;

use crate::fourier::PowerSpectra;
use crate::math::log10;
use crate::simd::{sum, vectorized};

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
/// Bins in that stretch.
const AROUND: usize = 2 * NEIGHBOURS + 1;
/// Neighbours that the first bin lacks below zero.
const PAD: usize = NEIGHBOURS - FIRST_BIN;
/// The bin after the last of the last band.
const BIN_END: usize = BAND_EDGES[BANDS];
/// Power added to each bin: what is fainter than −110 dBFS is not heard.
const POWER_FLOOR: f32 = 1e-11;
/// Frames between two that share no sample.
const APART: usize = 2;
/// Frames over which a change of the partials is looked for: 0.77 s.
const CHANGE_SPAN: usize = 24;
const HISTORY: usize = CHANGE_SPAN + 2 * APART + 1;

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
    pub(crate) change: Correlation,
}

/// Takes the texture of a mono stream at [`TEXTURE_RATE`], 120 KiB at a time.
pub(crate) struct TextureMeter {
    spectra: PowerSpectra,
    pending: Vec<f32>,
    /// Powers of the bins of two frames, 1 being that of a full-scale sine.
    powers: [[f32; BIN_END]; 2],
    /// The fine structure of the last frames, oldest first.
    history: VecDeque<FineStructure>,
    bands: Option<[f32; BANDS]>,
    textures: Vec<Texture>,
    samples: usize,
}

/// By how much each bin stands out of its neighbourhood, in dB.
type FineStructure = [f32; BINS];

impl TextureMeter {
    pub(crate) fn new() -> Self {
        let hann = |n| (std::f32::consts::PI * n as f32 / WINDOW as f32).sin().powi(2);
        Self {
            spectra: PowerSpectra::new((0..WINDOW).map(|n| hann(n) * 2.0 / HOP as f32).collect()),
            // The first frame's window begins half a hop before the sound.
            pending: vec![0.0; HOP / 2],
            powers: [[0.0; _]; 2],
            history: VecDeque::with_capacity(HISTORY),
            bands: None,
            textures: Vec::new(),
            samples: 0,
        }
    }

    /// Takes samples; how they are cut into calls makes no difference.
    pub(crate) fn push(&mut self, samples: &[f32]) {
        self.samples += samples.len();
        self.pending.extend_from_slice(samples);
        let mut start = 0;
        while self.pending.len() - start >= HOP + WINDOW {
            self.measure_pair(start);
            start += 2 * HOP;
        }
        self.pending.drain(..start);
    }

    /// The textures, one for each frame that begins before the end of the stream.
    pub(crate) fn finish(mut self) -> Vec<Texture> {
        let frames = self.samples.div_ceil(HOP);
        while self.textures.len() < frames {
            self.pending.resize(HOP + WINDOW, 0.0);
            self.measure_pair(0);
            self.pending.drain(..2 * HOP);
        }
        self.textures.truncate(frames);
        self.textures
    }

    /// Measures the frame whose window begins at `start` in what is pending, and the next.
    fn measure_pair(&mut self, start: usize) {
        let starts = [start, start + HOP];
        let [first, second] = &mut self.powers;
        self.spectra.of_pair(starts.map(|start| &self.pending[start..start + WINDOW]), [first, second]);
        for (start, powers) in starts.into_iter().zip(self.powers) {
            self.measure(start + HOP / 2, &powers);
        }
    }

    /// Measures the frame whose samples begin at `start` and whose bins have these `powers`.
    fn measure(&mut self, start: usize, powers: &[f32; BIN_END]) {
        let samples = &self.pending[start..start + HOP];
        let power = samples.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>() / HOP as f64;
        let bands = band_levels(powers);
        let before = self.bands.unwrap_or(bands);
        let flux =
            bands.iter().zip(before).map(|(new, old)| (new - old).max(0.0)).sum::<f32>() / BANDS as f32;
        self.bands = Some(bands);
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        let (structure, peakiness) = fine_structure(powers);
        self.history.push_back(structure);
        let (persistence, change) = self.correlations();
        self.textures.push(Texture {
            level_db: ((10.0 * power.log10()) as f32).max(super::levels::FLOOR_DBFS),
            bands: bands.map(|level| (2.0 * (level + 100.0)).round().clamp(0.0, 255.0) as u8),
            flux,
            peakiness,
            persistence,
            change,
        });
    }

    /// The fine structure `ago` frames before the last; before the first there was the first.
    fn structure(&self, ago: usize) -> &FineStructure {
        &self.history[(self.history.len() - 1).saturating_sub(ago)]
    }

    /// Persistence and change.
    fn correlations(&self) -> (Correlation, Correlation) {
        let (now, then) = (self.structure(0), self.structure(APART));
        vectorized(
            #[inline(always)]
            || {
                let (old, older) =
                    (self.structure(CHANGE_SPAN + APART), self.structure(CHANGE_SPAN + 2 * APART));
                (correlate(now, then), correlate(&difference(old, now), &difference(older, then)))
            },
        )
    }
}

fn band_levels(powers: &[f32; BIN_END]) -> [f32; BANDS] {
    std::array::from_fn(|band| {
        let power: f32 = powers[BAND_EDGES[band]..BAND_EDGES[band + 1]].iter().sum();
        10.0 * log10(power + 1e-10)
    })
}

/// The fine structure and the peakiness of bins of these powers.
fn fine_structure(powers: &[f32; BIN_END]) -> (FineStructure, f32) {
    vectorized(
        #[inline(always)]
        || {
            // As many zeros stand before the first bin as its neighbourhood lacks.
            let mut decibels = [0.0; PAD + FIRST_BIN + BINS + NEIGHBOURS];
            for (decibels, power) in decibels[PAD..].iter_mut().zip(powers) {
                *decibels = 10.0 * log10(power + POWER_FLOOR);
            }
            // Sums of two neighbours, of four, of eight, of sixteen; then of all that are around.
            let mut sums = decibels;
            for reach in [1, 2, 4, 8] {
                for bin in 0..sums.len() - reach {
                    sums[bin] += sums[bin + reach];
                }
            }
            let structure = std::array::from_fn(|bin| {
                let around = AROUND.min(AROUND - PAD + bin);
                decibels[NEIGHBOURS + bin] - (sums[bin] + decibels[bin + AROUND - 1]) / around as f32
            });
            let mean = sum(&powers[FIRST_BIN..FIRST_BIN + BINS]) / BINS as f32;
            let logarithmic = sum(&decibels[NEIGHBOURS..NEIGHBOURS + BINS]) / BINS as f32;
            (structure, 10.0 * log10(mean + POWER_FLOOR) - logarithmic)
        },
    )
}

#[inline(always)]
fn difference(old: &FineStructure, new: &FineStructure) -> FineStructure {
    std::array::from_fn(|bin| new[bin] - old[bin])
}

#[inline(always)]
fn correlate(a: &FineStructure, b: &FineStructure) -> Correlation {
    let product: [f32; BINS] = std::array::from_fn(|bin| a[bin] * b[bin]);
    let squares: [f32; BINS] = std::array::from_fn(|bin| a[bin] * a[bin] + b[bin] * b[bin]);
    Correlation { covariance: sum(&product) / BINS as f32, variance: sum(&squares) / (2 * BINS) as f32 }
}
