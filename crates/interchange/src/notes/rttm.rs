//! Writer for NIST's Rich Transcription Time Marked files (`.rttm`): who speaks when.

use std::fmt::Write;

use crate::loss::{Export, Losses};
use crate::notes::{Annotations, field};

/// Formats the speech with its speakers; speech of an unknown speaker is `unknown`. Other events are losses.
#[must_use]
pub fn rttm(annotations: &Annotations) -> Export {
    let mut losses = Losses::default();
    let mut text = String::new();
    let name = field(&annotations.media.name);
    for event in &annotations.events {
        if event.kind != "speech" {
            losses.add("event_omitted", event.kind.clone());
            continue;
        }
        let (start, duration) = (event.window.start().as_secs_f64(), event.window.duration().as_secs_f64());
        let speaker = event.speaker.as_deref().map_or_else(|| "unknown".to_owned(), field);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "SPEAKER {name} 1 {start:.3} {duration:.3} <NA> <NA> {speaker} <NA> <NA>");
    }
    if !annotations.beats.is_empty() {
        losses.add("beats_omitted", format!("{} beats", annotations.beats.len()));
    }
    Export { content: text.into_bytes(), losses: losses.finish() }
}
