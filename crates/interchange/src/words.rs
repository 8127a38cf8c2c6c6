//! Timed words.

use crate::text::joined;

/// A spoken word.
#[derive(Clone, Debug, PartialEq)]
pub struct TimedWord {
    /// As written, with its punctuation.
    pub text: String,
    /// First millisecond.
    pub start_ms: i64,
    /// First millisecond after.
    pub end_ms: i64,
    /// The speaker's name or id, if known.
    pub speaker: Option<String>,
    /// 0 to 1, if known.
    pub confidence: Option<f64>,
}

/// The words of a recording, in order, and what is known of all of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TimedText {
    /// In order, without overlap.
    pub words: Vec<TimedWord>,
    /// Length of the recording, in ms.
    pub duration_ms: i64,
    /// Language of the words: an ISO 639-1 code.
    pub language: Option<String>,
}

/// The text of consecutive words.
pub(crate) fn text_of(words: &[TimedWord]) -> String {
    joined(words.iter().map(|word| word.text.as_str()))
}
