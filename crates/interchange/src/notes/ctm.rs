//! Writer for NIST's time-marked conversation files (`.ctm`): words.

use std::fmt::Write;

use crate::loss::{Export, Losses};
use crate::notes::{Annotations, field};

/// Formats the words with their times in seconds and confidences. Everything but words is a loss.
#[must_use]
pub fn ctm(annotations: &Annotations) -> Export {
    let mut losses = Losses::default();
    let mut text = String::new();
    let name = field(&annotations.media.name);
    for word in &annotations.words {
        let (start, duration) =
            (word.start_ms as f64 / 1_000.0, (word.end_ms - word.start_ms) as f64 / 1_000.0);
        let spoken = field(&word.text);
        // Writing to a String cannot fail.
        let _ = write!(text, "{name} 1 {start:.3} {duration:.3} {spoken}");
        if let Some(confidence) = word.confidence {
            let _ = write!(text, " {confidence:.3}");
        }
        text.push('\n');
    }
    if annotations.words.iter().any(|word| word.speaker.is_some()) {
        losses.add("speakers_omitted", "words");
    }
    for event in annotations.events.iter().filter(|event| event.kind != "speech") {
        losses.add("event_omitted", event.kind.clone());
    }
    if !annotations.beats.is_empty() {
        losses.add("beats_omitted", format!("{} beats", annotations.beats.len()));
    }
    Export { content: text.into_bytes(), losses: losses.finish() }
}
