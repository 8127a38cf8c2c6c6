//! Groups tokens into phrases and words.

use crate::{DecoderPass, Language, Token};

/// Music symbols, and the replacement character of incomplete UTF-8.
const IGNORED: &[char] = &['♩', '♪', '♫', '♬', char::REPLACEMENT_CHARACTER];

/// The words between two time tokens.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Phrase {
    pub(crate) words: Vec<PhraseWord>,
    /// Start in the window in samples, if there is a time token.
    pub(crate) start: Option<usize>,
    /// End in the window in samples, if there is a time token.
    pub(crate) end: Option<usize>,
}

/// A word of a phrase.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PhraseWord {
    /// Text of the word without surrounding spaces.
    pub(crate) text: String,
    /// Geometric mean of its tokens' probabilities, 0 to 1.
    pub(crate) probability: f32,
    /// Measured start and end in the window, in samples.
    pub(crate) start: Option<usize>,
    pub(crate) end: Option<usize>,
}

impl Phrase {
    /// The words, separated by spaces.
    pub(crate) fn text(&self) -> String {
        let words: Vec<&str> = self.words.iter().map(|word| word.text.as_str()).collect();
        words.join(" ")
    }
}

/// A word under construction.
#[derive(Default)]
struct WordBuilder {
    bytes: Vec<u8>,
    log_probability: f32,
    tokens: usize,
    start: Option<usize>,
    end: Option<usize>,
}

/// The phrases of a pass, in order; those without words are left out.
pub(crate) fn phrases(pass: &DecoderPass, language: Language) -> Vec<Phrase> {
    let mut found = Vec::new();
    let mut phrase = Phrase::default();
    let mut drafts: Vec<WordBuilder> = Vec::new();
    // End of the previous text token.
    let mut previous_end = None;
    let mut finish = |mut phrase: Phrase, drafts: Vec<WordBuilder>| {
        drafts.into_iter().for_each(|draft| phrase.add(draft));
        found.extend((!phrase.words.is_empty()).then_some(phrase));
    };
    for token in &pass.tokens {
        match token {
            Token::Text { bytes, log_probability, end } => {
                let begins = drafts.last().is_none_or(|draft| draft.ends_before(bytes, language));
                if begins {
                    drafts.push(WordBuilder { start: previous_end, ..WordBuilder::default() });
                }
                if let Some(draft) = drafts.last_mut() {
                    draft.add(bytes, *log_probability, *end);
                }
                previous_end = *end;
            }
            Token::Time { at, .. } if drafts.is_empty() => phrase.start = Some(*at),
            Token::Time { at, .. } => {
                phrase.end = Some(*at);
                finish(std::mem::take(&mut phrase), std::mem::take(&mut drafts));
                // Without another time token, the next phrase starts where this one ended.
                phrase.start = Some(*at);
            }
        }
    }
    finish(phrase, drafts);
    found
}

impl WordBuilder {
    /// Appends a token. The time of punctuation covers the pause after the word and does not extend it.
    fn add(&mut self, bytes: &[u8], log_probability: f32, end: Option<usize>) {
        let is_punctuation = !self.bytes.is_empty() && bytes.iter().all(u8::is_ascii_punctuation);
        self.bytes.extend(bytes);
        self.log_probability += log_probability;
        self.tokens += 1;
        if !is_punctuation {
            self.end = end;
        }
    }

    /// Whether a token with these bytes starts the next word.
    fn ends_before(&self, bytes: &[u8], language: Language) -> bool {
        let is_whole = || std::str::from_utf8(&self.bytes).is_ok();
        bytes.starts_with(b" ") || (language.is_unspaced() && is_whole())
    }
}

impl Phrase {
    fn add(&mut self, draft: WordBuilder) {
        let text = String::from_utf8_lossy(&draft.bytes).replace(IGNORED, "");
        let text = text.trim();
        if text.contains(char::is_alphanumeric) {
            let probability = (draft.log_probability / draft.tokens.max(1) as f32).exp();
            let probability = probability.clamp(0.0, 1.0);
            self.words.push(PhraseWord {
                text: text.to_owned(),
                probability,
                start: draft.start,
                end: draft.end,
            });
        } else if let Some(last) = self.words.last_mut() {
            // Punctuation on its own is appended to the previous word.
            last.text.push_str(text);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn text(text: &str) -> Token {
        Token::Text { bytes: text.as_bytes().to_vec(), log_probability: -0.1, end: None }
    }

    pub(crate) fn time(at: usize) -> Token {
        Token::Time { at, log_probability: -0.1 }
    }

    fn found(tokens: &[Token], language: &str) -> Vec<(Option<usize>, String, Option<usize>)> {
        let pass = DecoderPass { no_speech: 0.0, tokens: tokens.to_vec() };
        let phrases = phrases(&pass, Language::from_code(language).unwrap());
        phrases.into_iter().map(|phrase| (phrase.start, phrase.text(), phrase.end)).collect()
    }

    #[test]
    fn phrases_are_delimited_by_time_tokens() {
        let tokens = [
            time(10),
            text(" And"),
            text(" so"),
            time(20),
            time(30),
            text(" my"),
            text(" fel"),
            text("low."),
        ];
        let expected = [(Some(10), "And so".to_owned(), Some(20)), (Some(30), "my fellow.".to_owned(), None)];
        assert_eq!(found(&tokens, "en"), expected);
    }

    #[test]
    fn numbers_and_punctuation_are_parts_of_words() {
        let tokens =
            [time(0), text(" 1"), text("9"), text("69"), text(" -"), text(" ok"), text("!"), time(9)];
        assert_eq!(found(&tokens, "en"), [(Some(0), "1969- ok!".to_owned(), Some(9))]);
    }

    #[test]
    fn text_without_words_gives_no_phrase() {
        assert!(found(&[time(0), text(" ..."), time(9)], "en").is_empty());
        assert!(found(&[time(0), time(9)], "en").is_empty());
        assert!(found(&[], "en").is_empty());
    }

    #[test]
    fn split_characters_are_joined() {
        let [a, b, c] = [0xe4, 0xbd, 0xa0].map(|byte| Token::Text {
            bytes: vec![byte],
            log_probability: -0.1,
            end: None,
        });
        let tokens = [time(0), a, b, c, text("好"), time(5)];
        assert_eq!(found(&tokens, "zh"), [(Some(0), "你 好".to_owned(), Some(5))]);
    }
}
