//! Request and response types, with the validation of each.

mod check;
mod clip;
mod edit;
mod project;
mod sequence;
mod shot_list;
mod timeline;
mod track;

use http_kit::present;

pub(crate) use clip::ClipPatch;
pub use clip::{Clip, NewClip};
pub(crate) use edit::{MoveClip, SplitClip, SplitResult, TrimClip};
pub(crate) use project::ProjectPatch;
pub use project::{NewProject, Project};
pub(crate) use sequence::SequencePatch;
pub use sequence::{NewSequence, Sequence};
pub use shot_list::{NewShotListTimeline, ShotListTimeline};
pub use timeline::{
    CreatedTimeline, FurtherTrack, MAX_CLIPS, MAX_FURTHER_TRACKS, NewFurtherTrack, NewTimeline, ProjectTarget,
};
pub(crate) use timeline::{NewClips, TrackPlan, clip_pointer, clips_on_track};
pub(crate) use track::TrackPatch;
pub use track::{NewTrack, Track, TrackKind};

/// Free-form data of a caller: a JSON object of at most 64 KiB.
pub type Meta = serde_json::Map<String, serde_json::Value>;
