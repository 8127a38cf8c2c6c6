//! The onsets among the peaks of the onset function and of the net: those that are more likely than not, by a logistic
//! regression of the height of the rise, the net's log-odds and the surroundings. Where the net is not computed, those above
//! the adaptive threshold. `tools/rhythm/confidence.py` fits the weights on clips that the net was not trained on.

use media_time::MediaTime;

use super::confidence::logistic;
use super::inputs::FRAMES_PER_STEP;
use super::onsets::{
    NOISE_BLOCK, NOISE_FACTOR, Onset, PEAK_AHEAD, PEAK_BACK, THRESHOLD, local_means, median, peak_offset,
};
use super::spectrum::FRAMES_PER_SECOND;
use crate::math::log10;

/// Least height above the local mean of a peak that may be an onset, if the net says so.
const MIN_RISE: f32 = 0.01;
/// Least log-odds of a peak of the net that may be an onset without a peak of the onset function near it.
const MIN_LOG_ODDS: f32 = -1.5;
const MAX_LOG_ODDS: f32 = 5.0;
/// The net's frames within which it has a peak, or an onset function's peak belongs to its own.
const NET_REACH: usize = 2;
/// Strokes within two seconds tell how percussive the surroundings are.
const AROUND: usize = 2 * FRAMES_PER_SECOND as usize;
/// Added to rises before their logarithm is taken.
const FLOOR: f32 = 0.01;
/// Least confidence of an onset.
const MIN_CONFIDENCE: f32 = 0.5;
/// Of two onsets that are closer (40 ms), the less certain one is left out, where the net is computed.
const MIN_GAP: f64 = 0.04 * FRAMES_PER_SECOND as f64;
const FEATURES: usize = 10;
/// An offset, and the weight of each feature.
type Weights = [f32; FEATURES + 1];
const WITH_NET: Weights = [0.0; FEATURES + 1];
const WITHOUT_NET: Weights = [0.0; FEATURES + 1];

/// Finds the onsets of a recording.
pub(super) struct OnsetPicker<'a> {
    /// The onset function.
    values: &'a [f32],
    /// The net's log-odds of an onset, each [`FRAMES_PER_STEP`] frames; `None` where it is not computed.
    net: &'a [Option<f32>],
    thresholds: Vec<f32>,
    /// The median of each [`NOISE_BLOCK`].
    noise: Vec<f32>,
    /// Frames of the peaks above the threshold, and the sums of the values before each of them and before the end.
    strokes: Vec<usize>,
    sums: Vec<f64>,
}

/// What may be an onset.
struct Candidate {
    /// In frames, refined between them.
    place: f64,
    strength: f32,
    confidence: f32,
    is_onset: bool,
    has_net: bool,
}

impl<'a> OnsetPicker<'a> {
    pub(super) fn new(values: &'a [f32], net: &'a [Option<f32>]) -> Self {
        let noise: Vec<f32> = values.chunks(NOISE_BLOCK).map(median).collect();
        let threshold =
            |(frame, mean): (usize, f32)| mean + THRESHOLD + NOISE_FACTOR * noise[frame / NOISE_BLOCK];
        let thresholds: Vec<f32> = local_means(values).enumerate().map(threshold).collect();
        let mut picker = Self { values, net, thresholds, noise, strokes: Vec::new(), sums: vec![0.0] };
        picker.strokes = picker.peaks(|frame| picker.thresholds[frame]);
        let mut sum = 0.0;
        picker.sums.extend(picker.strokes.iter().map(|stroke| {
            sum += f64::from(values[*stroke]);
            sum
        }));
        picker
    }

    /// The onsets, given that frames have `hop` samples at `rate` Hz.
    pub(super) fn onsets(&self, hop: usize, rate: u32) -> Vec<Onset> {
        let mut kept: Vec<Candidate> = Vec::new();
        for candidate in self.candidates().into_iter().filter(|candidate| candidate.is_onset) {
            match kept.last_mut() {
                Some(last) if candidate.has_net && candidate.place - last.place < MIN_GAP => {
                    if candidate.confidence > last.confidence {
                        *last = candidate;
                    }
                }
                _ => kept.push(candidate),
            }
        }
        let onset = |candidate: &Candidate| Onset {
            time: MediaTime::from_samples((candidate.place * hop as f64).round() as i64, rate),
            strength: candidate.strength,
            confidence: candidate.confidence,
        };
        kept.iter().map(onset).collect()
    }

    /// Peaks of the onset function, and those of the net that are apart from them; by place.
    fn candidates(&self) -> Vec<Candidate> {
        let low = |frame: usize| self.thresholds[frame] - THRESHOLD - self.noise_factor(frame) + MIN_RISE;
        // Where the net is not computed, lower peaks must not hide those above the threshold.
        let least = |frame: usize| {
            if self.log_odds(frame / FRAMES_PER_STEP).is_some() { low(frame) } else { self.thresholds[frame] }
        };
        let peaks = self.peaks(least);
        let at_peak = |frame: &usize| {
            let place = *frame as f64 + peak_offset(self.values, *frame);
            self.candidate(place, *frame, self.values[*frame])
        };
        let mut candidates: Vec<Candidate> = peaks.iter().map(at_peak).collect();
        let is_apart = |step: &usize| {
            let first = step.saturating_sub(NET_REACH) * FRAMES_PER_STEP;
            let next = peaks.partition_point(|peak| *peak < first);
            peaks.get(next).is_none_or(|peak| *peak >= (step + NET_REACH + 1) * FRAMES_PER_STEP)
        };
        let at_step = |step: usize| {
            let middle = step as f64 * FRAMES_PER_STEP as f64 + (FRAMES_PER_STEP - 1) as f64 / 2.0;
            let frame = (FRAMES_PER_STEP * step + FRAMES_PER_STEP / 2).min(self.values.len() - 1);
            let around =
                &self.values[frame.saturating_sub(PEAK_BACK)..self.values.len().min(frame + PEAK_BACK + 1)];
            self.candidate(middle, frame, around.iter().copied().fold(0.0, f32::max))
        };
        candidates.extend(self.net_peaks().filter(is_apart).map(at_step));
        candidates.sort_by(|a, b| a.place.total_cmp(&b.place));
        candidates
    }

    fn noise_factor(&self, frame: usize) -> f32 {
        NOISE_FACTOR * self.noise[frame / NOISE_BLOCK]
    }

    /// The frames of local maxima of at least this height.
    fn peaks(&self, least: impl Fn(usize) -> f32) -> Vec<usize> {
        let values = self.values;
        let mut peaks: Vec<usize> = Vec::new();
        for (frame, &value) in values.iter().enumerate() {
            let is_apart = peaks.last().is_none_or(|last| frame > last + PEAK_AHEAD);
            if !is_apart || value < least(frame) {
                continue;
            }
            let around = &values[frame.saturating_sub(PEAK_BACK)..values.len().min(frame + PEAK_AHEAD + 1)];
            if around.iter().all(|other| *other <= value) {
                peaks.push(frame);
            }
        }
        peaks
    }

    fn log_odds(&self, step: usize) -> Option<f32> {
        self.net.get(step).copied().flatten()
    }

    /// The highest log-odds of the steps around `step`; `None` if it is not computed.
    fn highest_log_odds(&self, step: usize) -> Option<f32> {
        self.log_odds(step)?;
        let around = step.saturating_sub(NET_REACH)..=step + NET_REACH;
        around.filter_map(|step| self.log_odds(step)).reduce(f32::max)
    }

    /// The steps at which the net has a peak.
    fn net_peaks(&self) -> impl Iterator<Item = usize> {
        (0..self.net.len()).filter(|step| {
            self.log_odds(*step).is_some_and(|value| {
                value >= MIN_LOG_ODDS && self.highest_log_odds(*step).is_some_and(|highest| value >= highest)
            })
        })
    }

    /// The mean of the strokes around `frame`.
    fn percussiveness(&self, frame: usize) -> f32 {
        let first = self.strokes.partition_point(|stroke| stroke + AROUND < frame);
        let end = self.strokes.partition_point(|stroke| *stroke <= frame + AROUND);
        if end == first { 0.0 } else { ((self.sums[end] - self.sums[first]) / (end - first) as f64) as f32 }
    }

    /// A candidate at `place`, in `frame`, where the onset function rises to `strength`.
    fn candidate(&self, place: f64, frame: usize, strength: f32) -> Candidate {
        let step = (frame / FRAMES_PER_STEP).min(self.net.len().saturating_sub(1));
        let net = self.highest_log_odds(step).map(|value| value.clamp(-MAX_LOG_ODDS, MAX_LOG_ODDS));
        let log = |value: f32| log10(value + FLOOR);
        let (above, height) = (log(strength) - log(self.thresholds[frame]), log(strength));
        let (percussive, noise) = (log(self.percussiveness(frame)), log(self.noise[frame / NOISE_BLOCK]));
        let odds = net.unwrap_or(0.0);
        let features = [
            above,
            height,
            odds,
            percussive,
            noise,
            odds * percussive,
            above * percussive,
            above * odds,
            odds.min(0.0),
            height * percussive,
        ];
        let confidence = logistic(if net.is_some() { &WITH_NET } else { &WITHOUT_NET }, &features);
        let is_onset = match net {
            Some(_) => confidence >= MIN_CONFIDENCE,
            None => strength >= self.thresholds[frame],
        };
        Candidate { place, strength, confidence, is_onset, has_net: net.is_some() }
    }
}
