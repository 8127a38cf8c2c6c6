use http_kit::Id;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Clip, NewClip, NewProject, NewSequence, NewTrack, Project, Sequence, Track};
use crate::error::Error;

/// The most clips one call may make.
const MAX_CLIPS: usize = 10_000;

/// Clips to put on one track: all, or none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewClips {
    /// At most 10 000.
    #[schema(max_items = 10000)]
    pub clips: Vec<NewClip>,
}

/// A sequence with one track of clips, on a new project or an existing one: all, or nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTimeline {
    /// The project the sequence is of.
    pub project: ProjectTarget,
    /// The sequence to make.
    pub sequence: NewSequence,
    /// Its only track.
    pub track: NewTrack,
    /// The track's clips, at most 10 000.
    #[schema(max_items = 10000)]
    pub clips: Vec<NewClip>,
}

/// `{"new": {"title": …}}` or `{"existing": "project_…"}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", try_from = "TargetFields")]
pub enum ProjectTarget {
    /// Make this one.
    New(NewProject),
    /// Attach to this one.
    Existing(Id),
}

/// Read as a struct: an enum's own refusals are those of broken JSON, and do not name the field.
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

/// What a [`NewTimeline`] became.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CreatedTimeline {
    /// The project, new or as it was.
    pub project: Project,
    /// The new sequence.
    pub sequence: Sequence,
    /// The new track.
    pub track: Track,
    /// Its clips, in the order given.
    pub clips: Vec<Clip>,
}

impl NewTimeline {
    /// Checks all but the clips, which [`clips_on_track`] does.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if let ProjectTarget::New(project) = &self.project {
            project.check("/project/new")?;
        }
        self.sequence.check("/sequence")?;
        self.track.check("/track")
    }
}

/// JSON pointer of the `index`-th of several clips in a body.
pub(crate) fn clip_pointer(index: usize) -> String {
    format!("/clips/{index}")
}

/// Gives each clip its id and its track, and checks it; `/clips/<index>/…` points at what is wrong.
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
