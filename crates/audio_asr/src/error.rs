use std::path::{Path, PathBuf};

use crate::Language;

/// Why a model cannot be used. Each message contains the file and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// The model's file does not exist.
    #[error("speech model `{asked}` not found{}; {remedy}", expected_path(asked, path))]
    Missing {
        /// The requested name or path.
        asked: String,
        /// The path of the missing file.
        path: PathBuf,
        /// How to fix it.
        remedy: String,
    },
    /// The file exists and cannot be read.
    #[error("the speech model {} cannot be read: {reason}; {remedy}", path.display())]
    Unreadable {
        /// Path of the file.
        path: PathBuf,
        /// Message of the operating system's error.
        reason: String,
        /// How to fix it.
        remedy: String,
    },
    /// The file is not a complete Whisper model.
    #[error("{} is not a usable speech model: {reason}; {remedy}", path.display())]
    Invalid {
        /// Path of the file.
        path: PathBuf,
        /// Why it is invalid.
        reason: String,
        /// How to fix it.
        remedy: String,
    },
    /// A complete model that differs from the published one of its name. It can be used by its path.
    #[error(
        "{} is a speech model, but not the published one: its SHA-1 is {found}, published is {published}; use it by its \
         path, or {remedy}",
        path.display()
    )]
    NotPublished {
        /// Path of the file.
        path: PathBuf,
        /// SHA-1 of the file, in hexadecimal.
        found: String,
        /// SHA-1 of the published file, in hexadecimal.
        published: &'static str,
        /// How to get the published one.
        remedy: String,
    },
    /// The file changed while it was read.
    #[error("the speech model {} is being written; wait until it is complete", path.display())]
    Changing {
        /// Path of the file.
        path: PathBuf,
    },
}

/// The path of a model requested by name, which its name does not contain.
fn expected_path(asked: &str, path: &Path) -> String {
    if path == Path::new(asked) { String::new() } else { format!(": no file {}", path.display()) }
}

/// Why audio cannot be transcribed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AsrError {
    /// The caller cancelled the transcription.
    #[error("cancelled")]
    Cancelled,
    /// The model does not support the language.
    #[error("the speech model `{model}` does not support the language `{language}`; {remedy}")]
    UnsupportedLanguage {
        /// Name of the model.
        model: String,
        /// The language that was requested.
        language: Language,
        /// How to fix it.
        remedy: &'static str,
    },
    /// whisper.cpp returned an error.
    #[error("whisper.cpp failed: {0}")]
    Engine(String),
    /// The thread that owns the model has ended.
    #[error("the thread of the speech model `{0}` has ended")]
    Stopped(String),
}

/// Why a recording cannot be transcribed.
#[derive(Debug, thiserror::Error)]
pub enum TranscribeError<E> {
    /// The source failed to read the samples.
    #[error(transparent)]
    Source(E),
    /// The transcription of the samples failed.
    #[error(transparent)]
    Asr(#[from] AsrError),
}
