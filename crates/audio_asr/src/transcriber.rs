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

    /// The language spoken in `samples`. A model for one language tells that one.
    ///
    /// # Errors
    /// See [`AsrError`].
    fn detect_language(&self, samples: &[f32], cancelled: &dyn Fn() -> bool) -> Result<Language, AsrError>;

    /// What is said in `samples`, in the order it was decoded: usually one pass, none when nothing is.
    ///
    /// # Errors
    /// See [`AsrError`].
    fn transcribe(
        &self,
        samples: &[f32],
        language: Language,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Vec<Pass>, AsrError>;
}

/// One run of the decoder.
#[derive(Clone, Debug, PartialEq)]
pub struct Pass {
    /// Probability that nobody speaks at all, 0 to 1.
    pub no_speech: f32,
    /// What was decoded.
    pub tokens: Vec<Token>,
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
    },
    /// An instant of the window, in samples: what was said before ends here, or what follows begins.
    Time(usize),
}
