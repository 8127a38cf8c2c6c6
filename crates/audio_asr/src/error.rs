use std::path::{Path, PathBuf};

use crate::Language;

/// Why a model cannot be used. Each names the file and what helps.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// There is no such file.
    #[error("the speech model `{asked}` is not there{}; {remedy}", looked_for(asked, path))]
    Missing {
        /// The name or path asked for.
        asked: String,
        /// Where it was looked for.
        path: PathBuf,
        /// What to do.
        remedy: String,
    },
    /// The file cannot be read.
    #[error("the speech model {} cannot be read: {reason}; {remedy}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
        /// What to do.
        remedy: String,
    },
    /// It is no whole Whisper model.
    #[error("{} is no usable speech model: {reason}; {remedy}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// What to do.
        remedy: String,
    },
    /// It changed while it was read.
    #[error("the speech model {} is being written; wait until it is whole", path.display())]
    Changing {
        /// The file.
        path: PathBuf,
    },
}

/// A name does not tell where its file would be.
fn looked_for(asked: &str, path: &Path) -> String {
    if path == Path::new(asked) { String::new() } else { format!(": no file {}", path.display()) }
}

/// Why sound was not transcribed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AsrError {
    /// Nobody waits any longer.
    #[error("cancelled")]
    Cancelled,
    /// The model does not know the language.
    #[error("the speech model `{model}` does not know the language `{language}`; {remedy}")]
    UnsupportedLanguage {
        /// The model's name.
        model: String,
        /// What was asked for.
        language: Language,
        /// What to do.
        remedy: &'static str,
    },
    /// whisper.cpp failed.
    #[error("whisper.cpp failed: {0}")]
    Engine(String),
    /// The thread that owns the model is gone.
    #[error("the thread of the speech model `{0}` has ended")]
    Stopped(String),
}

/// Why a recording was not transcribed.
#[derive(Debug, thiserror::Error)]
pub enum TranscribeError<E> {
    /// Its samples could not be had.
    #[error(transparent)]
    Source(E),
    /// They could not be transcribed.
    #[error(transparent)]
    Asr(#[from] AsrError),
}
