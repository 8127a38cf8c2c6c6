//! Formats a timeline as text for people.

use std::fmt::Write;

use audio_semantic_timeline::model::{AudioEvent, EventKind, Summary};
use media_time::MediaTime;

/// Formats one line of facts about the recording, then a line per event, then a line per speaker.
pub(crate) fn timeline(name: &str, summary: &Summary) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{name}\n{}\n", facts(summary));
    for event in &summary.events {
        let _ = writeln!(text, "{}", line(event));
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
        let bars = summary.beats.last().map_or(0, |beat| beat.bar_index + 1);
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

fn line(event: &AudioEvent) -> String {
    let kind = match event.kind {
        EventKind::Speech => "speech",
        EventKind::Music => "music",
        EventKind::Silence => "silence",
        EventKind::Other => "other",
    };
    let lufs =
        event.loudness_lufs.map_or_else(|| "       –     ".to_owned(), |lufs| format!("{lufs:8.1} LUFS"));
    let sure = event.confidence.map_or_else(|| "    ".to_owned(), |c| format!("{:3.0}%", c * 100.0));
    let mut line =
        format!("{:>11} – {:>11}  {kind:<7} {lufs} {sure}", clock(event.start_ms), clock(event.end_ms));
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

fn clock(millis: i64) -> String {
    MediaTime::from_millis(millis).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_lists_the_speakers() {
        let part = json!({"available": false, "version": null});
        let event = |start_ms: i64, meta: serde_json::Value| {
            json!({"kind": "speech", "start_ms": start_ms, "end_ms": start_ms + 1_000, "loudness_lufs": -20.0,
                "confidence": 0.9, "transcription": "hark", "speaker_id": "S1", "meta": meta})
        };
        let summary: Summary = serde_json::from_value(json!({
            "asset_id": "a1", "artifact_id": null, "duration_ms": 2_000,
            "events": [event(0, json!({})), event(1_000, json!({"overlap": true}))], "beats": [],
            "meta": {
                "model_used": "m", "backend": "signal", "backend_version": "v", "backend_type": "signal",
                "requested_backend": "signal", "fallback_reason": null, "semantic_version": "s",
                "include_beats": true, "include_speech_music": true, "min_silence_ms": 300,
                "loudness_window_ms": 1_000, "language": null, "speed_change_limit": 1.05,
                "speakers": [{"id": "S1", "name": null, "speech_ms": 1_500, "confidence": 0.9}],
                "audio_semantic_cache_key": "k", "tempo_bpm": null, "integrated_lufs": null, "loudness_range_lu": null,
                "backend_info": {"service": "s", "backend_version": "v", "dependencies": {
                    "whisper": part, "aubio": part, "vad": part, "decoder": part}}
            }
        }))
        .unwrap();
        let text = timeline("talk.wav", &summary);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].contains("1 speaker ·"), "{text}");
        assert!(lines[3].ends_with("  S1  “hark”") && lines[4].ends_with("  S1  overlap  “hark”"), "{text}");
        assert_eq!(lines[6], format!("S1  speaks {}", clock(1_500)), "{text}");
    }
}
