//! Errors of models and of diarization.

use std::path::PathBuf;

/// A model file that cannot be used. The message states how to fix it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// The file does not exist.
    #[error(
        "speaker model file {path} not found; install it with `harkback models pull speakers --from <directory or URL>`",
        path = .0.display()
    )]
    Missing(PathBuf),
    /// The file exists and cannot be read.
    #[error("speaker model file {path} cannot be read: {reason}", path = .path.display())]
    Unreadable {
        /// Path of the file.
        path: PathBuf,
        /// Message of the operating system's error.
        reason: String,
    },
    /// The file is not the published export.
    #[error(
        "speaker model file {path} has SHA-256 {found}, expected {expected}; replace it with `harkback models pull speakers \
         --from <directory or URL>`",
        path = .path.display()
    )]
    Digest {
        /// Path of the file.
        path: PathBuf,
        /// SHA-256 of the file in hexadecimal.
        found: String,
        /// The published SHA-256 in hexadecimal.
        expected: &'static str,
    },
    /// The runtime rejects the graph, or the graph has other inputs or outputs than expected.
    #[error("speaker model file {path} is not usable: {reason}", path = .path.display())]
    Invalid {
        /// Path of the file.
        path: PathBuf,
        /// Message of the runtime's error.
        reason: String,
    },
}

/// A diarization or an embedding that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpeakerError {
    /// The runtime failed on one window.
    #[error("the speaker network `{network}` failed: {reason}")]
    Inference {
        /// Name of the network: `segmentation` or `embedding`.
        network: &'static str,
        /// Message of the runtime's error.
        reason: String,
    },
    /// The speech of a single speaker is too short for an embedding.
    #[error(
        "{found_ms} ms of speech of one speaker without overlap were found; at least {needed_ms} ms are needed"
    )]
    TooLittleSpeech {
        /// Speech found, in ms.
        found_ms: i64,
        /// Speech needed, in ms.
        needed_ms: i64,
    },
    /// The caller cancelled the operation.
    #[error("the diarization was cancelled")]
    Cancelled,
    /// Several speakers where one is expected.
    #[error("{0} speakers were found; give a window in which only one person speaks")]
    SeveralSpeakers(usize),
}
