use axum::response::{IntoResponse, Response};
use http_kit::Problem;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A parameter that is out of range.
    #[error("{parameter}: {detail}")]
    InvalidQuery {
        /// Which.
        parameter: &'static str,
        /// What is expected.
        detail: &'static str,
    },
    /// The cursor is none of this listing's.
    #[error("not a cursor of this listing: hand back `next_cursor` of the page before as it is")]
    InvalidCursor,
    /// The media store; an asset or artifact that this owner does not have.
    #[error(transparent)]
    Media(#[from] media_v2::MediaError),
    /// Origins.
    #[error(transparent)]
    Origin(#[from] audio_to_video_origin::Error),
    /// The timeline does not answer.
    #[error(transparent)]
    Timeline(#[from] video_timeline::Error),
    /// The database.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let told = error.to_string();
        match error {
            Error::InvalidQuery { parameter, detail } => {
                Self::unprocessable("invalid_query", told).field(parameter, detail)
            }
            Error::InvalidCursor => {
                Self::unprocessable("invalid_cursor", told).field("cursor", "not a cursor")
            }
            Error::Media(error) => error.into(),
            Error::Origin(error) => error.into(),
            Error::Timeline(error) => error.into(),
            Error::Database(error) => error.into(),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}
