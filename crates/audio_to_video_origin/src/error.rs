use audio_pattern_engine::codes::PATTERN_NOT_FOUND;
use audio_semantic_timeline::codes::SEMANTICS_UNREADABLE;
use axum::response::{IntoResponse, Response};
use http_kit::codes::{ARTIFACT_NOT_FOUND, ASSET_NOT_FOUND, INVALID_BODY};
use http_kit::{FieldError, Problem, describe, list_ids};
use media_v2::MediaError;
use primitives::Id;
use scheduling::WorkError;

use crate::codes::{
    ORIGIN_CYCLE, ORIGIN_GRAPH_TOO_LARGE, ORIGIN_INVALID, ORIGIN_MAP_MISSING, ORIGIN_MAP_NOT_FOUND,
    ORIGIN_TOO_DEEP, PATTERN_CONFLICT, SEMANTICS_MISSING, SHOT_LIST_NOT_FOUND, SHOT_LIST_TOO_LARGE,
    SHOT_LIST_UNREADABLE, TOO_MANY_CLIPS, UPSTREAM_WINDOW_INVALID,
};
use crate::{InvalidDeclaredOrigin, MAX_CHAIN, MAX_CLIPS, MAX_SHOT_LIST_BYTES};

/// Why an origin or a shot list could not be returned.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Fields of the request are invalid.
    #[error("{}", describe(.0))]
    Invalid(Vec<FieldError>),
    /// The artifact does not exist, or neither it nor its upstream artifacts have an origin map.
    #[error("artifact {0} is unknown, or neither it nor an upstream artifact has an origin map: PUT one")]
    OriginMapNotFound(Id),
    /// An artifact that is derived from itself through others.
    #[error("artifact {0} is derived from itself through others: put an origin map for one of them")]
    OriginCycle(Id),
    /// A chain of more than [`MAX_CHAIN`] artifacts.
    #[error("the origin of artifact {0} is more than {MAX_CHAIN} artifacts away: put an origin map for it")]
    OriginTooDeep(Id),
    /// The chains of one call have too many artifacts.
    #[error("the requested artifacts have more than {limit} upstream artifacts: request fewer at once")]
    OriginGraphTooLarge {
        /// Maximum number of steps that are followed.
        limit: i64,
    },
    /// `meta.upstream_window_ms` is not a window, or is outside the upstream artifact.
    #[error(
        "meta.upstream_window_ms of artifact {0} is not a window of its upstream artifact: expected [start, end] in \
         milliseconds of the upstream artifact's own time"
    )]
    UpstreamWindow(Id),
    /// The meta of artifacts names an invalid source.
    #[error("{InvalidDeclaredOrigin}: {}", list_ids(.0))]
    OriginInvalid(Vec<String>),
    /// Artifacts without an origin map, where one is required.
    #[error("neither these artifacts nor their upstream artifacts have an origin map: {}", list_ids(.0))]
    OriginMapMissing(Vec<String>),
    /// Artifacts and assets that this owner does not have.
    #[error("no such artifact or asset: {}", list_ids(&[.artifact_ids.as_slice(), .asset_ids].concat()))]
    Missing {
        /// Ids of the unknown artifacts.
        artifact_ids: Vec<String>,
        /// Ids of the unknown assets, which clips or the meta of artifacts name.
        asset_ids: Vec<String>,
    },
    /// Assets without a semantic timeline, where one is required.
    #[error(
        "no semantic timeline yet: {}{}; POST /audio/semantic-timeline/analyze for each",
        list_ids(.missing),
        describe_stale(.stale)
    )]
    SemanticsMissing {
        /// Ids of all these assets.
        missing: Vec<String>,
        /// Ids of those assets whose existing timeline was made by a decoder that misreads them.
        stale: Vec<String>,
    },
    /// The stored semantic timeline is invalid.
    #[error("the semantic timeline of artifact {artifact_id} cannot be read")]
    SemanticsUnreadable {
        /// Id of the timeline's artifact.
        artifact_id: Id,
        /// The underlying JSON error.
        source: serde_json::Error,
    },
    /// No pattern has this id.
    #[error("there is no pattern `{0}`: make it with POST /audio/patterns")]
    PatternNotFound(Id),
    /// A pattern in the request has the id of a different stored pattern.
    #[error(
        "another pattern is stored as `{0}`: send only its id, or give the changed pattern its own pattern_id"
    )]
    PatternConflict(Id),
    /// The request has more than [`MAX_CLIPS`] clips.
    #[error("{clips} clips exceed the {MAX_CLIPS} allowed in a shot list: send several requests")]
    TooManyClips {
        /// Number of clips in the request.
        clips: usize,
    },
    /// The shot list would exceed [`MAX_SHOT_LIST_BYTES`], because many clips repeat long metas.
    #[error(
        "the shot list would be longer than {} MiB: every shot repeats the meta of its artifact; send the clips in \
         parts",
        MAX_SHOT_LIST_BYTES >> 20
    )]
    ShotListTooLarge,
    /// No shot list has this id.
    #[error("there is no shot list {0}")]
    ShotListNotFound(Id),
    /// The stored shot list is invalid.
    #[error("the shot list of artifact {artifact_id} cannot be read")]
    ShotListUnreadable {
        /// Id of the shot list's artifact.
        artifact_id: Id,
        /// The underlying JSON error.
        source: serde_json::Error,
    },
    /// The shot list cannot be serialized as JSON.
    #[error("the shot list cannot be written")]
    Unwritable(#[source] serde_json::Error),
    /// The work queue rejected or interrupted the work.
    #[error(transparent)]
    Work(#[from] WorkError),
    /// An error of the media store.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// A database query failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        let about = |code, id: Id| Self::new(code, &detail).with("ids", vec![id.to_string()]);
        match error {
            Error::Invalid(errors) => Self::new(INVALID_BODY, detail).fields(errors),
            Error::OriginMapNotFound(_) => Self::new(ORIGIN_MAP_NOT_FOUND, detail),
            Error::OriginCycle(id) => about(ORIGIN_CYCLE, id),
            Error::OriginTooDeep(id) => about(ORIGIN_TOO_DEEP, id),
            Error::OriginGraphTooLarge { .. } => Self::new(ORIGIN_GRAPH_TOO_LARGE, detail),
            Error::UpstreamWindow(id) => about(UPSTREAM_WINDOW_INVALID, id),
            Error::OriginInvalid(ids) => Self::new(ORIGIN_INVALID, detail).with("ids", ids),
            Error::OriginMapMissing(ids) => Self::new(ORIGIN_MAP_MISSING, detail).with("ids", ids),
            Error::Missing { artifact_ids, asset_ids } => {
                let code = if artifact_ids.is_empty() { ASSET_NOT_FOUND } else { ARTIFACT_NOT_FOUND };
                Self::new(code, detail)
                    .with("ids", [artifact_ids.as_slice(), &asset_ids].concat())
                    .with("artifact_ids", artifact_ids)
                    .with("asset_ids", asset_ids)
            }
            Error::SemanticsMissing { missing, .. } => {
                Self::new(SEMANTICS_MISSING, detail).with("ids", missing)
            }
            // Timelines made by harkback are complete; those registered by a caller may have any content.
            Error::SemanticsUnreadable { .. } => Self::new(SEMANTICS_UNREADABLE, detail).caused_by(error),
            Error::PatternNotFound(_) => Self::new(PATTERN_NOT_FOUND, detail),
            Error::PatternConflict(_) => Self::new(PATTERN_CONFLICT, detail),
            Error::TooManyClips { .. } => Self::new(TOO_MANY_CLIPS, detail),
            Error::ShotListTooLarge => Self::new(SHOT_LIST_TOO_LARGE, detail),
            Error::ShotListNotFound(_) => Self::new(SHOT_LIST_NOT_FOUND, detail),
            Error::ShotListUnreadable { .. } => Self::new(SHOT_LIST_UNREADABLE, detail).caused_by(error),
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

fn describe_stale(ids: &[String]) -> String {
    if ids.is_empty() {
        return String::new();
    }
    let ids = list_ids(ids);
    format!(" (the existing one of {ids} was made by an earlier decoder that read this kind of file wrongly)")
}
