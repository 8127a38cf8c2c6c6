//! Groups words into the windows that a search returns. Pure functions.

use serde::Serialize;
use serde_json::Value;

use super::tokens;
use crate::model::Word;

/// Maximum number of words of a window.
const MAX_WORDS: usize = 64;
/// The end of a sentence ends a window of at least this many words.
const MIN_WORDS: usize = 8;
/// Number of words after a window in which a phrase that begins in the window may end.
const FOLLOWING_WORDS: usize = 8;
/// Pause between two words, in ms, that ends a window.
const PAUSE_MS: i64 = 1_000;
/// Maximum number of tokens of a word; further ones are not searched. A registered timeline may have words of any length.
const MAX_WORD_TOKENS: usize = 16;
/// Maximum length of a language or speaker in bytes: longer ones do not fit in an index.
const MAX_NAME: usize = 64;
/// Microseconds per millisecond.
const MICROS: i64 = 1_000;

/// Consecutive words of one speaker and language: a row of `spoken_windows`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SpokenWindow {
    /// Start of the first word, in µs of the recording.
    pub start_us: i64,
    /// End of the last own word, in µs.
    pub end_us: i64,
    /// ISO 639-1 code of the words, if known.
    pub language: Option<String>,
    /// The speaker in the timeline, if known.
    pub speaker_id: Option<String>,
    /// The own words, then the words that follow the window.
    pub words: Vec<String>,
    /// Start of each of `words`, in ms.
    pub starts_ms: Vec<i64>,
    /// End of each of `words`, in ms.
    pub ends_ms: Vec<i64>,
    /// Number of own words, at least 1.
    pub own_words: usize,
    /// The tokens of `words`, in order.
    pub tokens: Vec<String>,
    /// Index in `words` of each of `tokens`.
    pub token_words: Vec<usize>,
    /// Number of `tokens` of own words, at least 1.
    pub own_tokens: usize,
}

/// The windows of the words of a timeline, in order. Each word with letters or digits is an own word of exactly one
/// window. `language` is that of words without a language of their own.
#[must_use]
pub fn windows(words: &[Word], language: Option<&str>) -> Vec<SpokenWindow> {
    let mut windows = Vec::new();
    let mut start = 0;
    for end in 1..=words.len() {
        if words.get(end).is_none_or(|next| is_boundary(&words[start..end], next)) {
            windows.extend(window(&words[start..], end - start, language));
            start = end;
        }
    }
    windows
}

/// Whether a window of `words`, which are not empty, ends before `next`.
fn is_boundary(words: &[Word], next: &Word) -> bool {
    let Some(last) = words.last() else { return false };
    words.len() >= MAX_WORDS
        || next.start_ms.saturating_sub(last.end_ms) >= PAUSE_MS
        || member(last, "speaker_id") != member(next, "speaker_id")
        || member(last, "language") != member(next, "language")
        || (words.len() >= MIN_WORDS && ends_sentence(&last.word))
}

fn member<'a>(word: &'a Word, name: &str) -> Option<&'a str> {
    word.more.get(name).and_then(Value::as_str)
}

/// A language or speaker that can be stored; otherwise `None`. Postgres stores no NUL.
fn name(text: &str) -> Option<String> {
    (!text.is_empty() && text.len() <= MAX_NAME && !text.contains('\0')).then(|| text.to_owned())
}

fn ends_sentence(word: &str) -> bool {
    let text = word.trim_end_matches(|letter: char| letter.is_whitespace() || "\"'”’»)]".contains(letter));
    text.ends_with(['.', '!', '?', '…', '。', '！', '？'])
}

/// The window of the first `own_words` of `words`; `None` if they have no letters or digits.
fn window(words: &[Word], own_words: usize, language: Option<&str>) -> Option<SpokenWindow> {
    let own = &words[..own_words];
    let (first, last) = (own.first()?, own.last()?);
    let all = &words[..words.len().min(own_words + FOLLOWING_WORDS)];
    let (mut all_tokens, mut token_words, mut own_tokens) = (Vec::new(), Vec::new(), 0);
    for (index, word) in all.iter().enumerate() {
        for token in tokens(&word.word).into_iter().take(MAX_WORD_TOKENS) {
            all_tokens.push(token);
            token_words.push(index);
        }
        if index + 1 == own_words {
            own_tokens = all_tokens.len();
        }
    }
    (own_tokens > 0).then(|| SpokenWindow {
        start_us: first.start_ms.max(0).saturating_mul(MICROS),
        end_us: last.end_ms.max(first.start_ms).max(0).saturating_mul(MICROS),
        language: member(first, "language").or(language).and_then(name),
        speaker_id: member(first, "speaker_id").and_then(name),
        // Postgres stores no NUL.
        words: all.iter().map(|word| word.word.trim().replace('\0', "")).collect(),
        starts_ms: all.iter().map(|word| word.start_ms).collect(),
        ends_ms: all.iter().map(|word| word.end_ms).collect(),
        own_words,
        tokens: all_tokens,
        token_words,
        own_tokens,
    })
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use serde_json::{Map, json};

    use super::*;

    fn word(text: &str, start_ms: i64, speaker: Option<&str>) -> Word {
        let more = speaker.map(|speaker| ("speaker_id".to_owned(), json!(speaker)));
        Word {
            word: text.to_owned(),
            start_ms,
            end_ms: start_ms + 200,
            confidence: None,
            more: more.into_iter().collect::<Map<_, _>>(),
        }
    }

    /// The own words of each window.
    fn own(words: &[Word]) -> Vec<String> {
        windows(words, Some("en")).iter().map(|window| window.words[..window.own_words].join(" ")).collect()
    }

    #[test]
    fn windows_end_at_pauses_speakers_and_sentences() {
        let said = |times: &[(&str, i64)]| -> Vec<Word> {
            times.iter().map(|(text, start)| word(text, *start, None)).collect()
        };
        assert_eq!(own(&said(&[("Hark", 0), ("back.", 300), ("Now", 600)])), ["Hark back. Now"]);
        assert_eq!(own(&said(&[("Hark", 0), ("back", 1_200)])), ["Hark", "back"]);
        assert_eq!(own(&[word("a", 0, Some("S1")), word("b", 300, Some("S2"))]), ["a", "b"]);
        let long: Vec<_> = (0..10).map(|n| word(if n == 8 { "end.”" } else { "w" }, n * 250, None)).collect();
        assert_eq!(own(&long), ["w w w w w w w w end.”", "w"]);
        assert_eq!(own(&said(&[("–", 0), ("…", 300)])), [""; 0]);
    }

    #[test]
    fn window_has_the_words_after_it() {
        let words = [word("Don't", 0, None), word("panic", 1_500, None), word("–", 1_800, None)];
        let made = windows(&words, Some("en"));
        assert_eq!(made.len(), 2);
        assert_eq!(made[0].words, ["Don't", "panic", "–"]);
        assert_eq!((made[0].start_us, made[0].end_us), (0, 200_000));
        assert_eq!((made[0].own_words, made[0].own_tokens), (1, 2));
        assert_eq!(made[0].tokens, ["don", "t", "panic"]);
        assert_eq!(made[0].token_words, [0, 0, 1]);
        assert_eq!(made[0].language.as_deref(), Some("en"));
    }

    #[test]
    fn names_and_words_of_registered_timelines_are_bounded() {
        let long = "x".repeat(MAX_NAME + 1);
        for (speaker, language) in [("S\0a", "e\0n"), (long.as_str(), long.as_str()), ("", "")] {
            let made = windows(&[word("hark", 0, Some(speaker))], Some(language));
            assert_eq!((&made[0].speaker_id, &made[0].language), (&None, &None), "{speaker:?}");
        }
        let made = windows(&[word("hark", 0, Some("S1"))], Some("en"));
        assert_eq!((made[0].speaker_id.as_deref(), made[0].language.as_deref()), (Some("S1"), Some("en")));
        let made = windows(&[word(&"a ".repeat(30_000), 0, None), word("back", 300, None)], None);
        assert_eq!((made[0].tokens.len(), made[0].token_words[MAX_WORD_TOKENS]), (MAX_WORD_TOKENS + 1, 1));
    }

    proptest! {
        #[test]
        fn each_word_is_own_word_of_one_window(gaps in vec((0i64..2_000, "[a-z.]{1,40}"), 0..200)) {
            let mut time = 0;
            let words: Vec<Word> = gaps.iter().map(|(gap, text)| { time += gap + 200; word(text, time, None) }).collect();
            let made = windows(&words, None);
            let expected: Vec<String> =
                words.iter().flat_map(|word| tokens(&word.word).into_iter().take(MAX_WORD_TOKENS)).collect();
            let tokens: Vec<String> =
                made.iter().flat_map(|window| window.tokens[..window.own_tokens].to_vec()).collect();
            prop_assert_eq!(tokens, expected);
            for window in &made {
                prop_assert!(window.own_words <= MAX_WORDS && window.words.len() <= window.own_words + FOLLOWING_WORDS);
                prop_assert!(window.end_us >= window.start_us);
                prop_assert_eq!(window.tokens.len(), window.token_words.len());
            }
        }
    }
}
