//! Converts milliseconds to pixel columns.

use std::ops::Range;

use media_time::limits::MAX_INSTANT;

use super::layout::{COLUMNS, LEFT};

/// Steps between the marks of the time axis, in ms. The last one is sufficient for [`MAX_PLOT_MS`].
const STEPS: [i64; 22] = [
    100,
    200,
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    15_000,
    30_000,
    60_000,
    120_000,
    300_000,
    600_000,
    900_000,
    1_800_000,
    3_600_000,
    7_200_000,
    10_800_000,
    21_600_000,
    43_200_000,
    86_400_000,
    172_800_000,
];
/// Minimum distance between two marks, in pixels.
const MARK_DISTANCE: f64 = 76.0;
/// Maximum duration of a plot, in ms: that of registered timelines, which are longer than the decoder's limit.
const MAX_PLOT_MS: i64 = MAX_INSTANT.as_millis_round();

/// The time axis of a plot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    /// Duration in ms, at least 1.
    duration_ms: i64,
}

impl Scale {
    pub(super) fn new(duration_ms: i64) -> Self {
        Self { duration_ms: duration_ms.clamp(1, MAX_PLOT_MS) }
    }

    pub(super) const fn duration_ms(&self) -> i64 {
        self.duration_ms
    }

    /// Pixels from the left edge of the plot, clamped to the row's edges.
    pub(super) fn x(&self, ms: i64) -> f64 {
        LEFT + self.column(ms)
    }

    /// Position in columns, from 0 to [`COLUMNS`].
    pub(super) fn column(&self, ms: i64) -> f64 {
        ms.clamp(0, self.duration_ms) as f64 * COLUMNS as f64 / self.duration_ms as f64
    }

    /// Width of a duration, in pixels.
    pub(super) fn pixels(&self, ms: f64) -> f64 {
        ms * COLUMNS as f64 / self.duration_ms as f64
    }

    /// Duration of a number of columns, in ms.
    pub(super) fn millis(&self, columns: f64) -> f64 {
        columns * self.duration_ms as f64 / COLUMNS as f64
    }

    /// The marks of the axis with their labels, which include hours for an hour or more.
    pub(super) fn marks(&self) -> impl Iterator<Item = (i64, String)> {
        let fits = |&step: &i64| self.pixels(step as f64) >= MARK_DISTANCE;
        let step = STEPS.into_iter().find(fits).unwrap_or(self.duration_ms);
        let (count, is_long) = (self.duration_ms / step, self.duration_ms >= 3_600_000);
        (0..=count).map(move |index| (index * step, clock(index * step, step, is_long)))
    }
}

/// Formats `1:02:03`, `2:03`, or `2:03.5` when marks are less than a second apart.
fn clock(ms: i64, step: i64, with_hours: bool) -> String {
    let (seconds, tenths) = (ms / 1_000, ms % 1_000 / 100);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match (with_hours, step < 1_000) {
        (true, _) => format!("{hours}:{minutes:02}:{seconds:02}"),
        (false, true) => format!("{minutes}:{seconds:02}.{tenths}"),
        (false, false) => format!("{minutes}:{seconds:02}"),
    }
}

/// The covered part of each column, 0 to 1. Adding a span takes constant time for any length.
#[derive(Clone, Debug)]
pub(super) struct Coverage {
    /// Coverage of columns in which spans start or end.
    edges: Vec<f64>,
    /// Number of spans that start to cover whole columns at each column, minus those that stop.
    changes: Vec<i64>,
}

impl Coverage {
    pub(super) fn new() -> Self {
        Self { edges: vec![0.0; COLUMNS], changes: vec![0; COLUMNS + 1] }
    }

    /// Adds a span, in columns from 0 to [`COLUMNS`].
    pub(super) fn add(&mut self, span: Range<f64>) {
        if span.start >= span.end {
            return;
        }
        let (first, last) = (span.start.floor() as usize, (span.end.ceil() as usize - 1).min(COLUMNS - 1));
        if first >= last {
            self.edges[last] += span.end - span.start;
            return;
        }
        self.edges[first] += (first + 1) as f64 - span.start;
        self.edges[last] += span.end - last as f64;
        self.changes[first + 1] += 1;
        self.changes[last] -= 1;
    }

    pub(super) fn columns(&self) -> impl Iterator<Item = f64> {
        let mut whole = 0;
        self.edges.iter().zip(&self.changes).map(move |(edge, change)| {
            whole += change;
            (edge + whole as f64).clamp(0.0, 1.0)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(duration_ms: i64) -> Vec<String> {
        Scale::new(duration_ms).marks().map(|(_, label)| label).collect()
    }

    #[test]
    fn axis_marks_depend_on_the_duration() {
        assert_eq!(labels(1_000)[..3], ["0:00.0", "0:00.1", "0:00.2"]);
        assert_eq!(labels(30_000)[..3], ["0:00", "0:02", "0:04"]);
        assert_eq!(labels(660_000)[..3], ["0:00", "1:00", "2:00"]);
        assert_eq!(labels(10_800_000)[..2], ["0:00:00", "0:15:00"]);
        for duration_ms in [0, 1, 99, 101, 86_400_000, 172_800_000, i64::MAX] {
            assert!((1..=20).contains(&labels(duration_ms).len()), "{duration_ms}");
        }
        // The longest timeline that can be registered, with a mark every two days.
        let thirty_days = labels(MAX_INSTANT.as_millis_round());
        assert_eq!((thirty_days.len(), thirty_days.last().map(String::as_str)), (16, Some("720:00:00")));
    }

    #[test]
    fn coverage_is_exact() {
        let mut coverage = Coverage::new();
        for span in
            [0.25..0.5, 1.5..4.25, 4.25..4.5, 7.0..8.0, 9.0..9.0, (COLUMNS - 1) as f64..COLUMNS as f64]
        {
            coverage.add(span);
        }
        let columns: Vec<f64> = coverage.columns().collect();
        assert_eq!(columns[..9], [0.25, 0.5, 1.0, 1.0, 0.5, 0.0, 0.0, 1.0, 0.0]);
        assert_eq!(columns[COLUMNS - 2..], [0.0, 1.0]);
    }
}
