//! A timeline for people to read.

use std::fmt::Write;

use audio_semantic_timeline::model::{AudioEvent, EventKind, Summary};
use media_time::MediaTime;

/// One line of facts about the whole, then one line an event.
pub(crate) fn timeline(name: &str, summary: &Summary) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{name}\n{}\n", facts(summary));
    for event in &summary.events {
        let _ = writeln!(text, "{}", line(event));
    }
    if summary.meta.run.backend_type == "stub" {
        text.push_str("\nThe stub backend made this up: nothing was measured.\n");
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
        facts.push("cut off: the file ends too early".to_owned());
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
    if let Some(words) = &event.transcription {
        let _ = write!(line, "  “{words}”");
    }
    line
}

fn clock(millis: i64) -> String {
    MediaTime::from_millis(millis).to_string()
}
