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
/// Number of first onsets that are tried as the first beat of a given tempo.
const ANCHORS: usize = 64;

/// The start of a bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct BarLine {
    pub(super) time: MediaTime,
    /// Confidence of the beat on the line, 0 to 1.
    pub(super) clarity: f32,
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
        vec![constant(&rhythm.onsets, duration, hint)]
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
    let line = |beat: &Beat| BarLine { time: beat.time, clarity: beat.confidence };
    let end = match beats.get(BEATS) {
        Some(next) if next.position == 1 => line(next),
        Some(_) => return None,
        // The recording, or its music, ends with the bar.
        None => {
            let span = own[BEATS - 1].time - own[0].time;
            let beat = MediaTime::from_micros(span.as_micros() / (BEATS as i64 - 1));
            let time = (own[BEATS - 1].time + beat).min(duration);
            BarLine { time, clarity: own[BEATS - 1].confidence }
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

/// Lines of a constant tempo, anchored at that of the first onsets for which most others are on beats.
fn constant(onsets: &[Onset], duration: MediaTime, bpm: f64) -> Vec<BarLine> {
    let beat = 60.0 / bpm;
    let on_beats = |anchor: &Onset| {
        let on_beat = |onset: &&Onset| {
            let beats = (onset.time - anchor.time).as_secs_f64() / beat;
            (beats - beats.round()).abs() * beat <= ON_LINE.as_secs_f64()
        };
        onsets.iter().filter(on_beat).map(|onset| f64::from(onset.strength)).sum::<f64>()
    };
    let anchors = onsets.iter().take(ANCHORS).map(|anchor| (anchor, on_beats(anchor)));
    // The earliest of equal ones.
    let best = anchors.reduce(|best, other| if other.1 > best.1 { other } else { best });
    let Some((anchor, _)) = best else { return Vec::new() };
    let bar = BEATS as f64 * beat;
    let count = ((duration - anchor.time).as_secs_f64() / bar) as usize;
    let line = |index: usize| {
        let time = anchor.time + MediaTime::from_secs_f64(index as f64 * bar);
        let next = onsets.partition_point(|onset| onset.time < time - ON_LINE);
        let sounds = onsets.get(next).is_some_and(|onset| onset.time <= time + ON_LINE);
        BarLine { time, clarity: CLARITY[usize::from(!sounds)] }
    };
    (0..=count).map(line).collect()
}
