use std::fmt;

use crate::{AsrError, Language};

/// A speech model that transcribes one window of audio: at most [`crate::WINDOW`] mono samples at 16 kHz.
///
/// Blocking. `cancelled` is polled on the caller's thread.
pub trait Transcriber: Send + Sync + fmt::Debug {
    /// Name of the model, for messages.
    fn name(&self) -> &str;

    /// Whether the model supports this language.
    fn knows(&self, language: Language) -> bool;

    /// Whether the model supports several languages.
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

    /// Transcribes `samples` and returns the passes in the order of decoding: usually one, none without speech.
    ///
    /// # Errors
    /// See [`AsrError`].
    fn transcribe(
        &self,
        samples: &[f32],
        decoding: Decoding<'_>,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Vec<DecoderPass>, AsrError>;
}

/// How a window is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decoding<'a> {
    /// The language of the speech.
    pub language: Language,
    /// The search strategy of the decoder.
    pub search: Search,
    /// Initial prompt; empty for none.
    pub prompt: &'a str,
    /// Whether to translate to English.
    pub translate: bool,
}

/// The search strategy. Both are deterministic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Search {
    /// Takes the most likely token at each step.
    Greedy,
    /// Beam search with five beams.
    Beam,
}

/// One run of the decoder.
#[derive(Clone, Debug, PartialEq)]
pub struct DecoderPass {
    /// Probability that there is no speech, 0 to 1.
    pub no_speech: f32,
    /// The decoded tokens, in order.
    pub tokens: Vec<Token>,
}

impl DecoderPass {
    /// Mean log probability of all tokens, time tokens included.
    #[must_use]
    pub fn mean_log_probability(&self) -> f32 {
        let sum: f32 = self.tokens.iter().map(Token::log_probability).sum();
        sum / self.tokens.len().max(1) as f32
    }
}

/// A decoded text or time token.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// A token of text: a word or a part of one.
    Text {
        /// UTF-8, possibly only a part of a character; a leading space starts a word.
        bytes: Vec<u8>,
        /// Natural logarithm of its probability.
        log_probability: f32,
        /// Measured end in the window, in samples; `None` without alignment heads.
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
