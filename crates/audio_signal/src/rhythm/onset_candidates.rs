//! Candidates for onsets, and their features: the peaks of the onset function, and those of the net apart from them.

use super::inputs::FRAMES_PER_STEP;
use super::onsets::{
    NOISE_BLOCK, NOISE_FACTOR, PEAK_AHEAD, PEAK_BACK, THRESHOLD, local_means, median, peak_offset,
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
/// Number of features of a candidate.
pub(super) const FEATURES: usize = 18;

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

/// The candidates for onsets of a recording, with the evidence about each.
pub(super) struct OnsetCandidates<'a> {
    evidence: OnsetEvidence<'a>,
    thresholds: Vec<f32>,
    /// The median of each [`NOISE_BLOCK`].
    noise: Vec<f32>,
    /// Frames of the peaks above the threshold; the sums of their heights, falls and log-odds before each of them and before
    /// the end.
    strokes: Vec<usize>,
    sums: Vec<[f64; 3]>,
}

/// A possible onset.
pub(super) struct Candidate {
    /// In frames, refined between them.
    pub(super) place: f64,
    frame: usize,
    pub(super) strength: f32,
}

/// The evidence about a candidate.
pub(super) struct Description {
    pub(super) features: [f32; FEATURES],
    /// Whether it reaches the adaptive threshold.
    pub(super) is_above: bool,
    /// Whether the net is computed there.
    pub(super) has_net: bool,
    /// Whether the strokes around fall off at once.
    pub(super) are_drums: bool,
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

impl<'a> OnsetCandidates<'a> {
    pub(super) fn new(evidence: OnsetEvidence<'a>) -> Self {
        let values = evidence.values;
        let noise: Vec<f32> = values.chunks(NOISE_BLOCK).map(median).collect();
        let threshold =
            |(frame, mean): (usize, f32)| mean + THRESHOLD + NOISE_FACTOR * noise[frame / NOISE_BLOCK];
        let thresholds: Vec<f32> = local_means(values).enumerate().map(threshold).collect();
        let strokes = peaks(values, |frame| thresholds[frame]);
        let mut candidates = Self { evidence, thresholds, noise, strokes, sums: vec![[0.0; 3]] };
        let mut sum = [0.0; 3];
        let sums = candidates.strokes.iter().map(|stroke| {
            let added = candidates.stroke(*stroke);
            (0..3).for_each(|kind| sum[kind] += f64::from(added[kind]));
            sum
        });
        let sums: Vec<[f64; 3]> = sums.collect();
        candidates.sums.extend(sums);
        candidates
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

    /// Peaks of the onset function, and those of the net that are apart from them; by place.
    pub(super) fn by_place(&self) -> Vec<Candidate> {
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

    /// The features of one of the `candidates`.
    pub(super) fn describe(&self, candidates: &[Candidate], index: usize) -> Description {
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
        Description {
            features,
            is_above: strength >= self.thresholds[frame],
            has_net: net.is_some(),
            are_drums: around.fall >= PERCUSSIVE_FALL,
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
