//! Formats a timeline as text for people.

mod strip;

use std::fmt::Write;

use audio_semantic_timeline::model::{AudioEvent, EventKind, Summary};
use media_time::MediaTime;

/// The parts of a formatted timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Whether a strip of signs shows the kinds over the whole recording, with the sign repeated at each event.
    has_strip: bool,
    /// Maximum number of events; a line counts the rest.
    max_events: usize,
}

impl Layout {
    /// All events, for the command `analyze`.
    pub(crate) const LIST: Self = Self { has_strip: false, max_events: usize::MAX };
    /// A strip and the first events, for the demo.
    pub(crate) const OVERVIEW: Self = Self { has_strip: true, max_events: 30 };
}

/// Formats one line of facts about the recording, then a strip if requested, a line per event, and a line per speaker.
pub(crate) fn timeline(summary: &Summary, layout: Layout) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{}\n", facts(summary));
    if layout.has_strip {
        let _ = writeln!(text, "{}\n", strip::draw(summary));
    }
    for event in summary.events.iter().take(layout.max_events) {
        let _ = writeln!(text, "{}", line(event, layout.has_strip));
    }
    if let Some(more) = summary.events.len().checked_sub(layout.max_events).filter(|more| *more > 0) {
        let _ = writeln!(text, "… and {more} more events");
    }
    for speaker in summary.meta.run.speakers.iter().flatten() {
        let _ = write!(text, "\n{}  speaks {}", speaker.id, clock(speaker.speech_ms));
    }
    if summary.meta.run.speakers.as_ref().is_some_and(|speakers| !speakers.is_empty()) {
        text.push('\n');
    }
    if summary.meta.run.backend_type == "stub" {
        text.push_str("\nThe stub backend invented this timeline: nothing was measured.\n");
    }
    text
}

fn facts(summary: &Summary) -> String {
    let run = &summary.meta.run;
    let mut facts = vec![clock(summary.duration_ms)];
    if let Some(lufs) = run.integrated_lufs {
        facts.push(format!("{lufs:.1} LUFS"));
    }
    if let Some(bpm) = run.tempo_bpm {
        // A timeline that is cut to a clip keeps the bars of the recording.
        let bars = match &summary.beats[..] {
            [first, .., last] => last.bar_index - first.bar_index + 1,
            beats => beats.len() as i64,
        };
        facts.push(format!("{bpm:.1} BPM, {} beats, {bars} bars", summary.beats.len()));
    }
    if run.analysis.get("truncated").is_some_and(|truncated| truncated == true) {
        facts.push("truncated: the file ends too early".to_owned());
    }
    if let Some(speakers) = &run.speakers {
        let noun = if speakers.len() == 1 { "speaker" } else { "speakers" };
        facts.push(format!("{} {noun}", speakers.len()));
    }
    facts.push(format!("backend {}", run.backend_version));
    facts.join(" · ")
}

fn line(event: &AudioEvent, has_sign: bool) -> String {
    let sign = if has_sign { format!("{} ", strip::sign(event.kind)) } else { String::new() };
    let kind = name(event.kind);
    let lufs =
        event.loudness_lufs.map_or_else(|| "       –     ".to_owned(), |lufs| format!("{lufs:8.1} LUFS"));
    let sure = event.confidence.map_or_else(|| "    ".to_owned(), |c| format!("{:3.0}%", c * 100.0));
    let mut line =
        format!("{:>11} – {:>11}  {sign}{kind:<7} {lufs} {sure}", clock(event.start_ms), clock(event.end_ms));
    if event.meta.background.is_some() {
        line.push_str("  over music");
    }
    if event.meta.sung {
        line.push_str("  sung");
    }
    if let Some(speaker) = &event.speaker_id {
        let _ = write!(line, "  {speaker}");
    }
    if event.meta.overlap {
        line.push_str("  overlap");
    }
    if let Some(words) = &event.transcription {
        let _ = write!(line, "  “{words}”");
    }
    line
}

fn name(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Speech => "speech",
        EventKind::Music => "music",
        EventKind::Silence => "silence",
        EventKind::Other => "other",
    }
}

fn clock(millis: i64) -> String {
    MediaTime::from_millis(millis).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A timeline of `events`, by the backend `signal`.
    pub(super) fn summary(duration_ms: i64, events: &Value, speakers: &Value) -> Summary {
        let part = json!({"available": false, "version": null});
        serde_json::from_value(json!({
            "asset_id": "a1", "artifact_id": null, "duration_ms": duration_ms, "events": events, "beats": [],
            "meta": {
                "model_used": "m", "backend": "signal", "backend_version": "v", "backend_type": "signal",
                "requested_backend": "signal", "fallback_reason": null, "semantic_version": "s",
                "include_beats": true, "include_speech_music": true, "min_silence_ms": 300,
                "loudness_window_ms": 1_000, "language": null, "speed_change_limit": 1.05,
                "speakers": speakers,
                "audio_semantic_cache_key": "k", "tempo_bpm": null, "integrated_lufs": null, "loudness_range_lu": null,
                "backend_info": {"service": "s", "backend_version": "v", "dependencies": {
                    "whisper": part, "aubio": part, "vad": part, "decoder": part}}
            }
        }))
        .unwrap()
    }

    pub(super) fn event(kind: &str, start_ms: i64, end_ms: i64) -> Value {
        json!({"kind": kind, "start_ms": start_ms, "end_ms": end_ms, "loudness_lufs": -20.0, "confidence": 0.9,
            "transcription": null, "speaker_id": null, "meta": {}})
    }

    #[test]
    fn text_lists_the_speakers() {
        let event = |start_ms: i64, meta: Value| {
            json!({"kind": "speech", "start_ms": start_ms, "end_ms": start_ms + 1_000, "loudness_lufs": -20.0,
                "confidence": 0.9, "transcription": "hark", "speaker_id": "S1", "meta": meta})
        };
        let events = json!([event(0, json!({})), event(1_000, json!({"overlap": true}))]);
        let speakers = json!([{"id": "S1", "name": null, "speech_ms": 1_500, "confidence": 0.9}]);
        let text = timeline(&summary(2_000, &events, &speakers), Layout::LIST);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].contains("1 speaker ·"), "{text}");
        assert!(lines[2].ends_with("  S1  “hark”") && lines[3].ends_with("  S1  overlap  “hark”"), "{text}");
        assert_eq!(lines[5], format!("S1  speaks {}", clock(1_500)), "{text}");
    }

    #[test]
    fn overview_has_a_strip_and_the_first_events_with_their_signs() {
        let events: Vec<Value> = (0..33)
            .map(|n| event(if n % 2 == 0 { "speech" } else { "silence" }, n * 100, n * 100 + 100))
            .collect();
        let summary = summary(3_300, &json!(events), &Value::Null);
        let text = timeline(&summary, Layout::OVERVIEW);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "0:03.300 · backend v");
        assert!(lines[2].starts_with("▓▓··▓▓"), "{text}");
        assert_eq!(lines[6], "   0:00.000 –    0:00.100  ▓ speech     -20.0 LUFS  90%");
        assert_eq!(lines[7], "   0:00.100 –    0:00.200  · silence    -20.0 LUFS  90%");
        assert_eq!((lines.len(), lines[36]), (37, "… and 3 more events"), "{text}");

        let list = timeline(&summary, Layout::LIST);
        assert_eq!(list.lines().count(), 35, "{list}");
        assert_eq!(list.lines().nth(2), Some("   0:00.000 –    0:00.100  speech     -20.0 LUFS  90%"));
    }
}
