use std::ops::Range;

use super::levels::CELLS_PER_SECOND;
use super::sliding;
use crate::Thresholds;

/// Quantile of the levels that estimates the loud parts of a recording.
const LOUD: f64 = 0.95;
/// Quantile of the levels that estimates the noise floor.
const QUIET: f64 = 0.05;
/// Minimum difference between loud parts and noise floor in dB: steady rain is not silence.
const DYNAMICS_DB: f32 = 25.0;
/// Maximum level of a noise floor that counts as silence, in dBFS.
const LOUDEST_FLOOR_DBFS: f32 = -40.0;
/// Loud parts this far above the absolute gate are a recording made softly, and not the noise of an empty one: its gate is
/// as far below them as in any other.
const SOFT_DB: f32 = 20.0;
/// Maximum duration (cells) and level above the gate (dB) of clicks that do not end a silence.
const CLICK_CELLS: usize = 3;
const CLICK_DB: f32 = 12.0;
/// Sounds between silences that are shorter than this (104 ms) and no louder above the gate than a click are the ends of
/// what is around them, and no events.
const EVENT_CELLS: usize = 13;

/// The level (dBFS) below which a recording with these cells is silent.
pub(crate) fn gate(cells: &[f32], thresholds: &Thresholds) -> f32 {
    let absolute = thresholds.silence_dbfs as f32;
    let (Some(loud), Some(floor)) = (sliding::percentile(cells, LOUD), sliding::percentile(cells, QUIET))
    else {
        return absolute;
    };
    let below_loud = (loud - thresholds.silence_below_loud_db as f32).min(LOUDEST_FLOOR_DBFS);
    let above_floor = floor + thresholds.silence_above_floor_db as f32;
    let has_floor = loud - floor >= DYNAMICS_DB && floor <= LOUDEST_FLOOR_DBFS;
    let gate = if loud >= absolute + SOFT_DB { below_loud } else { absolute.max(below_loud) };
    if has_floor { gate.max(above_floor) } else { gate }
}

/// The runs of at least `shortest` cells below `gate`.
pub(crate) fn quiet_runs(cells: &[f32], gate: f32, shortest: usize) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    while start < cells.len() {
        if cells[start] >= gate {
            start += 1;
            continue;
        }
        let end =
            cells[start..].iter().position(|&level| level >= gate).map_or(cells.len(), |run| start + run);
        match runs.last_mut() {
            Some(last) if is_click(&cells[last.end..start], gate) => last.end = end,
            _ => runs.push(start..end),
        }
        start = end;
    }
    runs.retain(|run| run.len() >= shortest.max(1));
    without_fragments(&runs, cells, gate)
}

/// `runs` with the fragments between them, and between them and the ends of the recording. The last cell is incomplete
/// and never an event of its own.
fn without_fragments(runs: &[Range<usize>], cells: &[f32], gate: f32) -> Vec<Range<usize>> {
    let is_fragment = |range: Range<usize>| {
        range.len() < EVENT_CELLS && cells[range].iter().all(|&level| level < gate + CLICK_DB)
    };
    let mut joined: Vec<Range<usize>> = Vec::with_capacity(runs.len());
    for run in runs {
        match joined.last_mut() {
            Some(last) if is_fragment(last.end..run.start) => last.end = run.end,
            None if is_fragment(0..run.start) => joined.push(0..run.end),
            _ => joined.push(run.clone()),
        }
    }
    if let Some(last) = joined.last_mut()
        && (last.end + 1 >= cells.len() || is_fragment(last.end..cells.len()))
    {
        last.end = cells.len();
    }
    joined
}

fn is_click(cells: &[f32], gate: f32) -> bool {
    cells.len() <= CLICK_CELLS && cells.iter().all(|&level| level < gate + CLICK_DB)
}

/// The number of cells that last at least `micros` microseconds.
pub(crate) fn cells_of(micros: i64) -> usize {
    let cells = i128::from(micros.max(0)) * i128::from(CELLS_PER_SECOND);
    usize::try_from((cells + 999_999) / 1_000_000).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recording(parts: &[(f32, usize)]) -> Vec<f32> {
        parts.iter().flat_map(|&(level, cells)| std::iter::repeat_n(level, cells)).collect()
    }

    #[test]
    fn pauses_over_a_noise_floor_are_silent_and_steady_noise_is_not() {
        let spoken = recording(&[(-20.0, 500), (-50.0, 125), (-20.0, 500), (-50.0, 125)]);
        assert!(gate(&spoken, &Thresholds::DEFAULT) > -50.0);
        let rain = recording(&[(-45.0, 1_000)]);
        assert!(gate(&rain, &Thresholds::DEFAULT) < -45.0);
        let nothing = recording(&[(-90.0, 1_000)]);
        assert!(gate(&nothing, &Thresholds::DEFAULT) > -90.0);
        let soft = recording(&[(-50.0, 500), (-74.0, 500), (-100.0, 200)]);
        assert!((-94.0..-74.0).contains(&gate(&soft, &Thresholds::DEFAULT)));
    }

    #[test]
    fn short_runs_are_not_silence_and_clicks_do_not_end_a_run() {
        let cells = recording(&[(-20.0, 10), (-80.0, 5), (-20.0, 10), (-80.0, 20), (-65.0, 2), (-80.0, 20)]);
        assert_eq!(quiet_runs(&cells, -70.0, 6), vec![25..67_usize]);
        assert_eq!(quiet_runs(&cells, -70.0, 5), [10..15, 25..67]);
    }

    #[test]
    fn short_faint_sounds_between_silences_are_no_events() {
        let faint = recording(&[(-80.0, 50), (-65.0, 12), (-80.0, 50), (-65.0, 12)]);
        assert_eq!(quiet_runs(&faint, -70.0, 40), vec![0..124_usize]);
        let loud = recording(&[(-65.0, 12), (-80.0, 50), (-30.0, 12), (-80.0, 50), (-65.0, 13)]);
        assert_eq!(quiet_runs(&loud, -70.0, 40), [0..62, 74..124]);
        let last = recording(&[(-30.0, 50), (-80.0, 50), (-30.0, 1)]);
        assert_eq!(quiet_runs(&last, -70.0, 40), vec![50..101_usize]);
    }

    #[test]
    fn cells_are_rounded_up() {
        assert_eq!([cells_of(0), cells_of(1), cells_of(8_000), cells_of(8_001)], [0, 1, 1, 2]);
    }
}
