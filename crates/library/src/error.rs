use axum::response::{IntoResponse, Response};
use http_kit::Problem;
use http_kit::codes::INVALID_QUERY;
use primitives::InvalidPage;

/// Why the library could not answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A query parameter is invalid.
    #[error("{parameter}: {detail}")]
    InvalidQuery {
        /// Name of the query parameter.
        parameter: &'static str,
        /// The expected value.
        detail: &'static str,
    },
    /// The limit or the cursor of a listing is invalid.
    #[error(transparent)]
    Page(#[from] InvalidPage),
    /// An error of the media store, such as an artifact that this owner does not have.
    #[error(transparent)]
    Media(#[from] media_v2::MediaError),
    /// A database query failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::InvalidQuery { parameter, detail } => {
                Self::new(INVALID_QUERY, message).field(parameter, detail)
            }
            Error::Page(error) => error.into(),
            Error::Media(error) => error.into(),
            Error::Database(error) => error.into(),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}
