//! Levels of frequency bands over time, by which sections of a recording are compared.

use audio_signal::PowerSpectra;

/// Number of bands, equally wide on a logarithmic axis from 60 Hz to 16 kHz or half the sample rate.
pub const BANDS: usize = 16;
const LOWEST_HZ: f64 = 60.0;
const HIGHEST_HZ: f64 = 16_000.0;
/// Frames of band levels per second.
pub const BAND_RATE: u32 = 100;
/// Length of the analysis window in seconds.
const WINDOW_S: f64 = 0.04;
/// Minimum length of the analysis window in samples.
const MIN_WINDOW: usize = 64;
/// Level of value 0, in dBFS; levels are stored in steps of 0.5 dB above it.
const FLOOR_DB: f32 = -100.0;

/// Levels of [`BANDS`] bands in frames of 10 ms, one byte each: 1.6 KB per second of audio.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BandLevels(Vec<[u8; BANDS]>);

impl BandLevels {
    /// Number of frames of 10 ms.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no frames.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The levels of frame `index` in dBFS; `None` beyond the end.
    #[must_use]
    pub fn frame(&self, index: usize) -> Option<[f32; BANDS]> {
        self.0.get(index).map(|levels| levels.map(|level| f32::from(level) / 2.0 + FLOOR_DB))
    }
}

/// Measures the band levels of a stream. Frame `i` is centred on `i × 10 ms`.
pub(crate) struct BandMeter {
    rate: u64,
    spectra: PowerSpectra,
    /// First bin of each band in the spectrum, and the end of the last band.
    edges: [usize; BANDS + 1],
    /// Samples from the start of the next frame's window on.
    pending: Vec<f32>,
    /// Powers of the bins of two frames; a full-scale sine has power 1.
    powers: [Vec<f32>; 2],
    levels: Vec<[u8; BANDS]>,
}

impl BandMeter {
    pub(crate) fn new(rate: u32) -> Self {
        let length = ((f64::from(rate) * WINDOW_S) as usize).next_power_of_two().max(MIN_WINDOW);
        let hann = |n: usize| 0.5 - 0.5 * (std::f32::consts::TAU * n as f32 / length as f32).cos();
        let highest = HIGHEST_HZ.min(f64::from(rate) / 2.0);
        let edge = |band: usize| {
            let hertz = LOWEST_HZ * (highest / LOWEST_HZ).powf(band as f64 / BANDS as f64);
            (hertz * length as f64 / f64::from(rate)).round() as usize
        };
        let mut edges = std::array::from_fn(edge);
        // Low bands of a coarse spectrum are at least one bin wide.
        for band in 0..BANDS {
            edges[band + 1] = edges[band + 1].clamp((edges[band] + 1).min(length / 2), length / 2 + 1);
        }
        let powers = vec![0.0; edges[BANDS]];
        Self {
            rate: rate.into(),
            spectra: PowerSpectra::new((0..length).map(|n| hann(n) * 4.0 / length as f32).collect()),
            edges,
            pending: vec![0.0; length / 2],
            powers: [powers.clone(), powers],
            levels: Vec::new(),
        }
    }

    /// Adds `mono` samples (full scale ±1); the result does not depend on how the stream is split into calls.
    pub(crate) fn push(&mut self, mono: &[f32]) {
        self.pending.extend_from_slice(mono);
        let mut start = 0;
        loop {
            let second = start + self.hop(self.levels.len());
            if second + self.spectra.size() > self.pending.len() {
                break;
            }
            self.measure_pair(start, second);
            start = second + self.hop(self.levels.len() - 1);
        }
        self.pending.drain(..start);
    }

    /// The levels of all pushed samples.
    pub(crate) fn finish(mut self) -> BandLevels {
        let size = self.spectra.size();
        self.push(&vec![0.0; size / 2]);
        if self.pending.len() >= size {
            let second = self.hop(self.levels.len());
            self.pending.resize(second + size, 0.0);
            self.measure_pair(0, second);
            self.levels.pop();
        }
        BandLevels(self.levels)
    }

    /// Hop from `frame` to the next, in samples.
    fn hop(&self, frame: usize) -> usize {
        let sample = |frame: usize| frame as u64 * self.rate / u64::from(BAND_RATE);
        (sample(frame + 1) - sample(frame)) as usize
    }

    /// Measures two frames, whose windows start at `first` and `second` in `pending`.
    fn measure_pair(&mut self, first: usize, second: usize) {
        let size = self.spectra.size();
        let windows = [first, second].map(|start| &self.pending[start..start + size]);
        let [a, b] = &mut self.powers;
        self.spectra.of_pair(windows, [a, b]);
        for powers in &self.powers {
            self.levels.push(std::array::from_fn(|band| {
                let power: f32 = powers[self.edges[band]..self.edges[band + 1]].iter().sum();
                // `as` saturates at 0, for levels below the floor and for silence (-∞).
                (2.0 * (10.0 * power.log10() - FLOOR_DB)).round() as u8
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(rate: u32, hertz: f32, chunk: usize) -> BandLevels {
        let sample = |n: usize| 0.5 * (std::f32::consts::TAU * hertz * n as f32 / rate as f32).sin();
        let samples: Vec<f32> = (0..rate as usize).map(sample).collect();
        let mut meter = BandMeter::new(rate);
        samples.chunks(chunk).for_each(|part| meter.push(part));
        meter.finish()
    }

    #[test]
    fn a_tone_is_in_its_band_at_its_level() {
        let found = levels(48_000, 1_000.0, 48_000);
        assert_eq!(found.len(), 101, "one each 10 ms, both ends included");
        let middle = found.frame(50).unwrap();
        let loudest = (0..BANDS).max_by(|a, b| middle[*a].total_cmp(&middle[*b])).unwrap();
        assert_eq!(loudest, 8, "60 Hz × (16 000 / 60)^(8/16) = 980 Hz");
        assert!((middle[8] - -6.0).abs() < 2.0, "{middle:?}");
        assert!(middle[2] < -50.0 && middle[14] < -50.0, "{middle:?}");
    }

    #[test]
    fn levels_do_not_depend_on_chunks_at_any_rate() {
        for rate in [1_000, 8_000, 22_050, 384_000] {
            assert_eq!(levels(rate, 200.0, 7), levels(rate, 200.0, 100_000));
        }
    }
}
