use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use http_kit::{FieldError, Id, Problem, WorkError};
use media_v2::MediaError;

use crate::{InvalidOwnOrigin, MAX_CHAIN, MAX_CLIPS, MAX_SHOT_LIST_BYTES};

/// Why an origin or a shot list cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Fields that break a rule.
    #[error("{}", describe(.0))]
    Invalid(Vec<FieldError>),
    /// No map was put for this artifact, or there is no such artifact.
    #[error("no artifact {0}, or it has no origin map: PUT one, or ask for an artifact that it was made of")]
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
    /// A source that the meta of artifacts names, and that cannot be one.
    #[error("{InvalidOwnOrigin}: {}", list(.0))]
    OriginInvalid(Vec<String>),
    /// Artifacts without a mapping.
    #[error("no origin map, their own or of what they were made of: {}", list(.0))]
    OriginMapMissing(Vec<String>),
    /// Artifacts and assets that this owner does not have.
    #[error("no such artifact or asset: {}", list(&[.artifact_ids.as_slice(), .asset_ids].concat()))]
    Missing {
        /// The artifacts.
        artifact_ids: Vec<String>,
        /// The assets, named by clips or by the meta of artifacts.
        asset_ids: Vec<String>,
    },
    /// Assets without a semantic timeline.
    #[error(
        "no semantic timeline yet: {}{}; POST /audio/semantic-timeline/analyze for each",
        list(.missing),
        describe_stale(.stale)
    )]
    SemanticsMissing {
        /// All of them.
        missing: Vec<String>,
        /// Those of them that have one made by a decoder that reads them wrongly.
        stale: Vec<String>,
    },
    /// The stored timeline is not one.
    #[error("the semantic timeline of artifact {artifact_id} cannot be read")]
    SemanticsUnreadable {
        /// Its artifact.
        artifact_id: Id,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// No such pattern.
    #[error("there is no pattern `{0}`: make it with POST /audio/patterns")]
    PatternNotFound(Id),
    /// A whole pattern under the id of another.
    #[error(
        "another pattern is kept as `{0}`: send its id alone, or give what you changed a pattern_id of its own"
    )]
    PatternConflict(Id),
    /// More clips than one request may have.
    #[error("{clips} clips are more than the {MAX_CLIPS} that one shot list may have: send them in parts")]
    TooManyClips {
        /// How many there were.
        clips: usize,
    },
    /// Long metas, repeated by many clips.
    #[error(
        "the shot list would be longer than {} MiB: every shot repeats the meta of its artifact; send the clips in \
         parts",
        MAX_SHOT_LIST_BYTES >> 20
    )]
    ShotListTooLarge,
    /// No such shot list.
    #[error("there is no shot list {0}")]
    ShotListNotFound(Id),
    /// What is kept as a shot list is none.
    #[error("the shot list of artifact {artifact_id} cannot be read")]
    ShotListUnreadable {
        /// Its artifact.
        artifact_id: Id,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// The shot list cannot be written as JSON.
    #[error("the shot list cannot be written")]
    Unwritable(#[source] serde_json::Error),
    /// Too many shot lists at once.
    #[error(transparent)]
    Work(#[from] WorkError),
    /// The media store.
    #[error(transparent)]
    Media(#[from] MediaError),
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
            Error::OriginInvalid(ids) => Self::unprocessable("origin_invalid", detail).with("ids", ids),
            Error::OriginMapMissing(ids) => {
                Self::unprocessable("origin_map_missing", detail).with("ids", ids)
            }
            Error::Missing { artifact_ids, asset_ids } => {
                let code = if artifact_ids.is_empty() { "asset_not_found" } else { "artifact_not_found" };
                Self::not_found(code, detail)
                    .with("ids", [artifact_ids.as_slice(), &asset_ids].concat())
                    .with("artifact_ids", artifact_ids)
                    .with("asset_ids", asset_ids)
            }
            Error::SemanticsMissing { missing, .. } => {
                Self::unprocessable("semantics_missing", detail).with("ids", missing)
            }
            // Made here it is whole; registered by a caller it may be anything.
            Error::SemanticsUnreadable { .. } => {
                Self::unprocessable("semantics_unreadable", detail).caused_by(error)
            }
            Error::PatternNotFound(_) => Self::not_found("pattern_not_found", detail),
            Error::PatternConflict(_) => Self::new(StatusCode::CONFLICT, "pattern_conflict", detail),
            Error::TooManyClips { .. } => Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_many_clips", detail),
            Error::ShotListTooLarge => Self::unprocessable("shot_list_too_large", detail),
            Error::ShotListNotFound(_) => Self::not_found("shot_list_not_found", detail),
            Error::ShotListUnreadable { .. } => {
                Self::unprocessable("shot_list_unreadable", detail).caused_by(error)
            }
            Error::Unwritable(_) => Self::internal(error),
            Error::Work(error) => error.into(),
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

/// The first few of many.
fn list(ids: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = ids[..ids.len().min(SHOWN)].join(", ");
    if ids.len() > SHOWN { format!("{shown} and {} more", ids.len() - SHOWN) } else { shown }
}

fn describe_stale(ids: &[String]) -> String {
    if ids.is_empty() {
        return String::new();
    }
    let ids = list(ids);
    format!(" (the existing one of {ids} was made by an earlier decoder that read this kind of file wrongly)")
}

fn describe(errors: &[FieldError]) -> String {
    let errors: Vec<_> = errors.iter().map(|error| format!("{}: {}", error.pointer, error.detail)).collect();
    list(&errors)
}
