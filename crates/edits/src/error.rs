use audio_to_video_origin::codes::TOO_MANY_SHOTS;
use axum::response::{IntoResponse, Response};
use http_kit::codes::INVALID_BODY;
use http_kit::{FieldError, Problem, describe, list_ids};
use media_time::MediaTime;
use primitives::Id;

use crate::MAX_SHOTS;
use crate::codes::{BEATS_REQUIRED, EMPTY_EDIT, PHRASE_NOT_FOUND, SEMANTICS_REQUIRED, SOURCES_TOO_SHORT};
use crate::timeline::MAX_LAYERS;

/// Why an edit or its timeline could not be made. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Fields of the request are invalid.
    #[error("{}", describe(.0))]
    Invalid(Vec<FieldError>),
    /// Recordings without a semantic timeline.
    #[error("no semantic timeline yet: {}; POST /audio/semantic-timeline/analyze for each", list_ids(.0))]
    SemanticsRequired(Vec<String>),
    /// The music has no beats to cut at.
    #[error("{missing}: asset {asset_id}")]
    BeatsRequired {
        /// The music.
        asset_id: Id,
        /// What is missing.
        missing: MissingBeats,
    },
    /// The phrase is not in the words of the recordings.
    #[error("`{0}` is not in the words of these recordings")]
    PhraseNotFound(String),
    /// No source is as long as an interval.
    #[error("no source is as long as the interval of {} ms of the music", .0.as_millis_f64())]
    SourcesTooShort(MediaTime),
    /// The recording has nothing but silence.
    #[error("nothing of asset {0} is left: all of it is silence")]
    Empty(Id),
    /// More than [`MAX_SHOTS`] shots.
    #[error("{shots} shots exceed the {MAX_SHOTS} allowed: make it in parts")]
    TooManyShots {
        /// Number of shots.
        shots: usize,
    },
    /// More than 64 shots at the same time.
    #[error("more than {MAX_LAYERS} shots of the list overlap: a timeline has at most {MAX_LAYERS} layers")]
    TooManyLayers,
    /// An error of the shot lists, such as an unknown one.
    #[error(transparent)]
    ShotList(#[from] audio_to_video_origin::Error),
    /// An error of the semantic timelines, such as a timeline without words.
    #[error(transparent)]
    Semantics(#[from] audio_semantic_timeline::Error),
    /// An error of the search.
    #[error(transparent)]
    Library(#[from] library::Error),
    /// An error of the media store, such as unknown assets.
    #[error(transparent)]
    Media(#[from] media_v2::MediaError),
    /// An error of the timeline client.
    #[error(transparent)]
    Timeline(#[from] video_timeline::Error),
    /// The work queue rejected or interrupted the work.
    #[error(transparent)]
    Work(#[from] scheduling::WorkError),
    /// A database query failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

/// What music lacks that an edit cuts at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MissingBeats {
    /// Its timeline has no beats at all.
    #[error("the recording has no beats; use other music, or analyse it with `include_beats`")]
    Everywhere,
    /// There are beats, but none in the window.
    #[error("no beat of the music is in the window; use another window")]
    InWindow,
    /// There are beats in the window, but no bar begins there.
    #[error("no bar of the music begins in the window; use `every: beat` or another window")]
    Bars,
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::Invalid(errors) => Self::new(INVALID_BODY, detail).fields(errors),
            Error::SemanticsRequired(ids) => Self::new(SEMANTICS_REQUIRED, detail).with("ids", ids),
            Error::BeatsRequired { asset_id, .. } => {
                Self::new(BEATS_REQUIRED, detail).with("ids", vec![asset_id.to_string()])
            }
            Error::PhraseNotFound(_) => Self::new(PHRASE_NOT_FOUND, &detail).field("/q", detail),
            Error::SourcesTooShort(_) => Self::new(SOURCES_TOO_SHORT, detail),
            Error::Empty(_) => Self::new(EMPTY_EDIT, detail),
            Error::TooManyShots { .. } | Error::TooManyLayers => Self::new(TOO_MANY_SHOTS, detail),
            Error::ShotList(error) => error.into(),
            Error::Semantics(error) => error.into(),
            Error::Library(library::Error::InvalidQuery { detail: reason, .. }) => {
                Self::new(INVALID_BODY, &detail).field("/q", reason)
            }
            Error::Library(error) => error.into(),
            Error::Media(error) => error.into(),
            Error::Timeline(error) => error.into(),
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
