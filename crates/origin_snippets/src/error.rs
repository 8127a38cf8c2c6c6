use axum::response::{IntoResponse, Response};
use http_kit::codes::INVALID_BODY;
use http_kit::{FieldError, Problem, describe, list_ids};

use crate::codes::ORIGIN_MISSING;

/// Why a batch or listing failed. No snippets were made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Request fields are out of range.
    #[error("{}", describe(.0))]
    Invalid(Vec<FieldError>),
    /// Artifacts without a known origin.
    #[error(
        "the origin of {} is unknown: put an origin map for each, or register it with start_ms and end_ms",
        list_ids(.0)
    )]
    OriginMissing(Vec<String>),
    /// An error of the origin maps.
    #[error(transparent)]
    Origin(#[from] audio_to_video_origin::Error),
    /// An error of the media store, such as artifacts that this owner does not have, with all their ids.
    #[error(transparent)]
    Media(#[from] media_v2::MediaError),
    /// An error of the timeline client.
    #[error(transparent)]
    Timeline(#[from] video_timeline::Error),
    /// An error of the renderer: unavailable, or an unknown profile.
    #[error(transparent)]
    Render(#[from] video_render::Error),
    /// A database query failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// Writing was interrupted by a panic or a shutdown.
    #[error("writing the batch was interrupted")]
    Broken(#[from] tokio::task::JoinError),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::Invalid(errors) => Self::new(INVALID_BODY, detail).fields(errors),
            Error::OriginMissing(ids) => Self::new(ORIGIN_MISSING, detail).with("ids", ids),
            Error::Origin(error) => error.into(),
            Error::Media(error) => error.into(),
            Error::Timeline(error) => error.into(),
            Error::Render(error) => error.into(),
            Error::Database(error) => error.into(),
            Error::Broken(error) => Self::internal(error),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}
