use axum::response::{IntoResponse, Response};
use http_kit::codes::INVALID_BODY;
use http_kit::{FieldError, Problem, describe};
use primitives::Id;

use crate::Template;
use crate::codes::{PATTERN_NOT_FOUND, UNKNOWN_TEMPLATE};

/// Why a pattern cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No template has this name.
    #[error("unknown template `{0}`; use one of {expected}", expected = Template::names())]
    UnknownTemplate(String),
    /// Fields that are out of range, or roles that the template does not define.
    #[error("{}", describe(.0))]
    Invalid(Vec<FieldError>),
    /// The pattern does not exist, or belongs to another owner.
    #[error("there is no pattern `{0}`: make it with POST /audio/patterns")]
    PatternNotFound(Id),
    /// The media store failed, or samples are missing for this owner (all of them are listed).
    #[error(transparent)]
    Media(#[from] media_v2::MediaError),
    /// A query of the database failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::UnknownTemplate(_) => Self::new(UNKNOWN_TEMPLATE, &detail).field("/template_id", detail),
            Error::Invalid(errors) => Self::new(INVALID_BODY, detail).fields(errors),
            Error::PatternNotFound(_) => Self::new(PATTERN_NOT_FOUND, detail),
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
