//! Bar lines, from the beats or from a tempo given by the caller.

use audio_signal::{Beat, Onset, Rhythm};
use media_time::MediaTime;

/// Number of beats in a bar.
const BEATS: usize = 4;
/// Maximum deviation of the beat intervals in a bar from their mean, as a fraction of it.
const UNEVEN: f64 = 0.2;
/// Maximum relative difference at which a tempo and a hint are equal.
const SAME_TEMPO: f64 = 0.06;
/// Maximum distance of an onset that coincides with a line.
const ON_LINE: MediaTime = MediaTime::from_millis(30);
/// Clarity of a line of a given tempo, with an onset on it and without.
const CLARITY: [f32; 2] = [0.9, 0.4];
/// Margin of the bars of a given tempo: who gives it knows the music.
const GIVEN_MARGIN: f32 = 5.0;
/// Number of first onsets that are tried as the first beat of a given tempo.
const ANCHORS: usize = 64;

/// The start of a bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct BarLine {
    pub(super) time: MediaTime,
    /// Confidence of the beat on the line, 0 to 1.
    pub(super) clarity: f32,
    /// How clearly the bars begin on this beat and on no other ([`Beat::bar_margin`]).
    pub(super) margin: f32,
}

/// Runs of bar lines without a gap, within the recording. A `hint` of half or double the tempo joins or divides the
/// bars found; any other hint replaces them.
pub(super) fn bar_lines(rhythm: &Rhythm, duration: MediaTime, hint: Option<f64>) -> Vec<Vec<BarLine>> {
    let found = whole_bars(&rhythm.beats, duration);
    let (Some(hint), tempo) = (hint, rhythm.tempo.as_ref()) else {
        return found.into_iter().map(|bars| lines(&bars, 1)).collect();
    };
    let ratio = tempo.map_or(0.0, |tempo| hint / tempo.bpm);
    let is = |wanted: f64| (ratio / wanted - 1.0).abs() < SAME_TEMPO;
    if is(1.0) {
        found.into_iter().map(|bars| lines(&bars, 1)).collect()
    } else if is(2.0) {
        found.into_iter().map(|bars| lines(&bars, 2)).collect()
    } else if is(0.5) {
        found.into_iter().map(|bars| lines(&bars, 1).into_iter().step_by(2).collect()).collect()
    } else {
        vec![constant(rhythm, duration, hint)]
    }
}

/// A bar: its beats and the line at its end.
type Bar = [BarLine; BEATS + 1];

/// The bars of four even beats, grouped in runs.
fn whole_bars(beats: &[Beat], duration: MediaTime) -> Vec<Vec<Bar>> {
    let mut runs: Vec<Vec<Bar>> = Vec::new();
    for first in (0..beats.len()).filter(|first| beats[*first].position == 1) {
        let Some(bar) = whole_bar(&beats[first..], duration) else { continue };
        match runs.last_mut() {
            Some(run) if run.last().is_some_and(|last| last[BEATS].time == bar[0].time) => run.push(bar),
            _ => runs.push(vec![bar]),
        }
    }
    runs
}

/// The bar that starts with the first of `beats`.
fn whole_bar(beats: &[Beat], duration: MediaTime) -> Option<Bar> {
    let own = beats.get(..BEATS)?;
    if !own.iter().zip(1..).all(|(beat, position)| beat.position == position) {
        return None;
    }
    let line = |beat: &Beat| BarLine { time: beat.time, clarity: beat.confidence, margin: beat.bar_margin };
    let end = match beats.get(BEATS) {
        Some(next) if next.position == 1 => line(next),
        Some(_) => return None,
        // The recording, or its music, ends with the bar.
        None => {
            let span = own[BEATS - 1].time - own[0].time;
            let beat = MediaTime::from_micros(span.as_micros() / (BEATS as i64 - 1));
            let time = (own[BEATS - 1].time + beat).min(duration);
            BarLine { time, ..line(&own[BEATS - 1]) }
        }
    };
    let bar = [line(&own[0]), line(&own[1]), line(&own[2]), line(&own[3]), end];
    let mean = (bar[BEATS].time - bar[0].time).as_secs_f64() / BEATS as f64;
    let even = |pair: &[BarLine]| {
        let interval = (pair[1].time - pair[0].time).as_secs_f64();
        (interval - mean).abs() <= UNEVEN * mean
    };
    bar.windows(2).all(even).then_some(bar)
}

/// The lines of a run, `parts` (1 or 2) per bar.
fn lines(run: &[Bar], parts: usize) -> Vec<BarLine> {
    let within = run.iter().flat_map(|bar| bar[..BEATS].iter().step_by(BEATS / parts));
    within.chain(run.last().map(|bar| &bar[BEATS])).copied().collect()
}

/// Lines of a constant tempo. The beats are anchored at that of the first onsets for which most others are on beats; of the
/// four beats of a bar, the lines are on the one that coincides most with the downbeats that were found, then with onsets.
fn constant(rhythm: &Rhythm, duration: MediaTime, bpm: f64) -> Vec<BarLine> {
    let onsets = &rhythm.onsets;
    let beat = 60.0 / bpm;
    let on_beats = |anchor: &Onset| {
        onsets.iter().filter(|onset| is_on_line(onset.time, anchor.time, beat)).map(strength).sum::<f64>()
    };
    let anchors = onsets.iter().take(ANCHORS).map(|anchor| (anchor, on_beats(anchor)));
    // The earliest of equal ones.
    let best = anchors.reduce(|best, other| if other.1 > best.1 { other } else { best });
    let Some((anchor, _)) = best else { return Vec::new() };
    let bar = BEATS as f64 * beat;
    // The earlier beats of the bar of the anchor may be before the recording.
    let starts = (0..BEATS).map(|phase| anchor.time + MediaTime::from_secs_f64(phase as f64 * beat));
    let on_lines = |start: MediaTime| {
        let downbeats = rhythm.beats.iter().filter(|beat| beat.position == 1);
        let found = downbeats.filter(|beat| is_on_line(beat.time, start, bar));
        let struck = onsets.iter().filter(|onset| is_on_line(onset.time, start, bar));
        [found.map(|beat| f64::from(beat.confidence)).sum::<f64>(), struck.map(strength).sum::<f64>()]
    };
    let starts = starts.map(|start| (start, on_lines(start)));
    let best = starts.reduce(|best, other| if other.1 > best.1 { other } else { best });
    let Some((start, _)) = best.filter(|(start, _)| *start < duration) else { return Vec::new() };
    let bars_before = (start.as_secs_f64() / bar).floor();
    let first = start - MediaTime::from_secs_f64(bars_before * bar);
    let count = ((duration - first).as_secs_f64() / bar) as usize;
    let line = |index: usize| {
        let time = first + MediaTime::from_secs_f64(index as f64 * bar);
        let next = onsets.partition_point(|onset| onset.time < time - ON_LINE);
        let sounds = onsets.get(next).is_some_and(|onset| onset.time <= time + ON_LINE);
        BarLine { time, clarity: CLARITY[usize::from(!sounds)], margin: GIVEN_MARGIN }
    };
    (0..=count).map(line).collect()
}

/// Whether `time` is on one of the lines through `line`, `period` seconds apart.
fn is_on_line(time: MediaTime, line: MediaTime, period: f64) -> bool {
    let periods = (time - line).as_secs_f64() / period;
    (periods - periods.round()).abs() * period <= ON_LINE.as_secs_f64()
}

fn strength(onset: &Onset) -> f64 {
    f64::from(onset.strength)
}

#[cfg(test)]
mod tests {
    use audio_signal::Tempo;

    use super::*;

    /// Onsets on every beat of 120 BPM, and beats whose downbeats are `phase` beats after the first onset.
    fn rhythm(phase: u32) -> Rhythm {
        let time = |index: u32| MediaTime::from_millis(250 + 500 * i64::from(index));
        let onset = |index| Onset { time: time(index), strength: 1.0, confidence: 0.9 };
        let beat = |index: u32| Beat {
            time: time(index),
            beat_index: index,
            bar_index: 0,
            position: (index + 4 - phase) % 4 + 1,
            bar_margin: 1.0,
            confidence: 0.9,
        };
        // A tempo that is neither the hint, nor half, nor double.
        let tempo = Some(Tempo { bpm: 90.0, candidates: Vec::new() });
        Rhythm { onsets: (0..32).map(onset).collect(), tempo, beats: (0..32).map(beat).collect() }
    }

    #[test]
    fn lines_of_a_given_tempo_are_on_the_downbeats_found() {
        for phase in 0..4 {
            let lines = bar_lines(&rhythm(phase), MediaTime::from_millis(16_250), Some(120.0)).remove(0);
            for (line, index) in lines.iter().zip(0..) {
                assert_eq!(line.time.as_millis_round(), 250 + 500 * i64::from(phase) + 2_000 * index);
            }
            assert!(lines.len() >= 7, "{} lines", lines.len());
        }
    }
}
