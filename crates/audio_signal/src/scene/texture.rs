use std::collections::VecDeque;

use spectra::PowerSpectra;

use crate::math::log10;
use crate::simd::{sum, vectorized};

/// Sample rate of the input of textures, in Hz.
pub(crate) const TEXTURE_RATE: u32 = 16_000;
/// Hop between frames in samples: 32 ms, the frame of the speech detector.
pub(crate) const HOP: usize = 512;
/// Texture frames per second.
pub(crate) const FRAMES_PER_SECOND: f32 = TEXTURE_RATE as f32 / HOP as f32;
const WINDOW: usize = 2 * HOP;
/// Limits of the bands in bins of 15.6 Hz: 62 Hz to 7.8 kHz, each 1.3 times the previous one.
const BAND_EDGES: [usize; BANDS + 1] =
    [4, 5, 7, 9, 12, 15, 20, 26, 34, 45, 59, 76, 100, 131, 171, 224, 293, 382, 500];
/// Number of bands in a frame.
pub(crate) const BANDS: usize = 18;
/// Range of the bins that are analysed for partials: 62 Hz to 5 kHz.
const FIRST_BIN: usize = 4;
const BINS: usize = 320;
/// Half the width, in bins, of the neighbourhood that a bin is compared with.
const NEIGHBOURS: usize = 8;
/// Number of bins in the neighbourhood.
const AROUND: usize = 2 * NEIGHBOURS + 1;
/// Number of neighbours below bin zero, which the first bin lacks.
const PAD: usize = NEIGHBOURS - FIRST_BIN;
/// Ranges of the analysed bins whose partials are compared separately: up to 0.8, 1.8, 3.1 and 5 kHz. Their widths are
/// multiples of the width of a vector.
const ZONE_EDGES: [usize; ZONES + 1] = [0, 48, 112, 192, 320];
/// Number of zones of a frame.
pub(crate) const ZONES: usize = 4;
/// Distances in frames of the spectra that are compared: 64, 192 and 512 ms.
const LAGS: [usize; 3] = [2, 6, 16];
/// Number of correlations in each zone: one per lag, and that of changes.
pub(crate) const CORRELATIONS: usize = LAGS.len() + 1;
/// Variance in dB² that is added to that of a zone, so that its smallest changes are insignificant.
const VARIANCE_FLOOR: f32 = 1.0;
/// End (exclusive) of the bins of the last band.
const BIN_END: usize = BAND_EDGES[BANDS];
/// Power added to each bin, so that levels below −130 dBFS have no influence: quiet recordings have textures too.
const POWER_FLOOR: f32 = 1e-13;
/// Level of the lowest step of a band in dBFS.
const BAND_FLOOR_DB: f32 = -120.0;
/// Power added to each band.
const BAND_FLOOR: f32 = 1e-12;
/// Distance of two frames that share no sample.
const APART: usize = 2;
/// Changes of the partials are measured over this many frames and [`APART`] more: 0.83 s.
const CHANGE_SPAN: usize = 24;
const HISTORY: usize = CHANGE_SPAN + 2 * APART + 1;

/// A covariance and the mean variance of its operands: their ratio is a correlation.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Correlation {
    pub(crate) covariance: f32,
    pub(crate) variance: f32,
}

/// Features of the audio of 32 ms.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Texture {
    /// RMS level in dBFS.
    pub(crate) level_db: f32,
    /// Level of each band in steps of 0.5 dB above −120 dBFS.
    pub(crate) bands: [u8; BANDS],
    /// Mean rise of the bands since the previous frame in dB, with falls counted as zero.
    pub(crate) flux: f32,
    /// Arithmetic mean over geometric mean of the spectrum, in dB: 2.5 for white noise, more for partials.
    pub(crate) peakiness: f32,
    /// Correlation of the spectrum's fine structure with that of two frames before: sustained partials.
    pub(crate) persistence: Correlation,
    /// Correlation of two changes of the fine structure over the same span, slightly apart: notes that start and are
    /// sustained. Noise never changes in the same way twice, and steady lines (motors, hum) do not change.
    pub(crate) change: Correlation,
    /// Correlations of the fine structure of each zone in 127ths: with the spectra [`LAGS`] before (sustained partials),
    /// and of the changes. Zero where the recording has not yet lasted long enough.
    pub(crate) correlations: [[i8; CORRELATIONS]; ZONES],
    /// Standard deviation of the fine structure of each zone in steps of 0.1 dB.
    pub(crate) roughness: [u8; ZONES],
}

/// Measures the textures of a mono stream at [`TEXTURE_RATE`], with a buffer of 120 KiB.
pub(crate) struct TextureMeter {
    spectra: PowerSpectra,
    pending: Vec<f32>,
    /// The fine structure of the last frames, oldest first, and the variance of each zone.
    history: VecDeque<(FineStructure, Zones)>,
    bands: Option<[f32; BANDS]>,
    textures: Vec<Texture>,
    samples: usize,
}

/// Level of each bin relative to its neighbourhood, in dB.
type FineStructure = [f32; BINS];
/// One number for each zone.
type Zones = [f32; ZONES];

impl TextureMeter {
    pub(crate) fn new() -> Self {
        Self {
            spectra: PowerSpectra::of_hann(WINDOW),
            // The window of the first frame starts half a hop before the stream.
            pending: vec![0.0; HOP / 2],
            history: VecDeque::with_capacity(HISTORY),
            bands: None,
            textures: Vec::new(),
            samples: 0,
        }
    }

    /// Adds samples; the result does not depend on how they are split into calls.
    pub(crate) fn push(&mut self, samples: &[f32]) {
        // In bounded slices: what is pending is moved for each pair.
        for samples in samples.chunks(16 * WINDOW) {
            self.push_unmeasured(samples);
            while self.pending.len() >= HOP + WINDOW {
                self.transform_pair();
            }
        }
    }

    /// Adds samples whose frames are measured by [`Self::measure_pair`], with the powers of others' spectra.
    pub(crate) fn push_unmeasured(&mut self, samples: &[f32]) {
        self.samples += samples.len();
        self.pending.extend_from_slice(samples);
    }

    /// The textures, one for each frame that starts before the end of the stream.
    pub(crate) fn finish(mut self) -> Vec<Texture> {
        let frames = self.samples.div_ceil(HOP);
        while self.textures.len() < frames {
            self.transform_pair();
        }
        self.textures.truncate(frames);
        self.textures
    }

    /// Measures the next two frames; at the end of the stream, they are padded with silence.
    fn transform_pair(&mut self) {
        self.pad();
        let (mut first, mut second) = ([0.0; BIN_END], [0.0; BIN_END]);
        let frames = [0, HOP].map(|start| &self.pending[start..start + WINDOW]);
        self.spectra.of_pair(frames, [&mut first, &mut second]);
        self.measure_pair([&first, &second]);
    }

    /// Measures the next two frames, of which the powers of the bins are known (a full-scale sine has power 1); further
    /// bins are ignored.
    pub(crate) fn measure_pair(&mut self, powers: [&[f32]; 2]) {
        self.pad();
        for (start, powers) in [0, HOP].into_iter().zip(powers) {
            if let Some(powers) = powers.first_chunk() {
                self.measure(start + HOP / 2, powers);
            }
        }
        self.pending.drain(..2 * HOP);
    }

    fn pad(&mut self) {
        self.pending.resize(self.pending.len().max(HOP + WINDOW), 0.0);
    }

    /// Measures the frame whose samples start at `start` and whose bins have these `powers`.
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
        let variances = products(&structure, &structure);
        self.history.push_back((structure, variances));
        let (correlations, persistence, change) = self.correlations();
        self.textures.push(Texture {
            level_db: ((10.0 * power.log10()) as f32).max(super::levels::FLOOR_DBFS),
            bands: bands.map(|level| (2.0 * (level - BAND_FLOOR_DB)).round().clamp(0.0, 255.0) as u8),
            flux,
            peakiness,
            persistence,
            change,
            correlations,
            roughness: variances.map(|variance| (10.0 * variance.sqrt()).round().clamp(0.0, 255.0) as u8),
        });
    }

    /// The fine structure and the variances `ago` frames before the last one, or else of the oldest one.
    fn structure(&self, ago: usize) -> &(FineStructure, Zones) {
        &self.history[(self.history.len() - 1).saturating_sub(ago)]
    }

    /// The correlations of the last frame with those before it, by zone, and those of persistence and of change.
    fn correlations(&self) -> ([[i8; CORRELATIONS]; ZONES], Correlation, Correlation) {
        let lasted = |frames: usize| self.history.len() > frames;
        let mut found = [[0; CORRELATIONS]; ZONES];
        let mut persistence = Correlation::default();
        let (now, variances) = self.structure(0);
        for (index, lag) in LAGS.into_iter().enumerate() {
            let (then, others) = self.structure(lag);
            let covariances = vectorized(
                #[inline(always)]
                || products(now, then),
            );
            if lag == APART {
                persistence = Correlation::of_all(&covariances, variances, others);
            }
            for zone in (0..ZONES).filter(|_| lasted(lag)) {
                found[zone][index] = correlation(covariances[zone], variances[zone], others[zone]);
            }
        }
        let spans = [APART, CHANGE_SPAN + APART, CHANGE_SPAN + 2 * APART];
        let [then, old, older] = spans.map(|ago| &self.structure(ago).0);
        let [covariances, late, early] = vectorized(
            #[inline(always)]
            || {
                let (late, early) = (difference(old, now), difference(older, then));
                [products(&late, &early), products(&late, &late), products(&early, &early)]
            },
        );
        for zone in (0..ZONES).filter(|_| lasted(CHANGE_SPAN + 2 * APART)) {
            found[zone][LAGS.len()] = correlation(covariances[zone], late[zone], early[zone]);
        }
        (found, persistence, Correlation::of_all(&covariances, &late, &early))
    }
}

impl Correlation {
    /// That of all bins, from the mean products of each zone.
    fn of_all(covariances: &Zones, variances: &Zones, others: &Zones) -> Self {
        let mut all = Self::default();
        for zone in 0..ZONES {
            let share = (ZONE_EDGES[zone + 1] - ZONE_EDGES[zone]) as f32 / BINS as f32;
            all.covariance += share * covariances[zone];
            all.variance += share * (variances[zone] + others[zone]) / 2.0;
        }
        all
    }
}

fn band_levels(powers: &[f32; BIN_END]) -> [f32; BANDS] {
    std::array::from_fn(|band| {
        let power: f32 = powers[BAND_EDGES[band]..BAND_EDGES[band + 1]].iter().sum();
        10.0 * log10(power + BAND_FLOOR)
    })
}

/// The fine structure and the peakiness of bins with these powers.
fn fine_structure(powers: &[f32; BIN_END]) -> (FineStructure, f32) {
    vectorized(
        #[inline(always)]
        || {
            // Zeros in place of the neighbours that the first bin lacks.
            let mut decibels = [0.0; PAD + FIRST_BIN + BINS + NEIGHBOURS];
            for (decibels, power) in decibels[PAD..].iter_mut().zip(powers) {
                *decibels = 10.0 * log10(power + POWER_FLOOR);
            }
            // Sums of two neighbours, of four, of eight, of sixteen; then of the whole neighbourhood.
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

/// The mean product of two fine structures in each zone.
#[inline(always)]
fn products(a: &FineStructure, b: &FineStructure) -> Zones {
    let product: FineStructure = std::array::from_fn(|bin| a[bin] * b[bin]);
    std::array::from_fn(|zone| {
        let bins = ZONE_EDGES[zone]..ZONE_EDGES[zone + 1];
        let count = bins.len() as f32;
        sum(&product[bins]) / count
    })
}

/// A correlation in 127ths, from a covariance and two variances.
fn correlation(covariance: f32, variance: f32, other: f32) -> i8 {
    let correlation = covariance / (0.5 * (variance + other) + VARIANCE_FLOOR);
    (127.0 * correlation).round().clamp(-127.0, 127.0) as i8
}
