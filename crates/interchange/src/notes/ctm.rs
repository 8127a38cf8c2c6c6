//! Writer for NIST's time-marked conversation files (`.ctm`): words.

use std::fmt::Write;

use crate::clock::seconds;
use crate::loss::Export;
use crate::notes::{Annotations, Held, HeldEvents, field};

/// Formats the words with their times in seconds and confidences. Speech is held as its words; everything else is a loss.
#[must_use]
pub fn ctm(annotations: &Annotations) -> Export {
    let texts = !annotations.words.is_empty();
    let held = Held { events: HeldEvents::Speech, texts, words: true, ..Held::NOTHING };
    let mut text = String::new();
    let name = field(&annotations.media.name);
    for word in &annotations.words {
        let (start, duration) = (seconds(word.start_ms), seconds(word.end_ms.saturating_sub(word.start_ms)));
        let spoken = field(&word.text);
        // Writing to a String cannot fail.
        let _ = write!(text, "{name} 1 {start:.3} {duration:.3} {spoken}");
        if let Some(confidence) = word.confidence {
            let _ = write!(text, " {confidence:.3}");
        }
        text.push('\n');
    }
    Export { content: text.into_bytes(), losses: annotations.losses(held).finish() }
}
