use audio_semantic_timeline::codes::WORDS_NOT_FOUND;
use audio_signal::SignalError;
use http_kit::codes::INVALID_BODY;
use http_kit::{FieldError, Problem, describe};
use media_decode::DecodeError;
use primitives::Id;

use crate::codes::{NOT_A_SAMPLE, OVERTAKEN, SLICE_TOO_LARGE, TOO_MANY_FILES, TRANSCRIPT_UNREADABLE};
use crate::cut::CutError;
use crate::model::Detector;

/// Why samples cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Parameters out of range.
    #[error("{}", describe(.0))]
    Invalid(Vec<FieldError>),
    /// The recording has not been transcribed.
    #[error(
        "asset {0} has no words: it has neither a transcript nor a semantic timeline made with a speech model; \
         POST /audio/semantic-timeline/analyze, or register an asr_transcript artifact"
    )]
    WordsNotFound(Id),
    /// The only words come from an analysis whose decoder misread the recording.
    #[error(
        "asset {0} has only outdated words: its timeline or transcript was made by an earlier decoder that read this \
         kind of file wrongly; POST /audio/semantic-timeline/analyze makes a new one"
    )]
    WordsStale(Id),
    /// A transcript artifact without a valid transcript.
    #[error(
        "transcript {artifact_id} cannot be read: {reason}; expected {{\"words\": [{{\"word\", \"start_ms\", \"end_ms\"}}]}}"
    )]
    TranscriptUnreadable {
        /// The artifact of the transcript.
        artifact_id: Id,
        /// Why it cannot be read.
        reason: String,
    },
    /// A slice larger than a WAV file can be.
    #[error("one of the {} has {frames} frames of {channels} channels, more than a WAV file can contain (4 GiB); \
             request shorter ones", .detector.as_str())]
    SliceTooLarge {
        /// The detector that found it.
        detector: Detector,
        /// Length of the slice in frames.
        frames: u64,
        /// Number of channels of the slice.
        channels: usize,
    },
    /// The recording changed while it was read, or its pieces could not be stored.
    #[error(transparent)]
    Cut(CutError),
    /// The recording cannot be decoded or analysed.
    #[error(transparent)]
    Signal(#[from] SignalError),
    /// The semantic timeline with the words cannot be read.
    #[error(transparent)]
    Semantics(#[from] audio_semantic_timeline::Error),
    /// The queue is full, or its work failed.
    #[error(transparent)]
    Work(#[from] scheduling::WorkError),
    /// The media store failed.
    #[error(transparent)]
    Media(#[from] media_v2::MediaError),
    /// The origins cannot be stored.
    #[error(transparent)]
    Origin(#[from] audio_to_video_origin::Error),
    /// Artifacts in the request for an archive that are not samples; their ids.
    #[error("{} of the artifacts are not WAV files of samples in the blob store; see ids", .0.len())]
    NotSamples(Vec<String>),
    /// An archive above its limits; what it would contain.
    #[error("the archive would have {0}; request several archives")]
    TooManyFiles(String),
    /// A concurrent request registered the same run first.
    #[error("an identical request finished first; repeat this request to get its result")]
    Overtaken,
    /// A stored run cannot be read.
    #[error("the stored run {cache_key} cannot be read")]
    Corrupt {
        /// Cache key of the run.
        cache_key: String,
        /// Error of the JSON parser.
        source: serde_json::Error,
    },
    /// Parameters or results cannot be serialized as JSON.
    #[error("the run cannot be written")]
    Unwritable(#[source] serde_json::Error),
    /// A query of the database failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl From<CutError> for Error {
    fn from(error: CutError) -> Self {
        match error {
            CutError::Decode(error) => error.into(),
            other => Self::Cut(other),
        }
    }
}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        Self::Signal(error.into())
    }
}

impl From<blob_store::BlobError> for Error {
    fn from(error: blob_store::BlobError) -> Self {
        Self::Media(error.into())
    }
}

impl Error {
    /// Whether the error concerns the input of one detector, so that the others can continue without it.
    pub(crate) const fn concerns_one_detector(&self) -> bool {
        matches!(
            self,
            Self::WordsNotFound(_)
                | Self::WordsStale(_)
                | Self::TranscriptUnreadable { .. }
                | Self::SliceTooLarge { .. }
                | Self::Semantics(audio_semantic_timeline::Error::SemanticsUnreadable { .. })
        )
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::Invalid(errors) => Self::new(INVALID_BODY, detail).fields(errors),
            Error::WordsNotFound(_) | Error::WordsStale(_) => Self::new(WORDS_NOT_FOUND, detail),
            Error::TranscriptUnreadable { .. } => Self::new(TRANSCRIPT_UNREADABLE, detail),
            Error::NotSamples(ids) => Self::new(NOT_A_SAMPLE, detail).with("ids", ids),
            Error::TooManyFiles(_) => Self::new(TOO_MANY_FILES, &detail).field("/artifact_ids", detail),
            Error::SliceTooLarge { .. } => Self::new(SLICE_TOO_LARGE, detail),
            Error::Cut(CutError::Changed) => media_v2::MediaError::SourceChanged.into(),
            Error::Cut(_) | Error::Corrupt { .. } | Error::Unwritable(_) => Self::internal(error),
            Error::Overtaken => Self::new(OVERTAKEN, detail).retry_after(1),
            // The same problem as for an analysis of the recording.
            Error::Signal(error) => audio_semantic_timeline::Error::Signal(error).into(),
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
