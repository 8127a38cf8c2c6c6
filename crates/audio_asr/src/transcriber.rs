use std::fmt;

use crate::{AsrError, Language};

/// What a speech model does with one window of sound: at most [`crate::WINDOW`] mono samples at 16 kHz.
///
/// Blocking. `cancelled` is asked now and then, on the caller's thread.
pub trait Transcriber: Send + Sync + fmt::Debug {
    /// Its name, for messages.
    fn name(&self) -> &str;

    /// Does it know this language?
    fn knows(&self, language: Language) -> bool;

    /// Does it support several languages?
    fn is_multilingual(&self) -> bool;

    /// Number of windows that it transcribes at the same time.
    fn parallelism(&self) -> usize {
        1
    }

    /// Probability of each supported language in `samples`, most likely first.
    ///
    /// # Errors
    /// See [`AsrError`].
    fn detect_language(
        &self,
        samples: &[f32],
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Vec<(Language, f32)>, AsrError>;

    /// What is said in `samples`, in the order it was decoded: usually one pass, none when nothing is.
    ///
    /// # Errors
    /// See [`AsrError`].
    fn transcribe(
        &self,
        samples: &[f32],
        decoding: Decoding<'_>,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Vec<Pass>, AsrError>;
}

/// How a window is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decoding<'a> {
    /// The spoken language.
    pub language: Language,
    /// The search strategy.
    pub search: Search,
    /// Initial prompt; empty for none.
    pub prompt: &'a str,
    /// Translate to English.
    pub translate: bool,
}

/// The search strategy. Both are deterministic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Search {
    /// The most likely token at each step.
    Greedy,
    /// Beam search with five beams.
    Beam,
}

/// One run of the decoder.
#[derive(Clone, Debug, PartialEq)]
pub struct Pass {
    /// Probability that nobody speaks at all, 0 to 1.
    pub no_speech: f32,
    /// What was decoded.
    pub tokens: Vec<Token>,
}

impl Pass {
    /// Mean log probability of all tokens, time tokens included.
    #[must_use]
    pub fn mean_log_probability(&self) -> f32 {
        let sum: f32 = self.tokens.iter().map(Token::log_probability).sum();
        sum / self.tokens.len().max(1) as f32
    }
}

/// A decoded token.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// A piece of text.
    Text {
        /// UTF-8, perhaps only a part of a character; a leading space begins a word.
        bytes: Vec<u8>,
        /// Natural logarithm of its probability.
        log_probability: f32,
        /// Measured end in the window, in samples; none without alignment heads.
        end: Option<usize>,
    },
    /// A time token: the end of the previous phrase or the start of the next one.
    Time {
        /// The instant in the window, in samples.
        at: usize,
        /// Natural logarithm of its probability.
        log_probability: f32,
    },
}

impl Token {
    const fn log_probability(&self) -> f32 {
        match self {
            Self::Text { log_probability, .. } | Self::Time { log_probability, .. } => *log_probability,
        }
    }
}
