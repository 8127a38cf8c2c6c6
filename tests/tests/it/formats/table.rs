//! Writes the table of `docs/formats.md`.

use std::path::Path;

use super::family::Row;
use super::measure::Measurement;
use super::verdict::{deviations, ffmpeg_deviations, length_deviation_ms, loudness_deviation_lu};

const BEGIN: &str = "<!-- measured by `make formats` -->\n";
const END: &str = "<!-- end of the table -->\n";
const HEADER: &str = "| container | codec | decoder | presented | length | loudness | exact to | ffmpeg | wrong |\n\
                      |---|---|---|---|---|---|---|---|---|\n";

/// A row of the table, with its line break.
pub(crate) fn line(row: &Row, source_lufs: f64, measurement: &Measurement) -> String {
    let decoder =
        measurement.analysis.as_ref().map_or("–", |analysis| analysis.decoder.as_deref().unwrap_or("–"));
    let length = length_deviation_ms(row, measurement)
        .map_or("–".to_owned(), |ms| format!("{:+} ms", ms.round() as i64));
    let loudness = loudness_deviation_lu(source_lufs, measurement)
        .map_or("–".to_owned(), |difference| format!("{difference:+.2} LU"));
    let exact =
        measurement.hit_lateness.map_or("–".to_owned(), |samples| format!("{:.1} samples", samples.abs()));
    let ffmpeg = ffmpeg_deviations(row, measurement).join(", ");
    format!(
        "| {} | {} | {decoder} | {} | {length} | {loudness} | {exact} | {} | {} |\n",
        row.family.container,
        row.codec.name,
        presented(row),
        if ffmpeg.is_empty() { "agrees" } else { &ffmpeg },
        deviations(row, source_lufs, measurement).join("; ").replace('|', "\\|"),
    )
}

/// Delays of the presented audio and video relative to the coded source, as text.
fn presented(row: &Row) -> String {
    let (audio, video) = row.lateness_ms();
    let (is_audio_late, is_video_late) = (audio != 0.0, video != 0.0);
    match (is_audio_late, is_video_late) {
        (false, false) => "as coded".to_owned(),
        (true, false) if row.has_video() => format!("audio {audio:+.1} ms"),
        (true, true) if row.has_video() && (audio - video).abs() > 0.1 => {
            format!("audio {audio:+.1} ms, video {video:+.1} ms")
        }
        (true, _) => format!("{audio:+.1} ms"),
        (false, true) => format!("video {video:+.1} ms"),
    }
}

/// Replaces the table in `document`.
pub(crate) fn write(document: &Path, lines: &str) {
    let text = std::fs::read_to_string(document).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    std::fs::write(document, format!("{before}{BEGIN}{HEADER}{lines}{END}{after}")).unwrap();
}
