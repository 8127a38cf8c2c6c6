//! Timed words: the model that all writers read.

use crate::text::joined;

/// A spoken word with its times.
#[derive(Clone, Debug, PartialEq)]
pub struct TimedWord {
    /// The word as written, with its punctuation.
    pub text: String,
    /// Start in ms from the start of the recording.
    pub start_ms: i64,
    /// End (exclusive) in ms from the start of the recording.
    pub end_ms: i64,
    /// The speaker's name or id, if known.
    pub speaker: Option<String>,
    /// Confidence from 0 to 1, if known.
    pub confidence: Option<f64>,
}

/// The words of a recording in order, and properties of the whole text.
///
/// # Examples
///
/// ```
/// use interchange::words::{TimedText, TimedWord};
/// use interchange::{openai, plain};
///
/// let word = |text: &str, start_ms, end_ms| TimedWord {
///     text: text.to_owned(),
///     start_ms,
///     end_ms,
///     speaker: None,
///     confidence: Some(0.9),
/// };
/// let words = vec![word("Good", 0, 300), word("morning.", 300, 800), word("Hello!", 900, 1_300)];
/// let text = TimedText { words, duration_ms: 1_500, language: Some("en".to_owned()) };
///
/// assert_eq!(plain::plain(&text.words), "Good morning.\nHello!\n");
/// assert_eq!(openai::transcription(&text).text, "Good morning. Hello!");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TimedText {
    /// The words by start time, without overlap.
    pub words: Vec<TimedWord>,
    /// Length of the recording, in ms.
    pub duration_ms: i64,
    /// Language of the words: an ISO 639-1 code.
    pub language: Option<String>,
}

/// Joins the text of consecutive words.
pub(crate) fn text_of(words: &[TimedWord]) -> String {
    joined(words.iter().map(|word| word.text.as_str()))
}

/// Divides `items` where a known speaker follows another known one. An item without a speaker belongs to the preceding
/// speaker, or at the beginning to the first one.
pub(crate) fn by_speaker<'a, T>(
    items: &'a [T],
    speaker: impl Fn(&'a T) -> Option<&'a str>,
) -> impl Iterator<Item = &'a [T]> {
    let mut rest = items;
    std::iter::from_fn(move || {
        let current = rest.iter().find_map(&speaker);
        let is_other = |item| speaker(item).is_some_and(|other| Some(other) != current);
        let count = rest.iter().position(is_other).unwrap_or(rest.len());
        let (run, behind) = rest.split_at(count);
        rest = behind;
        (!run.is_empty()).then_some(run)
    })
}
