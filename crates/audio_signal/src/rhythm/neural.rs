//! Runs of beats from the net's activations.

use super::confidence::Support;
use super::net::{Activations, BEAT, DOWNBEAT};
use super::{onsets, path};
use crate::math::sigmoid;

/// The strength of a beat is the mean activation of this many beats on both sides and its own.
const AROUND: usize = 6;
/// Strength that all beats of a run have …
const MIN_STRENGTH: f32 = 0.15;
/// … and some beat, of as many beats, if the pulse has beats in the run …
const CLEAR_STRENGTH: f32 = 0.3;
const MIN_BEATS: usize = 4;
/// … or if it has none: speech and noises are regular for a while.
const CLEAR_STRENGTH_ALONE: f32 = 0.42;
const MIN_BEATS_ALONE: usize = 24;
/// Largest log-odds of a frame, on both sides.
const MAX_LOG_ODDS: f32 = 3.0;
/// Weight of the onset function, per standard deviation: where the net is unsure, beats are at onsets.
const RISE_WEIGHT: f32 = 0.5;
/// Added to the frame of a beat by the pulse, and to those beside it: of two grids that the net rates nearly alike, that of
/// the pulse wins.
const PULSE_WEIGHT: f32 = 0.5;
const PULSE_BESIDE: f32 = 0.3;
/// Added to the frame of an entry after silence, a known beat.
const ENTRY_WEIGHT: f32 = 5.0;

/// A beat of a run.
#[derive(Clone, Copy)]
pub(super) struct NetBeat {
    /// In frames of the net, refined between them.
    pub(super) frame: f64,
    pub(super) support: Support,
    /// Log-odds of a downbeat.
    pub(super) downbeat: f32,
}

/// The evidence for beats in each frame of the net.
pub(super) struct Observations<'a> {
    pub(super) activations: &'a [Activations],
    /// The standardised onset function.
    pub(super) rises: &'a [f32],
    /// The frames of the beats by the pulse, ascending.
    pub(super) pulse_beats: &'a [usize],
    /// The frame of an entry after silence.
    pub(super) entry: Option<usize>,
    pub(super) frames_per_second: f64,
}

impl Observations<'_> {
    /// The value of a beat in each frame, given its log-odds.
    fn values(&self, log_odds: &[f32], can_have_beat: &[bool]) -> Vec<f32> {
        let value = |(frame, (log_odds, rise)): (usize, (&f32, &f32))| {
            // Neither for nor against any tempo where there are no beats.
            if !can_have_beat[frame] {
                return 0.0;
            }
            log_odds.clamp(-MAX_LOG_ODDS, MAX_LOG_ODDS) + RISE_WEIGHT * rise
        };
        let mut values: Vec<f32> = log_odds.iter().zip(self.rises).enumerate().map(value).collect();
        for beat in self.pulse_beats {
            for (frame, weight) in (beat.saturating_sub(1)..).zip([PULSE_BESIDE, PULSE_WEIGHT, PULSE_BESIDE])
            {
                values.get_mut(frame).into_iter().for_each(|value| *value += weight);
            }
        }
        self.entry
            .and_then(|entry| values.get_mut(entry))
            .into_iter()
            .for_each(|value| *value += ENTRY_WEIGHT);
        values
    }

    /// The unbroken runs of beats within the frames that can have one.
    pub(super) fn runs(&self, can_have_beat: &[bool]) -> Vec<Vec<NetBeat>> {
        let Self { activations, frames_per_second, .. } = *self;
        let log_odds: Vec<f32> = activations.iter().map(|frame| frame[BEAT].max(frame[DOWNBEAT])).collect();
        let values = self.values(&log_odds, can_have_beat);
        let beats: Vec<usize> = path::beats(&values, frames_per_second)
            .into_iter()
            .map(|beat| highest_near(&log_odds, beat))
            .collect();
        let likely: Vec<f32> = beats.iter().map(|beat| sigmoid(log_odds[*beat])).collect();
        let strength = |beat: usize| {
            let around = &likely[beat.saturating_sub(AROUND)..(beat + AROUND + 1).min(likely.len())];
            around.iter().sum::<f32>() / around.len() as f32
        };
        let strengths: Vec<f32> = (0..beats.len()).map(strength).collect();
        let is_beat = |beat: &usize| strengths[*beat] >= MIN_STRENGTH && can_have_beat[beats[*beat]];
        let all: Vec<usize> = (0..beats.len()).collect();
        let is_clear = |run: &&[usize]| {
            let (first, last) = (beats[run[0]], beats[run[run.len() - 1]]);
            let next = self.pulse_beats.partition_point(|beat| *beat < first);
            let has_pulse = self.pulse_beats.get(next).is_some_and(|beat| *beat <= last);
            let (clear, least) =
                if has_pulse { (CLEAR_STRENGTH, MIN_BEATS) } else { (CLEAR_STRENGTH_ALONE, MIN_BEATS_ALONE) };
            is_beat(&run[0]) && run.len() >= least && run.iter().any(|beat| strengths[*beat] >= clear)
        };
        let downbeat = |frame: usize| activations[frame][DOWNBEAT];
        let beat_of = |beat: &usize| {
            let frame = beats[*beat];
            let own = log_odds[frame].clamp(-MAX_LOG_ODDS, MAX_LOG_ODDS);
            NetBeat {
                frame: frame as f64 + onsets::peak_offset(&log_odds, frame),
                support: Support::Net { strength: strengths[*beat], own },
                downbeat: downbeat(highest_near_by(frame, activations.len(), downbeat)),
            }
        };
        all.chunk_by(|a, b| is_beat(a) == is_beat(b))
            .filter(is_clear)
            .map(|run| run.iter().map(beat_of).collect())
            .collect()
    }
}

fn highest_near(values: &[f32], frame: usize) -> usize {
    highest_near_by(frame, values.len(), |frame| values[frame])
}

/// The frame with the highest value among `frame` and those next to it, of `count`.
fn highest_near_by(frame: usize, count: usize, value: impl Fn(usize) -> f32) -> usize {
    let around = frame.saturating_sub(1)..(frame + 2).min(count);
    around.fold(frame, |top, other| if value(other) > value(top) { other } else { top })
}
