use http_kit::{FieldError, Id, Problem};
use media_decode::DecodeError;

use crate::cut::CutError;
use crate::model::Detector;

/// Why samples were not made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Parameters out of range.
    #[error("{}", describe(.0))]
    Invalid(Vec<FieldError>),
    /// Nobody has listened to what is said in the recording.
    #[error(
        "asset {0} has no words: it has neither a transcript nor a semantic timeline made with a speech model; \
         POST /audio/semantic-timeline/analyze, or register an asr_transcript artifact"
    )]
    WordsNotFound(Id),
    /// There are words, but of an analysis whose decoder read the recording wrongly.
    #[error(
        "asset {0} has no words that count: its timeline or transcript was made by an earlier decoder that read this \
         kind of file wrongly; POST /audio/semantic-timeline/analyze makes a new one"
    )]
    WordsStale(Id),
    /// A transcript that is none.
    #[error(
        "transcript {artifact_id} cannot be read: {reason}; expected {{\"words\": [{{\"word\", \"start_ms\", \"end_ms\"}}]}}"
    )]
    TranscriptUnreadable {
        /// Its artifact.
        artifact_id: Id,
        /// What is wrong with it.
        reason: String,
    },
    /// Larger than a WAV file can be.
    #[error("one of the {} would have {frames} frames of {channels} channels, more than a WAV file can hold (4 GiB); \
             ask for shorter ones", .detector.as_str())]
    SliceTooLarge {
        /// Which detector found it.
        detector: Detector,
        /// Its length.
        frames: u64,
        /// Samples per frame.
        channels: usize,
    },
    /// The recording changed while it was read.
    #[error(transparent)]
    Cut(CutError),
    /// The recording cannot be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The semantic timeline with the words.
    #[error(transparent)]
    Semantics(#[from] audio_semantic_timeline::Error),
    /// Too much of this work.
    #[error(transparent)]
    Work(#[from] http_kit::WorkError),
    /// The media store.
    #[error(transparent)]
    Media(#[from] media_v2::MediaError),
    /// The origins.
    #[error(transparent)]
    Origin(#[from] audio_to_video_origin::Error),
    /// Somebody else made the same, without waiting for this request's turn to end.
    #[error("an identical request was quicker; send it again to get what it made")]
    Overtaken,
    /// A run that was kept cannot be read.
    #[error("the kept run {cache_key} cannot be read")]
    Corrupt {
        /// Its key.
        cache_key: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The database.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl From<CutError> for Error {
    fn from(error: CutError) -> Self {
        match error {
            CutError::Decode(error) => Self::Decode(error),
            other => Self::Cut(other),
        }
    }
}

impl From<blob_store::BlobError> for Error {
    fn from(error: blob_store::BlobError) -> Self {
        Self::Media(error.into())
    }
}

impl Error {
    /// Is it about what one detector needs, so that the others can do without?
    pub(crate) const fn concerns_one_detector(&self) -> bool {
        matches!(
            self,
            Self::WordsNotFound(_)
                | Self::WordsStale(_)
                | Self::TranscriptUnreadable { .. }
                | Self::SliceTooLarge { .. }
                | Self::Semantics(audio_semantic_timeline::Error::Corrupt { .. })
        )
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::Invalid(errors) => errors
                .into_iter()
                .fold(Self::unprocessable("invalid_body", detail), |p, e| p.field(e.pointer, e.detail)),
            Error::WordsNotFound(_) | Error::WordsStale(_) => Self::unprocessable("words_not_found", detail),
            Error::TranscriptUnreadable { .. } => Self::unprocessable("transcript_unreadable", detail),
            Error::SliceTooLarge { .. } => Self::unprocessable("slice_too_large", detail),
            Error::Cut(CutError::Changed) => media_v2::MediaError::SourceChanged.into(),
            Error::Cut(_) | Error::Corrupt { .. } => Self::internal(error),
            Error::Overtaken => Self::unavailable("overtaken", detail, 1),
            // As an analysis of the same recording answers.
            Error::Decode(error) => audio_semantic_timeline::Error::Signal(error.into()).into(),
            Error::Semantics(error) => error.into(),
            Error::Work(error) => error.into(),
            Error::Media(error) => error.into(),
            Error::Origin(error) => error.into(),
            Error::Database(error) => error.into(),
        }
    }
}

impl axum::response::IntoResponse for Error {
    fn into_response(self) -> axum::response::Response {
        Problem::from(self).into_response()
    }
}

fn describe(errors: &[FieldError]) -> String {
    errors.iter().map(|error| format!("{}: {}", error.pointer, error.detail)).collect::<Vec<_>>().join("; ")
}
