use std::fmt;

use http_kit::codes::{ARTIFACT_NOT_FOUND, ASSET_NOT_FOUND, INVALID_QUERY};
use http_kit::{ErrorCode, Problem};
use primitives::{Id, InvalidPage};

use crate::codes::{
    CLIP_NOT_FOUND, PROJECT_NOT_FOUND, SEQUENCE_NOT_FOUND, TIMELINE_UNAVAILABLE, TRACK_NOT_FOUND,
};

/// The kinds of objects in a timeline, and those that its clips refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entity {
    /// A project with sequences.
    Project,
    /// A sequence of a project.
    Sequence,
    /// A track of a sequence.
    Track,
    /// A clip on a track.
    Clip,
    /// A recording that a clip plays.
    Asset,
    /// An artifact that a clip represents.
    Artifact,
}

impl Entity {
    pub(crate) const ALL: [Self; 6] =
        [Self::Project, Self::Sequence, Self::Track, Self::Clip, Self::Asset, Self::Artifact];

    /// The error code for an unknown object of this kind.
    pub(crate) const fn not_found_code(self) -> ErrorCode {
        match self {
            Self::Project => PROJECT_NOT_FOUND,
            Self::Sequence => SEQUENCE_NOT_FOUND,
            Self::Track => TRACK_NOT_FOUND,
            Self::Clip => CLIP_NOT_FOUND,
            Self::Asset => ASSET_NOT_FOUND,
            Self::Artifact => ARTIFACT_NOT_FOUND,
        }
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Project => "project",
            Self::Sequence => "sequence",
            Self::Track => "track",
            Self::Clip => "clip",
            Self::Asset => "asset",
            Self::Artifact => "artifact",
        })
    }
}

/// Why a timeline call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The object does not exist or belongs to another owner; the two are not distinguished.
    #[error("there is no {kind} `{id}`")]
    NotFound {
        /// Kind of the requested object.
        kind: Entity,
        /// The id as given by the caller.
        id: String,
    },
    /// The companion's rows of a new timeline could not be written; see
    /// [`TimelineCompanion`](crate::TimelineCompanion).
    #[error("the rows that belong to the timeline were not written")]
    CompanionFailed,
    /// A field of the request is out of range.
    #[error("{pointer}: {detail}")]
    Invalid {
        /// JSON pointer into the request body.
        pointer: String,
        /// The problem and the expected value.
        detail: String,
    },
    /// A parameter of a listing is out of range.
    #[error("{parameter}: {detail}")]
    InvalidQuery {
        /// Name of the parameter.
        parameter: String,
        /// The value that was expected.
        detail: String,
    },
    /// The limit or the cursor of a listing is invalid.
    #[error(transparent)]
    Page(#[from] InvalidPage),
    /// The remote timeline did not respond, or its response is invalid.
    #[error("the video timeline is unavailable: {detail}")]
    Unavailable {
        /// The cause, for the log.
        detail: String,
    },
    /// A database query of the local timeline failed.
    #[error("the timeline's database failed")]
    Database(#[from] sqlx::Error),
}

impl Error {
    pub(crate) fn not_found(kind: Entity, id: &Id) -> Self {
        Self::NotFound { kind, id: id.to_string() }
    }

    pub(crate) fn invalid(at: &str, field: &str, detail: impl Into<String>) -> Self {
        Self::Invalid { pointer: format!("{at}/{field}"), detail: detail.into() }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::NotFound { kind, id } => Self::new(kind.not_found_code(), detail).with("id", id),
            Error::CompanionFailed => Self::internal(detail),
            Error::Invalid { pointer, detail } => Self::invalid_field(pointer, detail),
            Error::InvalidQuery { parameter, detail: expected } => {
                Self::new(INVALID_QUERY, detail).field(parameter, expected)
            }
            Error::Page(error) => error.into(),
            Error::Unavailable { .. } => {
                Self::new(TIMELINE_UNAVAILABLE, "the video timeline does not answer; try again later")
                    .caused_by(detail)
            }
            Error::Database(source) => source.into(),
        }
    }
}
