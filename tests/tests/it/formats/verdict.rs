//! Compares measurements with their tolerances.

use super::family::Row;
use super::measure::{FirstAndLast, Measurement, SnippetMeasurement};

/// Tolerance of instants, in ms.
const INSTANT_MS: f64 = 1.0;
/// Tolerance of durations in ms, which are whole milliseconds.
const ROUNDING_MS: f64 = 1.0;

/// All deviations beyond the tolerance, as text; none when the row passes.
pub(crate) fn deviations(row: &Row, source_lufs: f64, measurement: &Measurement) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(deviation) = length_deviation_ms(row, measurement).filter(|ms| is_wrong_length(row, *ms)) {
        found.push(format!("length {deviation:+.1} ms"));
    }
    if measurement.analysis.is_some() {
        match loudness_deviation_lu(source_lufs, measurement) {
            Some(difference) if difference.abs() <= row.codec.loudness_lu => {}
            Some(difference) => found.push(format!("loudness {difference:+.2} LU")),
            None => found.push("no loudness".to_owned()),
        }
    }
    if let Some(samples) = measurement.hit_lateness {
        let late_ms = row.codec.samples_ms(samples);
        if late_ms.abs() > INSTANT_MS {
            found.push(format!("hits {late_ms:+.2} ms"));
        }
    }
    found.extend(measurement.snippets.iter().flat_map(snippet_deviations));
    found.extend(measurement.error.clone());
    found
}

/// Length of the timeline minus that of the presented audio, in ms.
pub(crate) fn length_deviation_ms(row: &Row, measurement: &Measurement) -> Option<f64> {
    Some(measurement.analysis.as_ref()?.duration_ms - row.lengths_ms().0)
}

/// Integrated loudness minus that of the source, in LU.
pub(crate) fn loudness_deviation_lu(source_lufs: f64, measurement: &Measurement) -> Option<f64> {
    Some(measurement.analysis.as_ref()?.integrated_lufs? - source_lufs)
}

fn is_wrong_length(row: &Row, deviation_ms: f64) -> bool {
    deviation_ms.abs() > row.codec.samples_ms(f64::from(row.codec.frame)) + ROUNDING_MS
}

fn snippet_deviations(snippet: &SnippetMeasurement) -> Vec<String> {
    let mut found = Vec::new();
    match snippet.audio_lateness_ms {
        Some(late) if late.abs() <= INSTANT_MS => {}
        Some(late) => found.push(format!("{}: audio {late:+.2} ms", snippet.profile)),
        None => found.push(format!("{}: other audio", snippet.profile)),
    }
    if let Some(FirstAndLast { read, coded }) = snippet.frames
        && read != coded.map(Some)
    {
        let [first, last] = read.map(|number| number.map_or("none".to_owned(), |number| number.to_string()));
        found
            .push(format!("{}: frames {first} to {last}, not {} to {}", snippet.profile, coded[0], coded[1]));
    }
    found
}

/// Deviations of ffmpeg's and ffprobe's answers from the coded and declared values; empty where they agree.
pub(crate) fn ffmpeg_deviations(row: &Row, measurement: &Measurement) -> Vec<String> {
    let Some(answer) = measurement.ffmpeg else { return vec!["does not decode it".to_owned()] };
    let mut found = Vec::new();
    match answer.duration_ms.map(|ms| ms - row.lengths_ms().1) {
        Some(deviation) if is_wrong_length(row, deviation) => {
            found.push(format!("length {deviation:+.1} ms"))
        }
        Some(_) => {}
        None => found.push("no length".to_owned()),
    }
    match answer.audio_lateness_ms {
        Some(late) if late.abs() > INSTANT_MS => found.push(format!("audio {late:+.1} ms")),
        Some(_) => {}
        None => found.push("other audio".to_owned()),
    }
    if let Some(late) = answer.video_lateness_ms.filter(|late| late.abs() > INSTANT_MS) {
        found.push(format!("video {late:+.1} ms"));
    }
    found
}
