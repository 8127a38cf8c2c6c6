//! The onsets among the peaks of the onset function and of the net.
//!
//! Among drums alone, whose strokes fall off at once, those above the adaptive threshold are onsets. Else a candidate is one if
//! that is more likely than not, by a logistic regression of its height, the net's log-odds, the pulse in each range of
//! frequencies and the candidates beside it. Where the net is not computed, those above the threshold are onsets.
//! `tools/rhythm/confidence.py` fits the weights on clips that the net was not trained on.

use media_time::MediaTime;

use super::confidence::logistic;
use super::inputs::FRAMES_PER_STEP;
use super::onsets::{
    NOISE_BLOCK, NOISE_FACTOR, Onset, PEAK_AHEAD, PEAK_BACK, THRESHOLD, local_means, median, peak_offset,
};
use super::pulse::{PULSE_STRIDE, RANGES};
use super::spectrum::FRAMES_PER_SECOND;
use crate::math::log10;

/// Least height above the local mean of a peak that may be an onset, if the net says so.
const MIN_RISE: f32 = 0.01;
/// Least log-odds of a peak of the net that may be an onset without a peak of the onset function near it.
const MIN_LOG_ODDS: f32 = -1.5;
const MAX_LOG_ODDS: f32 = 5.0;
/// The net's frames within which its log-odds belong to a candidate, and those within which they compete with it.
const NET_REACH: usize = 2;
const NET_RIVALS: usize = 5;
const MAX_RIVALRY: f32 = 4.0;
/// The pulse within this many of its frames belongs to a candidate.
const PULSE_REACH: usize = 2;
const MAX_PULSE: f32 = 5.0;
/// Strokes within two seconds are the surroundings.
const AROUND: usize = 2 * FRAMES_PER_SECOND as usize;
/// Frames after a stroke, in which it has fallen off.
const AFTER: std::ops::Range<usize> = 5..12;
/// Mean fall (decades) of strokes from which there are drums alone, and that where there are none.
const PERCUSSIVE_FALL: f32 = 0.75;
const NO_FALL: f32 = 0.4;
/// Added to rises before their logarithm is taken.
const FLOOR: f32 = 0.01;
/// Candidates within this many frames (80 ms) compete; least height relative to them that counts.
const RIVALS: f64 = 0.08 * FRAMES_PER_SECOND as f64;
const MIN_RELATIVE_HEIGHT: f32 = -0.5;
/// Least confidence of an onset.
const MIN_CONFIDENCE: f32 = 0.5;
/// Of two onsets that are closer (60 ms), the less certain one is left out, but not among drums alone.
const MIN_GAP: f64 = 0.06 * FRAMES_PER_SECOND as f64;
const FEATURES: usize = 18;
/// An offset, and the weight of each feature.
type Weights = [f32; FEATURES + 1];
const BY_NET: Weights = [
    -1.436, 4.195, 0.654, -0.034, -1.467, 1.867, -0.783, -1.032, 0.282, 0.169, 0.835, -0.424, -0.871, 0.159,
    -0.062, 0.326, -0.040, -0.070, 0.867,
];
const OF_DRUMS: Weights = [
    -1.397, 8.474, -4.942, 0.651, -1.491, 2.922, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
    0.0,
];
const WITHOUT_NET: Weights = [
    1.590, 8.016, 2.125, 0.0, -0.814, 2.871, 0.0, 2.617, 0.0, 0.0, 3.841, -2.226, 0.888, 0.0, 0.0, 0.0, 0.0,
    0.0, 0.0,
];

/// The evidence for onsets in a recording.
#[derive(Clone, Copy)]
pub(super) struct OnsetEvidence<'a> {
    /// The onset function.
    pub(super) values: &'a [f32],
    /// The net's log-odds of an onset, each [`FRAMES_PER_STEP`] frames; `None` where it is not computed.
    pub(super) net: &'a [Option<f32>],
    /// The pulse of each range, each [`PULSE_STRIDE`] frames.
    pub(super) ranges: &'a [Vec<f32>; RANGES],
}

/// Finds the onsets of a recording.
pub(super) struct OnsetPicker<'a> {
    evidence: OnsetEvidence<'a>,
    thresholds: Vec<f32>,
    /// The median of each [`NOISE_BLOCK`].
    noise: Vec<f32>,
    /// Frames of the peaks above the threshold; the sums of their heights, falls and log-odds before each of them and before
    /// the end.
    strokes: Vec<usize>,
    sums: Vec<[f64; 3]>,
}

/// What may be an onset.
struct Candidate {
    /// In frames, refined between them.
    place: f64,
    frame: usize,
    strength: f32,
}

/// What is an onset.
struct Decided {
    place: f64,
    strength: f32,
    confidence: f32,
    is_onset: bool,
    may_be_close: bool,
}

/// The surroundings of a candidate.
struct Surroundings {
    /// Mean height of the strokes.
    height: f32,
    /// Mean fall after strokes.
    fall: f32,
    /// Mean log-odds of the net at strokes.
    odds: f32,
}

impl<'a> OnsetPicker<'a> {
    pub(super) fn new(evidence: OnsetEvidence<'a>) -> Self {
        let values = evidence.values;
        let noise: Vec<f32> = values.chunks(NOISE_BLOCK).map(median).collect();
        let threshold =
            |(frame, mean): (usize, f32)| mean + THRESHOLD + NOISE_FACTOR * noise[frame / NOISE_BLOCK];
        let thresholds: Vec<f32> = local_means(values).enumerate().map(threshold).collect();
        let strokes = peaks(values, |frame| thresholds[frame]);
        let mut picker = Self { evidence, thresholds, noise, strokes, sums: vec![[0.0; 3]] };
        let mut sum = [0.0; 3];
        let sums = picker.strokes.iter().map(|stroke| {
            let added = picker.stroke(*stroke);
            (0..3).for_each(|kind| sum[kind] += f64::from(added[kind]));
            sum
        });
        let sums: Vec<[f64; 3]> = sums.collect();
        picker.sums.extend(sums);
        picker
    }

    /// Height, fall and log-odds of the stroke in `frame`.
    fn stroke(&self, frame: usize) -> [f32; 3] {
        let values = self.evidence.values;
        let after = &values[values.len().min(frame + AFTER.start)..values.len().min(frame + AFTER.end)];
        let mean = after.iter().sum::<f32>() / AFTER.len() as f32;
        [values[frame], level(values[frame]) - level(mean), self.odds_near(frame).unwrap_or(0.0)]
    }

    /// The net's log-odds near `frame`, limited; `None` if they are not computed.
    fn odds_near(&self, frame: usize) -> Option<f32> {
        let step = (frame / FRAMES_PER_STEP).min(self.evidence.net.len().saturating_sub(1));
        self.highest_log_odds(step, NET_REACH).map(|odds| odds.clamp(-MAX_LOG_ODDS, MAX_LOG_ODDS))
    }

    /// The onsets, given that frames have `hop` samples at `rate` Hz.
    pub(super) fn onsets(&self, hop: usize, rate: u32) -> Vec<Onset> {
        let mut kept: Vec<Decided> = Vec::new();
        for found in self.decided().filter(|found| found.is_onset) {
            match kept.last_mut() {
                Some(last) if !found.may_be_close && found.place - last.place < MIN_GAP => {
                    if found.confidence > last.confidence {
                        *last = found;
                    }
                }
                _ => kept.push(found),
            }
        }
        let onset = |found: &Decided| Onset {
            time: MediaTime::from_samples((found.place * hop as f64).round() as i64, rate),
            strength: found.strength,
            confidence: found.confidence,
        };
        kept.iter().map(onset).collect()
    }

    /// All candidates, by place.
    fn decided(&self) -> impl Iterator<Item = Decided> {
        let candidates = self.candidates();
        (0..candidates.len()).map(move |index| self.decide(&candidates, index))
    }

    /// Peaks of the onset function, and those of the net that are apart from them; by place.
    fn candidates(&self) -> Vec<Candidate> {
        let values = self.evidence.values;
        // Where the net is not computed, lower peaks must not hide those above the threshold.
        let least = |frame: usize| match self.log_odds(frame / FRAMES_PER_STEP) {
            Some(_) => {
                self.thresholds[frame] - THRESHOLD - NOISE_FACTOR * self.noise[frame / NOISE_BLOCK] + MIN_RISE
            }
            None => self.thresholds[frame],
        };
        let peaks = peaks(values, least);
        let at_peak = |frame: &usize| Candidate {
            place: *frame as f64 + peak_offset(values, *frame),
            frame: *frame,
            strength: values[*frame],
        };
        let mut candidates: Vec<Candidate> = peaks.iter().map(at_peak).collect();
        let is_apart = |step: &usize| {
            let first = step.saturating_sub(NET_REACH) * FRAMES_PER_STEP;
            let next = peaks.partition_point(|peak| *peak < first);
            peaks.get(next).is_none_or(|peak| *peak >= (step + NET_REACH + 1) * FRAMES_PER_STEP)
        };
        let at_step = |step: usize| {
            let frame = (FRAMES_PER_STEP * step + FRAMES_PER_STEP / 2).min(values.len() - 1);
            let around = &values[frame.saturating_sub(PEAK_BACK)..values.len().min(frame + PEAK_BACK + 1)];
            Candidate {
                place: (step * FRAMES_PER_STEP) as f64 + (FRAMES_PER_STEP - 1) as f64 / 2.0,
                frame,
                strength: around.iter().copied().fold(0.0, f32::max),
            }
        };
        candidates.extend(self.net_peaks().filter(is_apart).map(at_step));
        candidates.sort_by(|a, b| a.place.total_cmp(&b.place));
        candidates
    }

    fn log_odds(&self, step: usize) -> Option<f32> {
        self.evidence.net.get(step).copied().flatten()
    }

    /// The highest log-odds within `reach` steps of `step`; `None` if that is not computed.
    fn highest_log_odds(&self, step: usize, reach: usize) -> Option<f32> {
        self.log_odds(step)?;
        (step.saturating_sub(reach)..=step + reach).filter_map(|step| self.log_odds(step)).reduce(f32::max)
    }

    /// The steps at which the net has a peak.
    fn net_peaks(&self) -> impl Iterator<Item = usize> {
        (0..self.evidence.net.len()).filter(|step| {
            self.log_odds(*step).is_some_and(|value| {
                value >= MIN_LOG_ODDS
                    && self.highest_log_odds(*step, NET_REACH).is_some_and(|highest| value >= highest)
            })
        })
    }

    fn surroundings(&self, frame: usize) -> Surroundings {
        let first = self.strokes.partition_point(|stroke| stroke + AROUND < frame);
        let end = self.strokes.partition_point(|stroke| *stroke <= frame + AROUND);
        if first == end {
            return Surroundings { height: 0.0, fall: NO_FALL, odds: 0.0 };
        }
        let mean = |sum: usize| ((self.sums[end][sum] - self.sums[first][sum]) / (end - first) as f64) as f32;
        Surroundings { height: mean(0), fall: mean(1), odds: mean(2) }
    }

    /// Decides on one of the `candidates`.
    fn decide(&self, candidates: &[Candidate], index: usize) -> Decided {
        let Candidate { place, frame, strength } = candidates[index];
        let net = self.odds_near(frame);
        let odds = net.unwrap_or(0.0);
        let own_step = (place as usize / FRAMES_PER_STEP).min(self.evidence.net.len().saturating_sub(1));
        let own = self.highest_log_odds(own_step, 1).zip(self.highest_log_odds(own_step, NET_RIVALS));
        let rivalry = own.map_or(0.0, |(own, highest)| (own - highest).max(-MAX_RIVALRY));
        let around = self.surroundings(frame);
        let (above, height) = (level(strength) - level(self.thresholds[frame]), level(strength));
        let (percussive, noise) = (level(around.height), level(self.noise[frame / NOISE_BLOCK]));
        let (before, after) = relative_heights(candidates, index);
        let pulse = self.pulse(place);
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
            before,
            after,
            rivalry,
            pulse[0],
            pulse[1],
            pulse[2],
            pulse[3],
            around.odds,
        ];
        let are_drums = around.fall >= PERCUSSIVE_FALL;
        let weights = match net {
            None => &WITHOUT_NET,
            Some(_) if are_drums => &OF_DRUMS,
            Some(_) => &BY_NET,
        };
        let confidence = logistic(weights, &features);
        let is_above = strength >= self.thresholds[frame];
        let by_threshold = net.is_none() || are_drums;
        Decided {
            place,
            strength,
            confidence,
            is_onset: if by_threshold { is_above } else { confidence >= MIN_CONFIDENCE },
            may_be_close: by_threshold,
        }
    }

    /// The highest pulse near `place` in each range.
    fn pulse(&self, place: f64) -> [f32; RANGES] {
        let at = (place / PULSE_STRIDE as f64).round() as usize;
        std::array::from_fn(|range| {
            let values = &self.evidence.ranges[range];
            let end = values.len().min(at + PULSE_REACH + 1);
            let around = &values[at.saturating_sub(PULSE_REACH).min(end)..end];
            around.iter().copied().fold(-1.0, f32::max).min(MAX_PULSE)
        })
    }
}

/// The logarithm of a rise.
fn level(rise: f32) -> f32 {
    log10(rise + FLOOR)
}

/// The frames of local maxima of at least this height.
fn peaks(values: &[f32], least: impl Fn(usize) -> f32) -> Vec<usize> {
    let mut peaks: Vec<usize> = Vec::new();
    for (frame, &value) in values.iter().enumerate() {
        if peaks.last().is_some_and(|last| frame <= last + PEAK_AHEAD) || value < least(frame) {
            continue;
        }
        let around = &values[frame.saturating_sub(PEAK_BACK)..values.len().min(frame + PEAK_AHEAD + 1)];
        if around.iter().all(|other| *other <= value) {
            peaks.push(frame);
        }
    }
    peaks
}

/// How much higher the candidates shortly before and after one are.
fn relative_heights(candidates: &[Candidate], index: usize) -> (f32, f32) {
    let own = &candidates[index];
    let higher = |other: &Candidate| level(other.strength) - level(own.strength);
    let before = candidates[..index].iter().rev().take_while(|other| own.place - other.place <= RIVALS);
    let after = candidates[index + 1..].iter().take_while(|other| other.place - own.place <= RIVALS);
    (
        before.map(higher).fold(MIN_RELATIVE_HEIGHT, f32::max),
        after.map(higher).fold(MIN_RELATIVE_HEIGHT, f32::max),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAMES: usize = 2_000;

    /// An onset function of soft noise with a rise to `height` each 100 frames, that falls off within `fall` frames.
    fn rises(height: f32, fall: usize) -> Vec<f32> {
        let value = |frame: usize| {
            let noise = 0.02 + 0.005 * (frame % 7) as f32;
            let since = frame % 100;
            if frame >= 100 && since < fall {
                height * (fall - since) as f32 / fall as f32 + noise
            } else {
                noise
            }
        };
        (0..FRAMES).map(value).collect()
    }

    fn found(values: &[f32], net: &[Option<f32>]) -> Vec<Onset> {
        let ranges = std::array::from_fn(|_| vec![0.5; FRAMES / PULSE_STRIDE]);
        OnsetPicker::new(OnsetEvidence { values, net, ranges: &ranges }).onsets(220, 44_100)
    }

    /// Log-odds of an onset each 25 steps, and of none elsewhere.
    fn net(onset: f32) -> Vec<Option<f32>> {
        (0..FRAMES / FRAMES_PER_STEP)
            .map(|step| Some(if step > 0 && step % 25 == 0 { onset } else { -4.0 }))
            .collect()
    }

    #[test]
    fn without_the_net_peaks_above_the_threshold_are_onsets() {
        for net in [vec![], vec![None; FRAMES / FRAMES_PER_STEP]] {
            let onsets = found(&rises(0.3, 4), &net);
            assert_eq!(onsets.len(), FRAMES / 100 - 1);
            assert!(onsets.iter().all(|onset| onset.confidence > 0.5), "{onsets:?}");
            assert!(found(&rises(0.0, 4), &net).is_empty());
        }
    }

    #[test]
    fn the_net_decides_on_rises_that_last() {
        let soft = rises(0.06, 40);
        assert!(found(&soft, &net(-4.0)).is_empty());
        let onsets = found(&soft, &net(4.0));
        assert_eq!(onsets.len(), FRAMES / 100 - 1);
        assert!(onsets.iter().all(|onset| (MIN_CONFIDENCE..=1.0).contains(&onset.confidence)));
    }

    #[test]
    fn strokes_of_drums_alone_need_no_net() {
        let onsets = found(&rises(0.4, 4), &net(-4.0));
        assert_eq!(onsets.len(), FRAMES / 100 - 1);
        assert!(onsets.is_sorted_by(|a, b| a.time < b.time));
    }

    #[test]
    fn nothing_has_no_onsets() {
        assert!(found(&[], &[]).is_empty());
        assert!(found(&[0.0; 3], &[]).is_empty());
    }
}
