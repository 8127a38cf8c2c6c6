//! The typical period of beats: slopes of lines through their times, not intervals between single beats, whose error is
//! that of two times.

/// A line fits a section if the median deviation of its beats is at most this many periods; else both halves of the
/// section have a line of their own.
const MAX_DEVIATION: f64 = 0.04;
/// Minimum number of beats of a section.
const MIN_BEATS: usize = 8;
/// Beats that deviate more than this many times the median deviation do not count …
const OUTLIER: f64 = 4.0;
/// … if they deviate by more than this many periods.
const MIN_OUTLIER: f64 = 0.005;
/// Number of times that outliers are left out and the line is fitted again.
const ROUNDS: usize = 4;

/// A section of beats whose tempo does not change much.
#[derive(Clone, Copy, Debug)]
struct Section {
    period: f64,
    beats: usize,
}

/// The median period of the beats of `runs`, in the unit of their times; `None` if no run has two beats.
pub(super) fn typical(runs: &[Vec<f64>]) -> Option<f64> {
    let mut sections = Vec::new();
    runs.iter().filter(|run| run.len() > 1).for_each(|run| fit(run, &mut sections));
    sections.sort_by(|a, b| a.period.total_cmp(&b.period));
    let total: usize = sections.iter().map(|section| section.beats).sum();
    let mut passed = 0;
    let median = sections.iter().find(|section| {
        passed += section.beats;
        2 * passed >= total
    });
    median.map(|section| section.period)
}

/// Appends the sections of consecutive beats at these `times`.
fn fit(times: &[f64], sections: &mut Vec<Section>) {
    let line = Line::through(times);
    if times.len() >= 2 * MIN_BEATS && line.deviation(times) > MAX_DEVIATION * line.period {
        let (first, second) = times.split_at(times.len() / 2);
        fit(first, sections);
        fit(second, sections);
    } else {
        sections.push(Section { period: line.period, beats: times.len() });
    }
}

/// `start + period × beat`.
#[derive(Clone, Copy)]
struct Line {
    start: f64,
    period: f64,
}

impl Line {
    /// The line through beats at `times`, of which there are two or more, without outliers.
    fn through(times: &[f64]) -> Self {
        let mut line = Self::least_squares(times.iter().copied().enumerate());
        for _ in 0..ROUNDS {
            let limit = (OUTLIER * line.deviation(times)).max(MIN_OUTLIER * line.period);
            let near = times.iter().copied().enumerate().filter(|beat| line.error(*beat).abs() <= limit);
            line = Self::least_squares(near);
        }
        line
    }

    /// The line with the least squared errors at the beats, given as index and time.
    fn least_squares(beats: impl Iterator<Item = (usize, f64)> + Clone) -> Self {
        let count = beats.clone().count().max(1) as f64;
        let mean = |value: fn((usize, f64)) -> f64| beats.clone().map(value).sum::<f64>() / count;
        let (index, time) = (mean(|(index, _)| index as f64), mean(|(_, time)| time));
        let (mut product, mut square) = (0.0, 0.0);
        for (beat, at) in beats {
            let from_mean = beat as f64 - index;
            product += from_mean * (at - time);
            square += from_mean * from_mean;
        }
        let period = if square > 0.0 { product / square } else { 0.0 };
        Self { start: time - period * index, period }
    }

    fn error(&self, (index, time): (usize, f64)) -> f64 {
        time - self.start - self.period * index as f64
    }

    /// The median absolute error of beats at `times`.
    fn deviation(&self, times: &[f64]) -> f64 {
        let mut errors: Vec<f64> =
            times.iter().copied().enumerate().map(|beat| self.error(beat).abs()).collect();
        errors.sort_by(f64::total_cmp);
        errors[errors.len() / 2]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Errors of up to 12 ms, in a fixed order.
    fn error(beat: usize) -> f64 {
        ((beat * 37 % 25) as f64 - 12.0) / 1_000.0
    }

    #[test]
    fn constant_tempo_is_exact_in_spite_of_errors_of_single_beats() {
        for bpm in [60.0, 97.3, 120.0, 133.37, 200.0] {
            let times: Vec<f64> = (0..40).map(|beat| 0.7 + beat as f64 * 60.0 / bpm + error(beat)).collect();
            let found = 60.0 / typical(&[times]).expect("a period");
            assert!((found / bpm - 1.0).abs() < 1e-3, "{found} for {bpm}");
        }
    }

    #[test]
    fn outliers_do_not_bend_the_line() {
        let mut times: Vec<f64> = (0..24).map(|beat| beat as f64 * 0.5).collect();
        (times[0], times[23]) = (-0.12, 11.6);
        let found = typical(&[times]).expect("a period");
        assert!((found - 0.5).abs() < 1e-6, "{found}");
    }

    #[test]
    fn most_of_the_beats_decide_where_the_tempo_changes() {
        let slow = (0..20).map(|beat| beat as f64 * 0.6);
        let fast = (0..44).map(|beat| 20.0 * 0.6 + beat as f64 * 0.5);
        let found = typical(&[slow.chain(fast).collect()]).expect("a period");
        assert!((found - 0.5).abs() < 1e-3, "{found}");
    }

    #[test]
    fn a_pause_is_no_interval() {
        let run = |start: f64| (0..12).map(|beat| start + beat as f64 * 0.5).collect::<Vec<f64>>();
        assert_eq!(typical(&[run(0.0), run(9.3), vec![50.0]]), Some(0.5));
        assert_eq!(typical(&[vec![1.0]]), None);
    }
}
