//! Beats along a tempo path: dynamic programming (Ellis, "Beat tracking by dynamic programming", JNMR 2007)
//! with a period that may change over time.

use super::pulse::Pulse;
use super::tempo::TempoPath;

/// Cost of an interval that deviates from the tempo path: times the squared logarithm of their ratio.
const DEVIATION_COST: f64 = 300.0;
/// Intervals considered: the path's period times at most 1 ± this.
const MAX_DEVIATION: f64 = 0.15;

/// The frames of the beats that together have the highest pulse at the smallest deviation from `path`.
pub(super) fn track(pulse: &Pulse, path: &TempoPath) -> Vec<usize> {
    let mut scores: Vec<f64> = Vec::with_capacity(pulse.values.len());
    // The interval to the previous beat, 0 for a first beat.
    let mut intervals: Vec<u16> = Vec::with_capacity(pulse.values.len());
    for (frame, value) in pulse.values.iter().enumerate() {
        let (score, interval) = best_interval(&scores, path.period(frame));
        scores.push(f64::from(*value) + score);
        intervals.push(u16::try_from(interval).unwrap_or(0));
    }
    let Some(last) = scores.len().checked_sub(1) else { return Vec::new() };
    let final_beats = last.saturating_sub(path.period(last))..=last;
    let Some(mut beat) = final_beats.max_by(|a, b| scores[*a].total_cmp(&scores[*b])) else {
        return Vec::new();
    };
    let mut beats = vec![beat];
    while intervals[beat] > 0 {
        beat -= usize::from(intervals[beat]);
        beats.push(beat);
    }
    beats.reverse();
    beats
}

/// The best score of a previous beat for one in the frame after `scores`, and the interval to it; both 0 when
/// it is better to begin anew.
fn best_interval(scores: &[f64], period: usize) -> (f64, usize) {
    let period = period as f64;
    let shortest = ((period * (1.0 - MAX_DEVIATION)).floor() as usize).max(1);
    let longest = ((period * (1.0 + MAX_DEVIATION)).ceil() as usize).min(scores.len());
    let mut best = (0.0, 0);
    for interval in shortest..=longest {
        let log = (interval as f64 / period).ln();
        let score = scores[scores.len() - interval] - DEVIATION_COST * log * log;
        if score > best.0 {
            best = (score, interval);
        }
    }
    best
}
