//! Beats along a tempo path: dynamic programming (Ellis, "Beat tracking by dynamic programming", JNMR 2007)
//! with a period that may change over time.

use super::pulse::Pulse;
use super::tempo::{TempoPath, Tempogram};

/// Cost of an interval that deviates from the tempo path, per squared logarithm of their ratio.
const DEVIATION_COST: f64 = 300.0;
/// Maximum relative deviation of a considered interval from the path's period.
const MAX_DEVIATION: f64 = 0.15;
/// Minimum strength, relative to the path's beats, at which beats of 3/2 the tempo replace them: every second beat of
/// the path is then between two true beats.
const MIN_RELATIVE_STRENGTH: f32 = 0.92;
const ALTERNATIVE_RATIO: f64 = 1.5;

/// The beats along `path`, after sections of it are replaced where another grid explains the pulse better.
pub(super) fn track_with_alternatives(
    pulse: &Pulse,
    tempogram: &Tempogram,
    path: &mut TempoPath,
) -> Vec<usize> {
    let beats = track(pulse, path);
    let faster_path = tempogram.scaled(path, ALTERNATIVE_RATIO);
    let faster = track(pulse, &faster_path);
    let mean =
        |beats: &[usize]| beats.iter().map(|beat| pulse.values[*beat]).sum::<f32>() / beats.len() as f32;
    let mut is_replaced = false;
    let steady: Vec<&[usize]> = beats.chunk_by(|a, b| path.is_steady(*a, *b)).collect();
    let ends: Vec<(usize, usize, f32)> =
        steady.iter().filter_map(|run| Some((*run.first()?, *run.last()?, mean(run)))).collect();
    for (first, last, strength) in ends {
        let from = faster.partition_point(|beat| *beat < first);
        let rivals = &faster[from..faster.partition_point(|beat| *beat <= last)];
        if !rivals.is_empty() && mean(rivals) >= MIN_RELATIVE_STRENGTH * strength {
            path.replace(&faster_path, first, last);
            is_replaced = true;
        }
    }
    if is_replaced { track(pulse, path) } else { beats }
}

/// The frames of the beats with the highest total pulse less the cost of deviations from `path`.
fn track(pulse: &Pulse, path: &TempoPath) -> Vec<usize> {
    let mut scores: Vec<f64> = Vec::with_capacity(pulse.values.len());
    // The interval to the previous beat; 0 for a first beat.
    let mut intervals: Vec<u16> = Vec::with_capacity(pulse.values.len());
    let mut choices = Intervals::around(1);
    for (frame, value) in pulse.values.iter().enumerate() {
        if choices.period != path.period(frame) {
            choices = Intervals::around(path.period(frame));
        }
        let (score, interval) = choices.best(&scores);
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

/// The considered intervals at one period.
struct Intervals {
    period: usize,
    shortest: usize,
    /// Cost of each interval, from `shortest` on.
    costs: Vec<f64>,
}

impl Intervals {
    fn around(period: usize) -> Self {
        let frames = period as f64;
        let shortest = ((frames * (1.0 - MAX_DEVIATION)).floor() as usize).max(1);
        let longest = (frames * (1.0 + MAX_DEVIATION)).ceil() as usize;
        let cost = |interval: usize| {
            let log = (interval as f64 / frames).ln();
            DEVIATION_COST * log * log
        };
        Self { period, shortest, costs: (shortest..=longest).map(cost).collect() }
    }

    /// The best score of a previous beat for a beat in the frame after `scores`, and the interval to it; both 0 if a
    /// new run scores higher.
    fn best(&self, scores: &[f64]) -> (f64, usize) {
        let mut best = (0.0, 0);
        for (interval, cost) in (self.shortest..=scores.len()).zip(&self.costs) {
            let score = scores[scores.len() - interval] - cost;
            if score > best.0 {
                best = (score, interval);
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Half a minute with a beat on every 36th frame, every second one stronger.
    fn pulse() -> Pulse {
        let value = |frame: usize| match frame % 72 {
            0 => 5.0,
            36 => 4.0,
            _ => -0.15,
        };
        Pulse { values: (0..3_000).map(value).collect(), frames_per_second: 100.0 }
    }

    fn tracked(ratio: f64) -> Vec<usize> {
        let pulse = pulse();
        let tempogram = Tempogram::new(&pulse);
        let found = tempogram.path();
        let period = found.period(0) as f64;
        track_with_alternatives(&pulse, &tempogram, &mut tempogram.scaled(&found, ratio * period / 36.0))
    }

    #[test]
    fn path_at_two_thirds_of_the_tempo_is_replaced() {
        assert!(tracked(2.0 / 3.0).windows(2).all(|pair| pair[1] - pair[0] == 36));
    }

    #[test]
    fn a_path_that_explains_the_pulse_is_kept() {
        assert!(tracked(1.0).windows(2).all(|pair| pair[1] - pair[0] == 36));
        assert!(tracked(0.5).windows(2).all(|pair| pair[1] - pair[0] == 72), "half the tempo is no mistake");
    }
}
