use axum::response::{IntoResponse, Response};
use http_kit::Problem;
use scheduling::WorkError;

use crate::codes::EXPORT_TOO_LARGE;

/// Why an export could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An error of the timeline, such as an unknown sequence.
    #[error(transparent)]
    Timeline(#[from] video_timeline::Error),
    /// An error of the shot lists, such as an unknown one.
    #[error(transparent)]
    ShotList(#[from] audio_to_video_origin::Error),
    /// An error of the semantic timelines, such as an unknown one.
    #[error(transparent)]
    Semantics(#[from] audio_semantic_timeline::Error),
    /// An error of the media store.
    #[error(transparent)]
    Media(#[from] media_v2::MediaError),
    /// A link could not be signed.
    #[error(transparent)]
    Link(#[from] access::Error),
    /// A sequence or shot list with too many clips or tracks.
    #[error("more than {limit} {items} cannot be exported at once: export them in parts")]
    TooLarge {
        /// Maximum number.
        limit: usize,
        /// What is counted: `clips` or `tracks`.
        items: &'static str,
    },
    /// The work queue rejected or interrupted the work.
    #[error(transparent)]
    Work(#[from] WorkError),
    /// A database query failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Timeline(error) => error.into(),
            Error::ShotList(error) => error.into(),
            Error::Semantics(error) => error.into(),
            Error::Media(error) => error.into(),
            Error::Link(error) => error.into(),
            Error::TooLarge { .. } => Self::new(EXPORT_TOO_LARGE, error.to_string()),
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
