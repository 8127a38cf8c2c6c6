//! The tempo over time, from the times of beats.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::BeatEvent;

/// Beats on either side of one whose intervals are its tempo. Times of beats are whole milliseconds, so that one interval
/// alone would be uncertain by 0.3 % at 180 BPM, and eight are by 0.03 %.
const REACH: usize = 4;
/// A segment may differ from the tempo at its beats by this share.
const TOLERANCE: f64 = 0.01;
/// An interval of more than this many of the previous one is a pause.
const PAUSE: f64 = 1.8;
/// Fewest beats with a tempo.
const MIN_BEATS: usize = 4;

/// A stretch in which the tempo is steady, or changes evenly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TempoSegment {
    /// Time of its first beat in milliseconds.
    pub start_ms: i64,
    /// Time of its last beat in milliseconds, which may be the first of the next segment.
    pub end_ms: i64,
    /// Tempo at its start in beats per minute.
    pub start_bpm: f64,
    /// Tempo at its end in beats per minute.
    pub end_bpm: f64,
}

/// The tempo at a beat.
#[derive(Clone, Copy)]
struct Point {
    time_ms: i64,
    bpm: f64,
}

/// The tempo of beats (with strictly increasing times) as straight lines that are within 1 % of the tempo at each beat,
/// which is the regression over the eight intervals around it, or the first or last eight. Pauses have no segment, nor have
/// fewer than four beats.
pub(crate) fn tempo_curve(beats: &[BeatEvent]) -> Vec<TempoSegment> {
    let times: Vec<i64> = beats.iter().map(|beat| beat.time_ms).collect();
    let interval = |pair: &[i64]| (pair[1] - pair[0]) as f64;
    let mut segments = Vec::new();
    let (mut first, mut previous) = (0, f64::INFINITY);
    for (index, pair) in times.windows(2).enumerate() {
        let length = interval(pair);
        if length > PAUSE * previous {
            segments.extend(lines(&tempi(&times[first..=index])));
            (first, previous) = (index + 1, f64::INFINITY);
        } else {
            previous = length;
        }
    }
    segments.extend(lines(&tempi(&times[first..])));
    segments
}

/// The tempo at each of the times of beats without a pause; none if they are too few.
fn tempi(times: &[i64]) -> Vec<Point> {
    if times.len() < MIN_BEATS {
        return Vec::new();
    }
    // At the ends, of as many intervals as elsewhere.
    let near = |index: usize| {
        let count = times.len().min(2 * REACH + 1);
        let first = index.saturating_sub(REACH).min(times.len() - count);
        &times[first..first + count]
    };
    times
        .iter()
        .enumerate()
        .map(|(index, time)| Point { time_ms: *time, bpm: 60_000.0 / period_ms(near(index)) })
        .collect()
}

/// The interval of beats, in ms: the slope of the regression of their times over their numbers. At least two times.
fn period_ms(times: &[i64]) -> f64 {
    let (middle, origin) = ((times.len() - 1) as f64 / 2.0, times[0]);
    let (mut products, mut squares) = (0.0, 0.0);
    for (number, time) in times.iter().enumerate() {
        let distance = number as f64 - middle;
        products += distance * (time - origin) as f64;
        squares += distance * distance;
    }
    products / squares
}

/// Each line is the longest one from the end of the previous that is within the tolerance of all points between (a cone, as
/// in swinging-door compression).
fn lines(points: &[Point]) -> Vec<TempoSegment> {
    let mut segments = Vec::new();
    let mut start = 0;
    while start + 1 < points.len() {
        let (from, mut end) = (points[start], start + 1);
        let (mut least, mut greatest) = (f64::NEG_INFINITY, f64::INFINITY);
        for (index, point) in points.iter().enumerate().skip(start + 1) {
            let elapsed = (point.time_ms - from.time_ms) as f64;
            let slope = |bpm: f64| (bpm - from.bpm) / elapsed;
            if (least..=greatest).contains(&slope(point.bpm)) {
                end = index;
            }
            least = least.max(slope(point.bpm * (1.0 - TOLERANCE)));
            greatest = greatest.min(slope(point.bpm * (1.0 + TOLERANCE)));
            if least > greatest {
                break;
            }
        }
        let to = points[end];
        segments.push(TempoSegment {
            start_ms: from.time_ms,
            end_ms: to.time_ms,
            start_bpm: rounded(from.bpm),
            end_bpm: rounded(to.bpm),
        });
        start = end;
    }
    segments
}

/// To hundredths.
fn rounded(bpm: f64) -> f64 {
    (bpm * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn beats(times: impl IntoIterator<Item = i64>) -> Vec<BeatEvent> {
        let beat =
            |(index, time_ms)| BeatEvent { time_ms, beat_index: index, bar_index: 0, subdivision: None };
        (0..).zip(times).map(beat).collect()
    }

    fn segment(start_ms: i64, end_ms: i64, start_bpm: f64, end_bpm: f64) -> TempoSegment {
        TempoSegment { start_ms, end_ms, start_bpm, end_bpm }
    }

    #[test]
    fn steady_tempo_is_one_segment_and_a_pause_divides() {
        let steady = (0..200).map(|n| n * 500);
        assert_eq!(tempo_curve(&beats(steady.clone())), [segment(0, 99_500, 120.0, 120.0)]);
        let paused = steady.chain((0..4).map(|n| 103_000 + n * 600));
        assert_eq!(
            tempo_curve(&beats(paused)),
            [segment(0, 99_500, 120.0, 120.0), segment(103_000, 104_800, 100.0, 100.0)]
        );
        assert_eq!(tempo_curve(&beats([0, 500, 1_000])), []);
        assert_eq!(tempo_curve(&[]), []);
    }

    #[test]
    fn accelerando_is_few_segments_along_it() {
        // From 90 to 140 BPM in a minute, then steady.
        let (mut time, mut times) = (0.0, Vec::new());
        while time < 120.0 {
            times.push((time * 1_000.0_f64).round() as i64);
            time += 60.0 / (90.0 + 50.0 * (time / 60.0).min(1.0));
        }
        let curve = tempo_curve(&beats(times));
        assert!(curve.len() <= 4, "{curve:?}");
        assert!((curve[0].start_bpm - 90.0).abs() < 3.0, "{curve:?}");
        let last = curve.last().unwrap();
        assert!((last.end_bpm - 140.0).abs() < 0.5, "{curve:?}");
        assert!(curve.windows(2).all(|pair| pair[0].end_ms == pair[1].start_ms), "{curve:?}");
    }

    proptest! {
        #[test]
        fn curve_is_within_the_tolerance_of_the_tempo_at_each_beat(intervals in prop::collection::vec(200_i64..2_500, 0..80)) {
            let mut times = vec![0];
            times.extend(intervals.iter().scan(0, |time, interval| { *time += interval; Some(*time) }));
            let curve = tempo_curve(&beats(times.iter().copied()));
            for pair in curve.windows(2) {
                prop_assert!(pair[0].end_ms <= pair[1].start_ms);
            }
            for one in &curve {
                prop_assert!(one.start_ms < one.end_ms && one.start_bpm > 0.0 && one.end_bpm > 0.0);
                let within: Vec<i64> = times.iter().copied().filter(|time| (one.start_ms..=one.end_ms).contains(time)).collect();
                prop_assert!(within.len() >= 2);
                // Of the beats without pauses around the segment.
                let run: Vec<i64> = run_of(&times, one.start_ms);
                for point in tempi(&run).into_iter().filter(|point| within.contains(&point.time_ms)) {
                    let share = (point.time_ms - one.start_ms) as f64 / (one.end_ms - one.start_ms) as f64;
                    let line = one.start_bpm + share * (one.end_bpm - one.start_bpm);
                    prop_assert!((line / point.bpm - 1.0).abs() < TOLERANCE + 0.001, "{} {:?}", point.bpm, one);
                }
            }
        }
    }

    /// The beats of the stretch without pauses that begins at or before a beat.
    fn run_of(times: &[i64], time_ms: i64) -> Vec<i64> {
        let (mut run, mut previous) = (vec![times[0]], f64::INFINITY);
        for pair in times.windows(2) {
            let interval = (pair[1] - pair[0]) as f64;
            if interval > PAUSE * previous {
                if run.contains(&time_ms) {
                    return run;
                }
                (run, previous) = (Vec::new(), f64::INFINITY);
            } else {
                previous = interval;
            }
            run.push(pair[1]);
        }
        run
    }
}
