use std::ops::Range;

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

/// Maximum number of further tracks of a [`NewTimeline`].
pub const MAX_FURTHER_TRACKS: usize = 255;
/// Maximum number of clips of these tracks together.
const MAX_FURTHER_CLIPS: usize = 2 * MAX_CLIPS;

/// A sequence with one track of clips or more, in a new or existing project; created all or nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTimeline {
    /// The project that contains the sequence.
    pub project: ProjectTarget,
    /// The sequence to create.
    pub sequence: NewSequence,
    /// The first track of the sequence, the lowest layer.
    pub track: NewTrack,
    /// The clips of the first track, at most 10 000.
    #[schema(max_items = 10000)]
    pub clips: Vec<NewClip>,
    /// The tracks after the first one, in their order, with together at most 20 000 clips.
    #[serde(default, deserialize_with = "http_kit::null_as_default", skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 255)]
    pub further_tracks: Vec<NewFurtherTrack>,
}

/// A track after the first one of a new timeline, with its clips.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewFurtherTrack {
    /// The track.
    pub track: NewTrack,
    /// Its clips.
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
    /// The first track that was created.
    pub track: Track,
    /// The clips of the first track, in the order given.
    pub clips: Vec<Clip>,
    /// The tracks after the first one.
    #[serde(default)]
    #[schema(required)]
    pub further_tracks: Vec<FurtherTrack>,
}

/// A track after the first one of a timeline that was created.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FurtherTrack {
    /// The track.
    pub track: Track,
    /// Its clips, in the order given.
    pub clips: Vec<Clip>,
}

/// JSON pointer of the clip with this index in a request body.
pub(crate) fn clip_pointer(index: usize) -> String {
    format!("/clips/{index}")
}

/// Assigns each clip its id and its track, and validates it; errors point to `/clips/<index>/…`.
pub(crate) fn clips_on_track(clips: Vec<NewClip>, track_id: &Id) -> Result<Vec<Clip>, Error> {
    clips_of_write(clips, track_id, 0, "")
}

/// As [`clips_on_track`], for clips that follow `first` others of the same write and are below `at` in the body.
fn clips_of_write(clips: Vec<NewClip>, track_id: &Id, first: usize, at: &str) -> Result<Vec<Clip>, Error> {
    if clips.len() > MAX_CLIPS {
        return Err(Error::invalid(at, "clips", "expected at most 10000 clips; make more calls"));
    }
    let placed = clips.into_iter().enumerate().map(|(index, new)| {
        let clip = new.on_track(track_id.clone(), first + index);
        clip.check(&format!("{at}{}", clip_pointer(index)))?;
        Ok(clip)
    });
    placed.collect()
}

/// The tracks of a new timeline, validated, with their ids.
pub(crate) struct TrackPlan {
    pub(crate) tracks: Vec<PlannedTrack>,
    /// The clips of all tracks, in the order of the tracks.
    pub(crate) clips: Vec<Clip>,
}

/// A track of a [`TrackPlan`].
pub(crate) struct PlannedTrack {
    pub(crate) id: Id,
    pub(crate) new: NewTrack,
    /// Its clips, as indices of [`TrackPlan::clips`].
    pub(crate) clips: Range<usize>,
}

impl TrackPlan {
    /// Assigns ids and validates. Errors point to `/track`, `/clips`, and for other tracks below `/further_tracks/<index>`.
    pub(crate) fn of(
        track: NewTrack,
        clips: Vec<NewClip>,
        further: Vec<NewFurtherTrack>,
    ) -> Result<Self, Error> {
        if further.len() > MAX_FURTHER_TRACKS {
            return Err(Error::invalid("", "further_tracks", "expected at most 255 tracks"));
        }
        let all = std::iter::once(NewFurtherTrack { track, clips }).chain(further);
        let mut plan = Self { tracks: Vec::new(), clips: Vec::new() };
        let mut of_further = 0;
        for (index, new) in all.enumerate() {
            let (id, at) = (Id::for_write("track", index), track_pointer(index));
            new.track.check(&format!("{at}/track"))?;
            let first = plan.clips.len();
            plan.clips.extend(clips_of_write(new.clips, &id, first, &at)?);
            of_further += if index == 0 { 0 } else { plan.clips.len() - first };
            if of_further > MAX_FURTHER_CLIPS {
                return Err(Error::invalid(
                    &at,
                    "clips",
                    "expected at most 20000 clips of all further tracks",
                ));
            }
            plan.tracks.push(PlannedTrack { id, new: new.track, clips: first..plan.clips.len() });
        }
        Ok(plan)
    }

    /// JSON pointer of a clip, by its index in [`TrackPlan::clips`].
    pub(crate) fn pointer(&self, clip: usize) -> String {
        let track = self.tracks.partition_point(|track| track.clips.end <= clip);
        let first = self.tracks.get(track).map_or(0, |track| track.clips.start);
        format!("{}{}", track_pointer(track), clip_pointer(clip.saturating_sub(first)))
    }
}

/// JSON pointer of the object that has the track with this index and its clips.
fn track_pointer(index: usize) -> String {
    index.checked_sub(1).map_or_else(String::new, |further| format!("/further_tracks/{further}"))
}
