//! Writer for plain text.

use crate::segments::PAUSE_MS;
use crate::text::ends_sentence;
use crate::words::{TimedWord, text_of};

/// Writes one sentence per line; a line also ends at a pause and where the speaker changes.
#[must_use]
pub fn plain(words: &[TimedWord]) -> String {
    let is_end = |a: &TimedWord, b: &TimedWord| {
        ends_sentence(&a.text) || b.start_ms - a.end_ms >= PAUSE_MS || a.speaker != b.speaker
    };
    words.chunk_by(|a, b| !is_end(a, b)).map(|sentence| text_of(sentence) + "\n").collect()
}
