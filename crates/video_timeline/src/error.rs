use std::fmt;

use http::StatusCode;
use http_kit::{Id, Problem};

/// The kinds of things a timeline is made of, and refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entity {
    /// A project.
    Project,
    /// A sequence of a project.
    Sequence,
    /// A track of a sequence.
    Track,
    /// A clip on a track.
    Clip,
    /// A recording that a clip plays.
    Asset,
    /// An artifact that a clip stands for.
    Artifact,
}

impl Entity {
    pub(crate) const ALL: [Self; 6] =
        [Self::Project, Self::Sequence, Self::Track, Self::Clip, Self::Asset, Self::Artifact];

    /// The code of the problem that says there is no such thing.
    pub(crate) const fn not_found_code(self) -> &'static str {
        match self {
            Self::Project => "project_not_found",
            Self::Sequence => "sequence_not_found",
            Self::Track => "track_not_found",
            Self::Clip => "clip_not_found",
            Self::Asset => "asset_not_found",
            Self::Artifact => "artifact_not_found",
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

/// Why a timeline did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No such thing, or not the caller's: both look the same.
    #[error("there is no {kind} `{id}`")]
    NotFound {
        /// What was looked for.
        kind: Entity,
        /// The id as the caller gave it.
        id: String,
    },
    /// What belongs to a new timeline could not be written with it; see [`TimelineCompanion`](crate::TimelineCompanion).
    #[error("what belongs to the timeline was not written")]
    CompanionFailed,
    /// A field of the request is out of its range.
    #[error("{pointer}: {detail}")]
    Invalid {
        /// JSON pointer into the request body.
        pointer: String,
        /// What is wrong and what is expected.
        detail: String,
    },
    /// A parameter of a listing is out of its range.
    #[error("{parameter}: {detail}")]
    InvalidQuery {
        /// The parameter's name.
        parameter: String,
        /// What is expected.
        detail: String,
    },
    /// The cursor is none of this listing's.
    #[error("not a cursor of this listing: hand back `next_cursor` of the page before as it is")]
    InvalidCursor,
    /// The remote timeline did not answer, or not in a way that can be understood.
    #[error("the video timeline is unavailable: {detail}")]
    Unavailable {
        /// What happened; for the log.
        detail: String,
    },
    /// The database of the timeline in this process failed.
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
            Error::NotFound { kind, id } => Self::not_found(kind.not_found_code(), detail).with("id", id),
            Error::CompanionFailed => Self::internal(detail),
            Error::Invalid { pointer, detail } => Self::invalid_field(pointer, detail),
            Error::InvalidQuery { parameter, detail: expected } => {
                Self::unprocessable("invalid_query", detail).field(parameter, expected)
            }
            Error::InvalidCursor => {
                Self::unprocessable("invalid_cursor", detail).field("cursor", "not a cursor")
            }
            Error::Unavailable { .. } => Self::new(
                StatusCode::BAD_GATEWAY,
                "timeline_unavailable",
                "the video timeline does not answer; try again later",
            )
            .caused_by(detail),
            Error::Database(source) => source.into(),
        }
    }
}
