//! Edits of beats and tempo.

use super::edit::Span;
use crate::model::{BeatEvent, Summary};

/// A longer interval is a pause in the beats and not divided, in ms: 20 beats per minute.
const PAUSE_MS: i64 = 3_000;
/// Minimum interval between beats, in ms: 1 200 beats per minute.
const MIN_INTERVAL_MS: i64 = 50;
/// Maximum number of beats of a corrected timeline.
const MAX_BEATS: usize = 500_000;
/// Limits of a corrected tempo, in beats per minute.
const TEMPI: std::ops::RangeInclusive<f64> = 10.0..=1_200.0;

/// Moves the beats in `span`. Those that leave the timeline are dropped.
pub(super) fn shift(timeline: &mut Summary, span: Span, offset_ms: i64) -> Result<(), String> {
    let duration_ms = timeline.duration_ms;
    let beats = &mut timeline.beats;
    let first = beats.partition_point(|beat| beat.time_ms < span.start_ms);
    let last = beats.partition_point(|beat| beat.time_ms < span.end_ms);
    if first >= last {
        return Err("there are no beats in the window".to_owned());
    }
    beats[first..last].iter_mut().for_each(|beat| beat.time_ms += offset_ms);
    beats.retain(|beat| (0..duration_ms).contains(&beat.time_ms));
    if beats.is_empty() {
        return Err("no beat would be left".to_owned());
    }
    let passing = beats.windows(2).find(|pair| pair[0].time_ms >= pair[1].time_ms);
    passing.map_or(Ok(()), |pair| {
        let [earlier, later] = [pair[1].time_ms, pair[0].time_ms];
        Err(format!("a beat at {later} ms would pass the one at {earlier} ms"))
    })
}

/// Inserts a beat halfway between each two beats. Bars keep their number of beats, so each becomes two.
pub(super) fn double_tempo(timeline: &mut Summary) -> Result<(), String> {
    let tempo_bpm = scaled(timeline.meta.run.tempo_bpm, 2.0)?;
    let (beats, metre) = counted(&timeline.beats)?;
    if beats.len() > MAX_BEATS / 2 {
        return Err(format!("the timeline would have more than {MAX_BEATS} beats"));
    }
    let mut doubled: Vec<CountedBeat> = Vec::with_capacity(2 * beats.len());
    for (index, beat) in beats.iter().enumerate() {
        doubled.push(CountedBeat { count: 2 * beat.count, ..*beat });
        let Some(next) = beats.get(index + 1) else { break };
        let interval = next.time_ms - beat.time_ms;
        if interval >= PAUSE_MS {
            continue;
        }
        if interval < 2 * MIN_INTERVAL_MS {
            return Err(format!("the beats at {} ms are too close to be divided", beat.time_ms));
        }
        let time_ms = beat.time_ms + interval / 2;
        doubled.push(CountedBeat { time_ms, count: 2 * beat.count + 1, bar_index: beat.bar_index });
    }
    timeline.beats = numbered(&doubled, metre);
    timeline.meta.run.tempo_bpm = tempo_bpm;
    Ok(())
}

/// Removes every second beat, so that the beat nearest to `at_ms` stays; by default the first ones of bars. Bars keep
/// their number of beats, so two become one.
pub(super) fn halve_tempo(timeline: &mut Summary, at_ms: Option<i64>) -> Result<(), String> {
    let tempo_bpm = scaled(timeline.meta.run.tempo_bpm, 0.5)?;
    let (beats, metre) = counted(&timeline.beats)?;
    let nearest = at_ms.and_then(|at_ms| beats.iter().min_by_key(|beat| (beat.time_ms - at_ms).abs()));
    let has_even = beats.iter().any(|beat| beat.count.rem_euclid(2) == 0);
    let parity = nearest.map_or(i64::from(!has_even), |beat| beat.count.rem_euclid(2));
    let kept = beats.iter().filter(|beat| beat.count.rem_euclid(2) == parity);
    let halved: Vec<CountedBeat> =
        kept.map(|beat| CountedBeat { count: beat.count.div_euclid(2), ..*beat }).collect();
    timeline.beats = numbered(&halved, metre);
    timeline.meta.run.tempo_bpm = tempo_bpm;
    Ok(())
}

/// The tempo multiplied by `factor`; `None` if unknown.
fn scaled(tempo_bpm: Option<f64>, factor: f64) -> Result<Option<f64>, String> {
    let scaled = tempo_bpm.map(|bpm| bpm * factor);
    match scaled {
        Some(bpm) if !TEMPI.contains(&bpm) => Err(format!(
            "the tempo would be {bpm:.1} beats per minute, outside {} to {}",
            TEMPI.start(),
            TEMPI.end()
        )),
        scaled => Ok(scaled),
    }
}

/// A beat with its number in the counting of bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct CountedBeat {
    time_ms: i64,
    /// Beats since the first one of bar 0, as if all bars had the same number of beats.
    count: i64,
    /// Bar of the beat, used if the metre is unknown.
    bar_index: i64,
}

/// The beats with their counts, and the number of beats of a bar; `None` if unknown or inconsistent, and beats are then
/// counted from the first.
fn counted(beats: &[BeatEvent]) -> Result<(Vec<CountedBeat>, Option<i64>), String> {
    if beats.is_empty() {
        return Err("the timeline has no beats".to_owned());
    }
    let with_counts = |counts: Vec<i64>| -> Vec<CountedBeat> {
        let beat = |(beat, count): (&BeatEvent, i64)| CountedBeat {
            time_ms: beat.time_ms,
            count,
            bar_index: beat.bar_index,
        };
        beats.iter().zip(counts).map(beat).collect()
    };
    let subdivisions: Option<Vec<i64>> = beats.iter().map(|beat| beat.subdivision).collect();
    let metre = subdivisions.as_deref().and_then(metre_of);
    if let (Some(subdivisions), Some(metre)) = (&subdivisions, metre) {
        let bars = beats.iter().map(|beat| beat.bar_index).collect();
        // The beats before the first bar have the number of that bar.
        for bars in [bars, bars_by_downbeats(subdivisions)] {
            let count = |(bar, subdivision): (&i64, &i64)| bar.checked_mul(metre)?.checked_add(*subdivision);
            let counts: Option<Vec<i64>> = bars.iter().zip(subdivisions).map(count).collect();
            if let Some(counts) = counts
                && counts.last().is_some_and(|last| *last <= i64::from(i32::MAX))
                && counts.is_sorted_by(|a, b| a < b)
            {
                return Ok((with_counts(counts), Some(metre)));
            }
        }
    }
    Ok((with_counts((0..).take(beats.len()).collect()), None))
}

/// The number of beats of the longest bar, which others may be a part of.
fn metre_of(subdivisions: &[i64]) -> Option<i64> {
    /// Longest bar; a larger number is no metre.
    const MAX_METRE: i64 = 64;
    let is_known = subdivisions.iter().all(|subdivision| (0..MAX_METRE).contains(subdivision));
    let longest = subdivisions.iter().max().filter(|_| is_known)?;
    Some(longest + 1)
}

/// Numbers of bars, from 0, each of which begins at a first beat.
fn bars_by_downbeats(subdivisions: &[i64]) -> Vec<i64> {
    let mut bar = 0;
    let numbered = subdivisions.iter().enumerate().map(|(index, subdivision)| {
        bar += i64::from(index > 0 && *subdivision == 0);
        bar
    });
    numbered.collect()
}

/// The beats, numbered from 0, in bars of `metre` beats.
fn numbered(beats: &[CountedBeat], metre: Option<i64>) -> Vec<BeatEvent> {
    let beat = |(beat_index, beat): (i64, &CountedBeat)| BeatEvent {
        time_ms: beat.time_ms,
        beat_index,
        bar_index: metre.map_or(beat.bar_index, |metre| beat.count.div_euclid(metre)),
        subdivision: metre.map(|metre| beat.count.rem_euclid(metre)),
    };
    (0..).zip(beats).map(beat).collect()
}
