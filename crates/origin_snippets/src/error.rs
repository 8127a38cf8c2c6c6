use axum::response::{IntoResponse, Response};
use http_kit::{FieldError, Problem};

/// Why there are no snippets. Nothing was made then.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Fields that are out of range.
    #[error("{}", describe(.0))]
    Invalid(Vec<FieldError>),
    /// Artifacts that nothing tells the origin of.
    #[error(
        "no origin is known of {}: put an origin map for each, or register it with start_ms and end_ms",
        .0.join(", ")
    )]
    OriginMissing(Vec<String>),
    /// Items whose window holds no instant.
    #[error("{}", describe(.0))]
    EmptyWindow(Vec<FieldError>),
    /// Origins.
    #[error(transparent)]
    Origin(#[from] audio_to_video_origin::Error),
    /// The media store; artifacts that this owner does not have, all of them.
    #[error(transparent)]
    Media(#[from] media_v2::MediaError),
    /// The timeline client.
    #[error(transparent)]
    Timeline(#[from] video_timeline::Error),
    /// The renderer: it is not there, or has no such profile.
    #[error(transparent)]
    Render(#[from] video_render::Error),
    /// The database.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// Writing broke off: a panic, or the process is going down.
    #[error("the batch broke off")]
    Broken(#[from] tokio::task::JoinError),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::Invalid(errors) => with_fields(Self::unprocessable("invalid_body", detail), errors),
            Error::OriginMissing(ids) => Self::unprocessable("origin_missing", detail).with("ids", ids),
            Error::EmptyWindow(errors) => with_fields(Self::unprocessable("empty_window", detail), errors),
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

fn with_fields(problem: Problem, errors: Vec<FieldError>) -> Problem {
    errors.into_iter().fold(problem, |problem, error| problem.field(error.pointer, error.detail))
}

/// The first few of many.
fn describe(errors: &[FieldError]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<_> = errors.iter().take(SHOWN).map(|e| format!("{}: {}", e.pointer, e.detail)).collect();
    let more = errors.len().saturating_sub(SHOWN);
    if more > 0 { format!("{}; and {more} more", shown.join("; ")) } else { shown.join("; ") }
}
