use axum::response::{IntoResponse, Response};
use http_kit::Problem;
use http_kit::codes::STORAGE_FULL;
use media_decode::DecodeError;
use media_time::MediaTime;
use media_v2::MediaError;
use primitives::Id;
use scheduling::WorkError;

use crate::codes::MIX_TOO_LONG;

/// Why clips cannot be mixed.
#[derive(Debug, thiserror::Error)]
pub enum MixError {
    /// A recording cannot be decoded, or the caller cancelled the work.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A temporary file cannot be read or written.
    #[error("a temporary file failed")]
    Io(#[from] std::io::Error),
}

/// Why a pattern cannot be rendered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The pattern is longer than a render may be.
    #[error("the pattern lasts {length}, longer than the {limit} that are rendered")]
    TooLong {
        /// Its length.
        length: MediaTime,
        /// The maximum.
        limit: MediaTime,
    },
    /// The disk has no room for the mix and its intermediate files.
    #[error("the mix may need {needed_bytes} bytes of temporary files, and {free_bytes} are free")]
    NoRoom {
        /// Number of bytes that may be needed.
        needed_bytes: u64,
        /// Number of bytes that are free.
        free_bytes: u64,
    },
    /// A sample cannot be decoded.
    #[error("artifact `{artifact_id}` cannot be mixed: {source}")]
    Sample {
        /// The sample.
        artifact_id: Id,
        /// The cause.
        source: MixError,
    },
    /// The pattern does not exist, or its store failed.
    #[error(transparent)]
    Pattern(#[from] audio_pattern_engine::Error),
    /// The media store failed, or samples are missing.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// Mixing failed.
    #[error(transparent)]
    Mix(#[from] MixError),
    /// The queue is full, or the work was cancelled.
    #[error(transparent)]
    Work(#[from] WorkError),
    /// A query of the database failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl From<MixError> for Problem {
    fn from(error: MixError) -> Self {
        match error {
            MixError::Decode(error) => MediaError::from(error).into(),
            MixError::Io(error) => MediaError::from(error).into(),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::TooLong { .. } => Self::new(MIX_TOO_LONG, detail),
            Error::Sample { source, artifact_id } => Self::from(source).with("id", artifact_id.as_str()),
            Error::NoRoom { .. } => Self::new(STORAGE_FULL, detail),
            Error::Pattern(error) => error.into(),
            Error::Media(error) => error.into(),
            Error::Mix(error) => error.into(),
            Error::Work(error) => error.into(),
            Error::Database(error) => error.into(),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}
