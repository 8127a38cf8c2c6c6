use primitives::Id;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Clip, NewClip, NewProject, NewSequence, NewTrack, Project, Sequence, Track};
use crate::error::Error;

/// Maximum number of clips that one call may create: in a batch and in a [`NewTimeline`].
pub const MAX_CLIPS: usize = 10_000;

/// Clips to create on one track, all or none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewClips {
    /// At most 10 000 clips.
    #[schema(max_items = 10000)]
    pub(crate) clips: Vec<NewClip>,
}

/// A sequence with one track of clips, in a new or existing project; created all or nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTimeline {
    /// The project that contains the sequence.
    pub project: ProjectTarget,
    /// The sequence to create.
    pub sequence: NewSequence,
    /// The only track of the sequence.
    pub track: NewTrack,
    /// The clips of the track, at most 10 000.
    #[schema(max_items = 10000)]
    pub clips: Vec<NewClip>,
}

/// `{"new": {"title": …}}` or `{"existing": "project_…"}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", try_from = "TargetFields")]
pub enum ProjectTarget {
    /// Creates a new project.
    New(NewProject),
    /// Uses the existing project with this id.
    Existing(Id),
}

/// Deserialized as a struct: serde's errors for an enum read like invalid JSON and do not name the field.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TargetFields {
    new: Option<NewProject>,
    existing: Option<Id>,
}

impl TryFrom<TargetFields> for ProjectTarget {
    type Error = &'static str;

    fn try_from(fields: TargetFields) -> Result<Self, Self::Error> {
        match (fields.new, fields.existing) {
            (Some(new), None) => Ok(Self::New(new)),
            (None, Some(id)) => Ok(Self::Existing(id)),
            _ => Err("expected either `new` or `existing`"),
        }
    }
}

/// The objects created from a [`NewTimeline`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CreatedTimeline {
    /// The new project, or the existing one unchanged.
    pub project: Project,
    /// The sequence that was created.
    pub sequence: Sequence,
    /// The track that was created.
    pub track: Track,
    /// The new clips, in the order given.
    pub clips: Vec<Clip>,
}

impl NewTimeline {
    /// Validates all but the clips, which [`clips_on_track`] validates.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if let ProjectTarget::New(project) = &self.project {
            project.check("/project/new")?;
        }
        self.sequence.check("/sequence")?;
        self.track.check("/track")
    }
}

/// JSON pointer of the clip with this index in a request body.
pub(crate) fn clip_pointer(index: usize) -> String {
    format!("/clips/{index}")
}

/// Assigns each clip its id and its track, and validates it; errors point to `/clips/<index>/…`.
pub(crate) fn clips_on_track(clips: Vec<NewClip>, track_id: &Id) -> Result<Vec<Clip>, Error> {
    if clips.len() > MAX_CLIPS {
        return Err(Error::invalid("", "clips", "expected at most 10000 clips; make more calls"));
    }
    let placed = clips.into_iter().enumerate().map(|(index, new)| {
        let clip = new.on_track(track_id.clone(), index);
        clip.check(&clip_pointer(index))?;
        Ok(clip)
    });
    placed.collect()
}
