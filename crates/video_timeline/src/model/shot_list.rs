use primitives::Id;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Project, check};
use crate::error::Error;

/// A new project with the shots of a stored shot list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewShotListTimeline {
    /// The artifact of the shot list.
    pub shot_list_artifact_id: Id,
    /// Title of the project, 1–500 characters; names the shot list when absent.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500)]
    pub title: Option<String>,
}

/// The project created from a shot list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ShotListTimeline {
    /// The new project.
    pub project: Project,
    /// Its only sequence.
    pub sequence_id: Id,
    /// Number of tracks of the sequence: video tracks first, then audio tracks.
    pub track_count: usize,
    /// Number of clips of all tracks.
    pub clip_count: usize,
}

impl NewShotListTimeline {
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.title.as_deref().map_or(Ok(()), |title| check::text(title, "", "title"))
    }
}
