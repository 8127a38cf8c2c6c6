use axum::response::{IntoResponse, Response};
use http_kit::Problem;
use primitives::Id;
use serde_json::json;

use crate::codes::{ARTIFACT_IN_USE, ASSET_IN_USE};
use crate::model::AssetUsages;

/// Why an asset or artifact was not removed, or figures could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something that was made with the asset refers to it.
    #[error("{} is in use: {}; remove these first, or send cascade=true", .asset_id, .usages.describe())]
    InUse {
        /// The asset.
        asset_id: Id,
        /// What refers to it.
        usages: AssetUsages,
    },
    /// Something that was made with the artifact refers to it.
    #[error("{} is in use: {}; remove these first, or send cascade=true", .artifact_id, .usages.describe())]
    ArtifactInUse {
        /// The artifact.
        artifact_id: Id,
        /// What refers to it.
        usages: AssetUsages,
    },
    /// Foreign keys of two tables refer to each other, so that no order of deletion is possible.
    #[error("the tables {0} refer to each other: no order of deletion is possible")]
    CircularTables(String),
    /// An error of the media store, such as an asset that this owner does not have.
    #[error(transparent)]
    Media(#[from] media_v2::MediaError),
    /// An error of a remote timeline, such as no response.
    #[error(transparent)]
    Timeline(#[from] video_timeline::Error),
    /// A database query failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::InUse { usages, .. } => with_usages(Self::new(ASSET_IN_USE, message), &usages),
            Error::ArtifactInUse { usages, .. } => with_usages(Self::new(ARTIFACT_IN_USE, message), &usages),
            Error::CircularTables(_) => Self::internal(message),
            Error::Media(error) => error.into(),
            Error::Timeline(error) => error.into(),
            Error::Database(error) => error.into(),
        }
    }
}

fn with_usages(problem: Problem, usages: &AssetUsages) -> Problem {
    problem.with("usage_counts", json!(usages.counts)).with("usages", json!(usages.usages))
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}
