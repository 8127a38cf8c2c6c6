//! Onsets: logarithmic spectral flux over constant-Q bands, with the peak picking of Böck & Widmer,
//! "Maximum filter vibrato suppression for onset detection" (DAFx 2013), above an adaptive threshold.

use media_time::MediaTime;

use super::onset_candidates::OnsetEvidence;
use super::onset_picker;
use super::pulse::RANGES;
use super::spectrum::FRAMES_PER_SECOND;

/// Frames between the two compared spectra. With three, the flux's peak is at the annotated onsets; with two, it is 3
/// ms early.
const LAG: usize = 3;
/// A peak is the largest value within this many frames before and after it (25 and 20 ms).
pub(super) const PEAK_BACK: usize = 5;
pub(super) const PEAK_AHEAD: usize = 4;
/// The local mean covers 100 ms before and 70 ms after a frame.
const MEAN_BACK: usize = FRAMES_PER_SECOND as usize / 10;
const MEAN_AHEAD: usize = FRAMES_PER_SECOND as usize * 70 / 1_000;
/// Minimum height of a peak above the local mean (decades of magnitude, mean over bands) …
pub(super) const THRESHOLD: f32 = 0.02;
/// … plus this many times the median of the surrounding two seconds, which measures the noise.
pub(super) const NOISE_FACTOR: f32 = 0.6;
/// Number of frames over which that median is taken.
pub(super) const NOISE_BLOCK: usize = 2 * FRAMES_PER_SECOND as usize;

/// The start of a note, stroke or other event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Onset {
    /// Time of the onset in the recording.
    pub time: MediaTime,
    /// Mean rise over the spectrum's bands, in decades of magnitude (0 and more; a clear drum hit has 0.3 to 1).
    pub strength: f32,
    /// Probability that there is an onset within 50 ms, 0 to 1.
    pub confidence: f32,
}

/// The onset function, one value per frame.
#[derive(Default)]
pub(super) struct OnsetFunction {
    /// The levels of the last [`LAG`] frames, oldest first.
    history: Vec<Vec<f32>>,
    pub(super) values: Vec<f32>,
}

impl OnsetFunction {
    /// Adds the frame with these band `levels` and returns its value.
    pub(super) fn push(&mut self, levels: &[f32]) -> f32 {
        if self.history.is_empty() {
            self.history = vec![vec![0.0; levels.len()]; LAG];
        }
        let rise: f32 = levels.iter().zip(&self.history[0]).map(|(now, then)| (now - then).max(0.0)).sum();
        let value = rise / levels.len() as f32;
        self.values.push(value);
        self.history[0].copy_from_slice(levels);
        self.history.rotate_left(1);
        value
    }

    /// The onsets of the whole stream, with frames of `hop` samples at `rate` Hz, given the net's log-odds of an onset in
    /// each of its frames that is computed, and the pulse of each range.
    pub(super) fn pick(
        &self,
        hop: usize,
        rate: u32,
        net: &[Option<f32>],
        ranges: &[Vec<f32>; RANGES],
    ) -> Vec<Onset> {
        onset_picker::pick(OnsetEvidence { values: &self.values, net, ranges }, hop, rate)
    }
}

/// The mean of the values around each frame; those beyond the ends count as silence.
pub(super) fn local_means(values: &[f32]) -> impl Iterator<Item = f32> {
    (0..values.len()).map(|frame| {
        let local = &values[frame.saturating_sub(MEAN_BACK)..values.len().min(frame + MEAN_AHEAD + 1)];
        local.iter().sum::<f32>() / (MEAN_BACK + MEAN_AHEAD + 1) as f32
    })
}

pub(super) fn median(values: &[f32]) -> f32 {
    let mut values = values.to_vec();
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f32::total_cmp).1
}

/// Offset of the vertex of the parabola through a peak and its neighbours, in frames (±0.5).
pub(super) fn peak_offset(values: &[f32], peak: usize) -> f64 {
    if peak == 0 || peak + 1 >= values.len() {
        return 0.0;
    }
    let (left, top, right) =
        (f64::from(values[peak - 1]), f64::from(values[peak]), f64::from(values[peak + 1]));
    let bend = left - 2.0 * top + right;
    if bend >= 0.0 { 0.0 } else { (0.5 * (left - right) / bend).clamp(-0.5, 0.5) }
}
