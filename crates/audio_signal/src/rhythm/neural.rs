//! Runs of beats from the net's activations.

use super::net::{Activations, BEAT, DOWNBEAT};
use super::{metre, onsets, path};
use crate::math::sigmoid;

/// The strength of a beat is the mean activation of this many beats on both sides and its own.
const AROUND: usize = 6;
/// Strength that all beats of a run have …
const MIN_STRENGTH: f32 = 0.12;
/// … and some beat.
const CLEAR_STRENGTH: f32 = 0.3;
/// Minimum number of beats in a run; fewer are attributed to chance.
const MIN_BEATS: usize = 4;
/// Log-odds where there can be no beat.
const IMPOSSIBLE: f32 = -20.0;

/// A beat of a run.
#[derive(Clone, Copy)]
pub(super) struct NetBeat {
    /// In frames of the net, refined between them.
    pub(super) frame: f64,
    /// Position in its bar, 0 is the downbeat.
    pub(super) position: usize,
    pub(super) strength: f32,
}

/// The activation of a beat, which may be a downbeat, in each frame.
pub(super) fn beat_activations(activations: &[Activations]) -> Vec<f32> {
    activations.iter().map(|frame| sigmoid(frame[BEAT].max(frame[DOWNBEAT]))).collect()
}

/// The unbroken runs of beats within frames for which `can_have_beat` holds.
pub(super) fn runs(
    activations: &[Activations],
    frames_per_second: f64,
    can_have_beat: impl Fn(usize) -> bool,
    after_silence: impl Fn(f64) -> bool,
) -> Vec<Vec<NetBeat>> {
    let possible = |(frame, values): (usize, &Activations)| {
        if can_have_beat(frame) { values[BEAT].max(values[DOWNBEAT]) } else { IMPOSSIBLE }
    };
    let log_odds: Vec<f32> = activations.iter().enumerate().map(possible).collect();
    let beats: Vec<usize> = path::beats(&log_odds, frames_per_second)
        .into_iter()
        .map(|beat| highest_near(&log_odds, beat))
        .collect();
    let likely: Vec<f32> = beats.iter().map(|beat| sigmoid(log_odds[*beat])).collect();
    let strength = |beat: usize| {
        let around = &likely[beat.saturating_sub(AROUND)..(beat + AROUND + 1).min(likely.len())];
        around.iter().sum::<f32>() / around.len() as f32
    };
    let strengths: Vec<f32> = (0..beats.len()).map(strength).collect();
    let is_beat = |beat: &usize| strengths[*beat] >= MIN_STRENGTH && can_have_beat(beats[*beat]);
    let all: Vec<usize> = (0..beats.len()).collect();
    let is_clear = |run: &&[usize]| {
        run.len() >= MIN_BEATS
            && is_beat(&run[0])
            && run.iter().any(|beat| strengths[*beat] >= CLEAR_STRENGTH)
    };
    all.chunk_by(|a, b| is_beat(a) == is_beat(b))
        .filter(is_clear)
        .map(|run| {
            let downbeat = |beat: &usize| {
                activations
                    [highest_near_by(beats[*beat], activations.len(), |frame| activations[frame][DOWNBEAT])]
                    [DOWNBEAT]
            };
            let downbeats: Vec<f32> = run.iter().map(downbeat).collect();
            let frame = |beat: usize| beats[beat] as f64 + onsets::peak_offset(&log_odds, beats[beat]);
            let positions = metre::positions(&downbeats, after_silence(frame(run[0])));
            let beat = |(beat, position): (&usize, usize)| NetBeat {
                frame: frame(*beat),
                position,
                strength: strengths[*beat],
            };
            run.iter().zip(positions).map(beat).collect()
        })
        .collect()
}

fn highest_near(values: &[f32], frame: usize) -> usize {
    highest_near_by(frame, values.len(), |frame| values[frame])
}

/// The frame with the highest value among `frame` and those next to it, of `count`.
fn highest_near_by(frame: usize, count: usize, value: impl Fn(usize) -> f32) -> usize {
    let around = frame.saturating_sub(1)..(frame + 2).min(count);
    around.fold(frame, |top, other| if value(other) > value(top) { other } else { top })
}
