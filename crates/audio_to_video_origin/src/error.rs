use http_kit::{FieldError, Id, Problem};

use crate::MAX_CHAIN;

/// Why an origin or a shot list cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Fields that break a rule.
    #[error("{}", describe(.0))]
    Invalid(Vec<FieldError>),
    /// No map was put for this artifact, or there is no such artifact.
    #[error("artifact {0} has no origin map: PUT one, or ask for an artifact that it was made of")]
    OriginMapNotFound(Id),
    /// An artifact that is, by way of others, made of itself.
    #[error("artifact {0} was made of itself, by way of others: put an origin map for one of them")]
    OriginCycle(Id),
    /// A chain of more than [`MAX_CHAIN`] artifacts.
    #[error("the origin of artifact {0} is more than {MAX_CHAIN} artifacts away: put an origin map for it")]
    OriginTooDeep(Id),
    /// Chains of too many artifacts in one call.
    #[error("the artifacts asked for were made of more than {limit} others: ask for fewer at once")]
    OriginGraphTooLarge {
        /// How many are followed at most.
        limit: i64,
    },
    /// `meta.upstream_window_ms` is no window, or one outside the upstream artifact.
    #[error(
        "meta.upstream_window_ms of artifact {0} is no part of what it was made of: expected [start, end] in \
         milliseconds of the upstream artifact's own time"
    )]
    UpstreamWindow(Id),
    /// The media store.
    #[error(transparent)]
    Media(#[from] media_v2::MediaError),
    /// The database.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        let about = |code, id: Id| Self::unprocessable(code, &detail).with("ids", vec![id.to_string()]);
        match error {
            Error::Invalid(errors) => errors
                .into_iter()
                .fold(Self::unprocessable("invalid_body", detail), |p, e| p.field(e.pointer, e.detail)),
            Error::OriginMapNotFound(_) => Self::not_found("origin_map_not_found", detail),
            Error::OriginCycle(id) => about("origin_cycle", id),
            Error::OriginTooDeep(id) => about("origin_too_deep", id),
            Error::OriginGraphTooLarge { .. } => Self::unprocessable("origin_graph_too_large", detail),
            Error::UpstreamWindow(id) => about("upstream_window_invalid", id),
            Error::Media(error) => error.into(),
            Error::Database(error) => error.into(),
        }
    }
}

/// The first few of many.
fn describe(errors: &[FieldError]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<_> =
        errors.iter().take(SHOWN).map(|error| format!("{}: {}", error.pointer, error.detail)).collect();
    let more = errors.len().saturating_sub(SHOWN);
    if more > 0 { format!("{}; and {more} more", shown.join("; ")) } else { shown.join("; ") }
}
