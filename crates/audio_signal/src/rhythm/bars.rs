//! Bars: the position of each beat in a bar of four or three, from features of the beats (Viterbi over positions).

use super::bar_margins::Bars;

/// Number of beats for which [`WEIGHTS`] were fitted, a recording of half a minute. The evidence of a beat is divided
/// by it, because neighbouring bars repeat each other.
const BEATS_FITTED: f32 = 60.0;
/// Cost of a truncated or extended bar.
const CHANGE_COST: f32 = 4.0;
/// Prior in favour of a downbeat on the first beat after silence.
const ENTRY_BONUS: f32 = 5.0;
/// Maximum number of beats in a bar.
const MAX_BEATS: usize = 4;

/// Number of features of a beat: strength of kick and bass, and spectral change over half a beat, one beat and two
/// beats.
pub(super) const FEATURES: usize = 4;

/// Weights of the features, per standard deviation, for each [`BeatRole`] (fitted by `tools/rhythm/fit.py`): chords change
/// and the bass starts on the downbeat, the snare is on 2 and 4.
const WEIGHTS: [[f32; FEATURES]; 4] =
    [[5.0, 0.0, 1.5, 4.5], [0.0, 2.0, -2.0, -0.5], [1.0, -1.0, 0.5, -3.5], [-6.0, -1.0, -0.5, -0.5]];

/// A class of beats, as a row of [`WEIGHTS`].
#[derive(Clone, Copy)]
enum BeatRole {
    Downbeat,
    /// Second and fourth beat of four.
    Backbeat,
    /// Third beat of four.
    Middle,
    /// Second and third beat of three.
    Weak,
}

/// A metre: the classes of the beats in a bar.
struct Metre {
    roles: &'static [BeatRole],
    /// Prior cost of the metre relative to the others (fitted in the same way).
    cost: f32,
}

const METRES: [Metre; 2] = [
    Metre {
        roles: &[BeatRole::Downbeat, BeatRole::Backbeat, BeatRole::Middle, BeatRole::Backbeat],
        cost: 0.0,
    },
    Metre { roles: &[BeatRole::Downbeat, BeatRole::Weak, BeatRole::Weak], cost: 1.5 },
];

/// The bars of one unbroken run of beats, from the beats' features in any unit and, if there are any, their scores as
/// downbeats. `after_silence`: whether its first beat follows silence.
pub(super) fn bars(
    beat_features: &[[f32; FEATURES]],
    downbeat_scores: Option<&[f32]>,
    after_silence: bool,
) -> Bars {
    let beats = standardised(beat_features);
    let none = vec![0.0; beats.len()];
    let scores = downbeat_scores.unwrap_or(&none);
    // A start after silence is evidence for the start of bars, not for their length.
    let score = |metre: &Metre| metre.path(&beats, scores, false).0 - metre.cost;
    let [four, three] = &METRES;
    let metre = if score(three) > score(four) { three } else { four };
    let positions = metre.path(&beats, scores, after_silence).1;
    let first_bonus = if after_silence { ENTRY_BONUS } else { 0.0 };
    Bars::new(positions, metre.roles.len(), |index, position| {
        let downbeat = if index == 0 { scores[index] + first_bonus } else { scores[index] };
        metre.roles[position].score(&beats[index]) + if position == 0 { downbeat } else { 0.0 }
    })
}

/// Subtracts the mean of each feature and divides by its standard deviation.
fn standardised(beat_features: &[[f32; FEATURES]]) -> Vec<[f32; FEATURES]> {
    let count = beat_features.len().max(1) as f32;
    let means: [f32; FEATURES] =
        std::array::from_fn(|feature| beat_features.iter().map(|beat| beat[feature]).sum::<f32>() / count);
    let deviations: [f32; FEATURES] = std::array::from_fn(|feature| {
        let squares = beat_features.iter().map(|beat| (beat[feature] - means[feature]).powi(2));
        (squares.sum::<f32>() / count).sqrt() + 1e-6
    });
    let scaled = |beat: &[f32; FEATURES]| {
        std::array::from_fn(|feature| (beat[feature] - means[feature]) / deviations[feature])
    };
    beat_features.iter().map(scaled).collect()
}

impl Metre {
    /// The score of the best positions in bars of this metre, and these positions.
    fn path(
        &self,
        beat_features: &[[f32; FEATURES]],
        downbeat_scores: &[f32],
        after_silence: bool,
    ) -> (f32, Vec<usize>) {
        let count = self.roles.len();
        let mut best = [0.0; MAX_BEATS];
        if after_silence {
            // The position before that of the first beat.
            best[count - 1] = ENTRY_BONUS;
        }
        let mut origins: Vec<[u8; MAX_BEATS]> = Vec::with_capacity(beat_features.len());
        for (beat, downbeat_score) in beat_features.iter().zip(downbeat_scores) {
            let previous = best;
            let mut from = [0; MAX_BEATS];
            for (position, role) in self.roles.iter().enumerate() {
                let (score, origin) = best_origin(&previous[..count], position);
                best[position] = score + role.score(beat);
                from[position] = origin;
            }
            best[0] += downbeat_score;
            origins.push(from);
        }
        let mut position = (0..count).fold(0, |top, other| if best[other] > best[top] { other } else { top });
        let score = best[position];
        let mut positions = Vec::with_capacity(beat_features.len());
        for origins in origins.iter().rev() {
            positions.push(position);
            position = usize::from(origins[position]);
        }
        positions.reverse();
        (score, positions)
    }
}

impl BeatRole {
    /// Score of the features `beat` in this class.
    fn score(self, beat: &[f32; FEATURES]) -> f32 {
        let weights = &WEIGHTS[self as usize];
        weights.iter().zip(beat).map(|(weight, value)| weight * value).sum::<f32>() / BEATS_FITTED
    }
}

fn best_origin(scores: &[f32], position: usize) -> (f32, u8) {
    let mut best = (f32::NEG_INFINITY, 0);
    for (origin, score) in scores.iter().enumerate() {
        let follows = (origin + 1) % scores.len() == position;
        let score = if follows { *score } else { *score - CHANGE_COST };
        if score > best.0 {
            best = (score, origin as u8);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A new chord with a bass note.
    const ONE: [f32; FEATURES] = [3.0, 0.5, 0.8, 0.8];
    const SNARE: [f32; FEATURES] = [0.0, 0.5, 0.1, 0.2];
    const KICK: [f32; FEATURES] = [2.5, 0.3, 0.2, 0.1];
    const CHORD: [f32; FEATURES] = [0.0, 0.2, 0.1, 0.2];

    fn assert_counted(beat_features: &[[f32; FEATURES]], after_silence: bool, first: usize, beats: usize) {
        let counted: Vec<usize> = (first..).take(beat_features.len()).map(|beat| beat % beats).collect();
        assert_eq!(bars(beat_features, None, after_silence).positions, counted);
    }

    #[test]
    fn chords_change_on_the_downbeat() {
        let beats = [ONE, SNARE, KICK, SNARE].repeat(8);
        (0..4).for_each(|first| assert_counted(&beats[first..], false, first, 4));
    }

    #[test]
    fn a_waltz_has_bars_of_three() {
        let beats = [ONE, CHORD, CHORD].repeat(10);
        (0..3).for_each(|first| assert_counted(&beats[first..], false, first, 3));
    }

    #[test]
    fn scores_of_downbeats_decide_between_equal_beats() {
        for first in 0..4 {
            let scores: Vec<f32> =
                (first..first + 24).map(|beat| if beat % 4 == 0 { 0.3 } else { -0.3 }).collect();
            let expected: Vec<usize> = (first..first + 24).map(|beat| beat % 4).collect();
            assert_eq!(bars(&[SNARE; 24], Some(&scores), false).positions, expected);
        }
    }

    #[test]
    fn first_beat_after_silence_is_a_downbeat() {
        assert_counted(&[KICK, SNARE].repeat(8), true, 0, 4);
    }

    #[test]
    fn bars_may_be_truncated_where_the_music_restarts() {
        let beats = [ONE, SNARE, KICK, SNARE].repeat(30);
        let positions = bars(&[&beats[..78], &beats].concat(), None, true).positions;
        assert_eq!((positions[0], positions[78], positions[197]), (0, 0, 3), "downbeats of both halves");
    }

    #[test]
    fn equal_beats_form_bars_of_four() {
        assert_counted(&[SNARE; 24], true, 0, 4);
    }
}
