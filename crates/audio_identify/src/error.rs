use audio_fingerprint::QueryError;
use audio_signal::SignalError;
use axum::response::{IntoResponse, Response};
use http_kit::codes::{INVALID_BODY, STORAGE_FULL};
use http_kit::{FieldError, Problem, describe};
use media_decode::DecodeError;
use media_time::MediaTime;
use media_v2::{MediaError, decode_problem};
use primitives::Id;

use crate::codes::{
    QUERY_SILENT, QUERY_TOO_LONG, QUERY_TOO_SHORT, RECORDING_TOO_LONG, SOURCES_TOO_LONG, TOO_MANY_POSTINGS,
};

/// Why audio cannot be identified or indexed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Fields of the request are invalid.
    #[error("{}", describe(.0))]
    Invalid(Vec<FieldError>),
    /// The query is shorter than 0.3 s.
    #[error("the audio to identify has {0} ms; at least 300 ms are needed")]
    QueryTooShort(i64),
    /// The query is longer than [`MAX_QUERY`](crate::MAX_QUERY).
    #[error("the audio to identify has more than {} h; identify parts of it", crate::MAX_QUERY.as_millis_floor() / 3_600_000)]
    QueryTooLong,
    /// The query of a form is longer than [`MAX_FORM_QUERY`](crate::MAX_FORM_QUERY).
    #[error(
        "the file to identify has more than {} min; upload it as an asset and give `asset_id`, or give a window of it",
        crate::MAX_FORM_QUERY.as_millis_floor() / 60_000
    )]
    FormTooLong,
    /// No sample of the query is above −72 dBFS.
    #[error("the audio to identify is silent; use a window with audio")]
    QuerySilent,
    /// The index has more landmarks of the query's hashes than are read at once.
    #[error("the index has too many landmarks like those of the audio; use another window")]
    TooManyPostings,
    /// A recording is longer than what is aligned or conformed.
    #[error("asset {asset_id} is longer than {} h; use parts of it", .limit.as_millis_floor() / 3_600_000)]
    RecordingTooLong {
        /// The recording.
        asset_id: Id,
        /// The maximum.
        limit: MediaTime,
    },
    /// The sources of an edit are longer than [`MAX_SOURCES_LENGTH`](crate::MAX_SOURCES_LENGTH) together.
    #[error(
        "the sources last {length}, longer than the {} that are compared; name fewer",
        crate::MAX_SOURCES_LENGTH
    )]
    SourcesTooLong {
        /// Their length.
        length: MediaTime,
    },
    /// The staging directory has no room for the decoded samples.
    #[error("the samples may need {needed_bytes} bytes of temporary files, and {free_bytes} are free")]
    NoRoom {
        /// Number of bytes that may be needed.
        needed_bytes: u64,
        /// Number of bytes that are free.
        free_bytes: u64,
    },
    /// One of several recordings cannot be used.
    #[error("asset {asset_id}: {source}")]
    Recording {
        /// The recording.
        asset_id: Id,
        /// The cause.
        source: Box<Error>,
    },
    /// An error of the timeline client, such as an unknown project.
    #[error(transparent)]
    Timeline(#[from] video_timeline::Error),
    /// A recording cannot be decoded.
    #[error(transparent)]
    Decode(DecodeError),
    /// The converter of sample rates failed.
    #[error(transparent)]
    Signal(SignalError),
    /// Decoded samples cannot be written to or read from the staging directory.
    #[error("the decoded samples cannot be stored")]
    Scratch(#[source] std::io::Error),
    /// The queue is full, or its work failed.
    #[error(transparent)]
    Work(#[from] scheduling::WorkError),
    /// An error of the media store, such as an unknown asset.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// The origin cannot be stored.
    #[error(transparent)]
    Origin(#[from] audio_to_video_origin::Error),
    /// A database query failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl From<SignalError> for Error {
    fn from(error: SignalError) -> Self {
        match error {
            SignalError::Decode(error) => Self::Decode(error),
            other @ SignalError::Model(_) => Self::Signal(other),
        }
    }
}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

impl From<blob_store::BlobError> for Error {
    fn from(error: blob_store::BlobError) -> Self {
        Self::Media(error.into())
    }
}

impl From<QueryError> for Error {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::TooShort => Self::QueryTooShort(0),
            QueryError::TooLong => Self::QueryTooLong,
            QueryError::Silent => Self::QuerySilent,
        }
    }
}

impl Error {
    /// The error of one invalid field.
    pub(crate) fn invalid(pointer: &str, detail: &str) -> Self {
        Self::Invalid(vec![FieldError { pointer: pointer.to_owned(), detail: detail.to_owned() }])
    }

    /// Whether the cause concerns more than one recording: the disk, the database or the caller.
    pub(crate) fn concerns_all(&self) -> bool {
        match self {
            Self::Decode(error) => matches!(error, DecodeError::Cancelled),
            Self::Media(error) => matches!(error, MediaError::Database(_) | MediaError::Queue(_)),
            Self::Scratch(_) | Self::Database(_) | Self::Work(_) => true,
            Self::Recording { source, .. } => source.concerns_all(),
            _ => false,
        }
    }

    /// Whether the cause is the recording, so that the same bytes fail again.
    pub(crate) fn is_about_media(&self) -> bool {
        matches!(self, Self::Decode(error) if error.is_about_media())
    }

    /// This error as that of one of several recordings.
    pub(crate) fn of_recording(self, asset_id: &Id) -> Self {
        match self {
            error @ (Self::RecordingTooLong { .. } | Self::Recording { .. }) => error,
            error => Self::Recording { asset_id: asset_id.clone(), source: Box::new(error) },
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::Invalid(errors) => Self::new(INVALID_BODY, detail).fields(errors),
            Error::QueryTooShort(_) => Self::new(QUERY_TOO_SHORT, detail),
            Error::QueryTooLong | Error::FormTooLong => Self::new(QUERY_TOO_LONG, detail),
            Error::QuerySilent => Self::new(QUERY_SILENT, detail),
            Error::TooManyPostings => Self::new(TOO_MANY_POSTINGS, detail),
            Error::RecordingTooLong { asset_id, .. } => {
                Self::new(RECORDING_TOO_LONG, detail).with("id", asset_id.as_str())
            }
            Error::SourcesTooLong { .. } => Self::new(SOURCES_TOO_LONG, detail),
            Error::NoRoom { .. } => Self::new(STORAGE_FULL, detail),
            Error::Recording { asset_id, source } => {
                Self::from(*source).about(&format!("asset {asset_id}")).with("id", asset_id.as_str())
            }
            Error::Timeline(error) => error.into(),
            Error::Decode(error) => decode_problem(error),
            Error::Signal(_) => Self::internal(error),
            Error::Scratch(error) => Self::storage(blob_store::BlobError::Io(error)),
            Error::Work(error) => error.into(),
            Error::Media(error) => error.into(),
            Error::Origin(error) => error.into(),
            Error::Database(error) => error.into(),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problem_of_one_of_several_recordings_names_it() {
        let error = Error::from(DecodeError::NoAudioStream { container: "mp4".to_owned() });
        let problem = Problem::from(error.of_recording(&"take_1".parse().unwrap()));
        assert_eq!(problem.code(), "no_audio_stream");
        assert!(problem.detail().starts_with("asset take_1: "), "{}", problem.detail());
    }
}
