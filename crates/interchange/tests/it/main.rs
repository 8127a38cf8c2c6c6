//! Tests of the writers, in one binary.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod captions;
mod edits;
mod formats;
mod timecodes;

use interchange::words::{TimedText, TimedWord};

/// Words of 250 ms, one every 300 ms.
fn text(words: &str) -> TimedText {
    let word = |(index, text): (i64, &str)| TimedWord {
        text: text.to_owned(),
        start_ms: index * 300,
        end_ms: index * 300 + 250,
        speaker: None,
        confidence: Some(0.9),
    };
    let words: Vec<TimedWord> = (0..).zip(words.split(' ')).map(word).collect();
    TimedText { duration_ms: words.last().unwrap().end_ms + 3_000, words, language: Some("en".to_owned()) }
}
