use std::io;

use crate::ModelError;

/// Why a recording could not be read. Tells what is broken from what is not supported from what is too large,
/// and says what helps.
#[derive(Debug, thiserror::Error)]
pub enum SignalError {
    /// The bytes are of no media container known here.
    #[error("not a recording this service reads: {0}; convert it to WAV, FLAC, MP3, M4A, MP4, Ogg or WebM")]
    Unrecognised(String),
    /// A media file without sound.
    #[error("the {container} file has no audio stream; give a recording with sound")]
    NoAudioStream {
        /// The container, e.g. `isomp4`.
        container: String,
    },
    /// Malformed: the container is known, its content is broken.
    #[error("the recording is damaged: {0}; export it again from its source")]
    Undecodable(String),
    /// Well-formed perhaps, but of a kind that is not implemented.
    #[error("not supported: {0}; convert the sound to AAC-LC, MP3, Opus, Vorbis, FLAC or PCM")]
    Unsupported(String),
    /// Larger than what is accepted.
    #[error("{what} is {found}, the limit is {limit}; cut or resample the recording")]
    LimitExceeded {
        /// What is too large, e.g. `sample rate`.
        what: &'static str,
        /// How large it is, with its unit.
        found: String,
        /// What is accepted, with its unit.
        limit: String,
    },
    /// The source of the bytes failed; the recording may be sound.
    #[error("reading the recording failed: {0}")]
    Io(#[from] io::Error),
    /// The speech detector's model, part of this program, cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The caller asked to stop.
    #[error("cancelled")]
    Cancelled,
}

impl SignalError {
    /// Is the recording itself the reason (and not the source it is read from, this build or the caller)? The
    /// same bytes will then fail again.
    #[must_use]
    pub const fn is_about_media(&self) -> bool {
        !matches!(self, Self::Io(_) | Self::Model(_) | Self::Cancelled)
    }
}
