//! Bars from the net's activations: the metre and its phase with the highest sum over the recording.

use super::bar_margins::Bars;
use super::bars::{self, FEATURES};

/// Metres and their prior costs.
const METRES: [(usize, f32); 5] = [(4, 0.0), (3, 2.0), (6, 4.0), (5, 5.0), (7, 6.0)];
/// Longest bar in beats.
const MAX_BEATS: usize = 7;
/// Cost of a truncated or extended bar.
const CHANGE_COST: f32 = 4.0;
/// Added to the log-odds of each downbeat, as there is one in several beats.
const BIAS: f32 = 0.8;
/// Prior in favour of a downbeat on the first beat after silence.
const ENTRY_BONUS: f32 = 1.0;
const MAX_LOG_ODDS: f32 = 4.0;

/// Weight of the net's sums where the features of the beats decide too: neighbouring bars repeat each other.
const NET_WEIGHT: f32 = 0.1;

/// The bars of one unbroken run of beats, from their log-odds of being a downbeat and their features. `after_silence`: whether its first beat follows silence.
pub(super) fn bars(log_odds: &[f32], beat_features: &[[f32; FEATURES]], after_silence: bool) -> Bars {
    let (beats, odd) = net_positions(log_odds, after_silence);
    let scores: Vec<f32> = log_odds.iter().map(|value| NET_WEIGHT * downbeat_score(*value)).collect();
    if matches!(beats, 3 | 4) {
        bars::bars(beat_features, Some(&scores), after_silence)
    } else {
        Bars::new(odd, beats, |index, position| if position == 0 { scores[index] } else { 0.0 })
    }
}

/// The score of a beat as a downbeat, from its log-odds of being one.
fn downbeat_score(log_odds: f32) -> f32 {
    log_odds.clamp(-MAX_LOG_ODDS, MAX_LOG_ODDS) + BIAS
}

/// The metre by the net alone, and the positions.
fn net_positions(log_odds: &[f32], after_silence: bool) -> (usize, Vec<usize>) {
    let paths = METRES.iter().map(|(beats, cost)| {
        let (score, positions) = path(log_odds, *beats, after_silence);
        (score - cost, *beats, positions)
    });
    let best = |a: (f32, usize, Vec<usize>), b: (f32, usize, Vec<usize>)| if b.0 > a.0 { b } else { a };
    paths.reduce(best).map(|(_, beats, positions)| (beats, positions)).unwrap_or_default()
}

/// The score of the best positions in bars of this many beats, and these positions (Viterbi).
fn path(log_odds: &[f32], beats: usize, after_silence: bool) -> (f32, Vec<usize>) {
    let mut best = [0.0f32; MAX_BEATS];
    if after_silence {
        // The position before that of the first beat.
        best[beats - 1] = ENTRY_BONUS;
    }
    let mut origins: Vec<[u8; MAX_BEATS]> = Vec::with_capacity(log_odds.len());
    for value in log_odds {
        let previous = best;
        let top = highest(&previous[..beats]);
        let mut from = [0; MAX_BEATS];
        for (position, (best, from)) in best[..beats].iter_mut().zip(&mut from).enumerate() {
            let follows = (position + beats - 1) % beats;
            let is_regular = previous[follows] >= previous[top] - CHANGE_COST;
            let origin = if is_regular { follows } else { top };
            *best = previous[origin] - if is_regular { 0.0 } else { CHANGE_COST };
            *from = origin as u8;
        }
        best[0] += downbeat_score(*value);
        origins.push(from);
    }
    let mut position = highest(&best[..beats]);
    let score = best[position];
    let mut positions = Vec::with_capacity(log_odds.len());
    for origins in origins.iter().rev() {
        positions.push(position);
        position = usize::from(origins[position]);
    }
    positions.reverse();
    (score, positions)
}

/// The index of the largest value, the first of equals.
fn highest(values: &[f32]) -> usize {
    (1..values.len()).fold(0, |top, other| if values[other] > values[top] { other } else { top })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Log-odds of bars of `beats`, from the beat `first` on.
    fn bars(beats: usize, first: usize, count: usize) -> Vec<f32> {
        (first..first + count).map(|beat| if beat.is_multiple_of(beats) { 1.0 } else { -2.0 }).collect()
    }

    #[test]
    fn every_metre_is_found_from_every_beat() {
        for (beats, _) in METRES {
            for first in 0..beats {
                let expected: Vec<usize> = (first..first + 44).map(|beat| beat % beats).collect();
                assert_eq!(net_positions(&bars(beats, first, 44), false).1, expected);
            }
        }
    }

    #[test]
    fn a_missed_downbeat_does_not_change_the_bars() {
        let mut values = bars(4, 0, 40);
        (values[8], values[9]) = (-2.0, 0.5);
        assert_eq!(net_positions(&values, false).1[38], 2);
    }

    #[test]
    fn bars_may_be_truncated_where_the_music_restarts() {
        let values = [bars(4, 0, 42), bars(4, 0, 40)].concat();
        let found = net_positions(&values, false).1;
        assert_eq!((found[0], found[42], found[81]), (0, 0, 3));
    }

    #[test]
    fn first_beat_after_silence_is_a_downbeat() {
        assert_eq!(net_positions(&[-2.0; 8], true).1, [0, 1, 2, 3, 0, 1, 2, 3]);
    }
}
