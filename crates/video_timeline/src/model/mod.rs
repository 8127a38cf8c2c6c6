//! Request and response types, with the validation of each.

mod check;
mod clip;
mod edit;
mod project;
mod sequence;
mod timeline;
mod track;

use serde::{Deserialize, Deserializer};

pub use clip::{Clip, ClipPatch, NewClip};
pub use edit::{MoveClip, SplitClip, SplitResult, TrimClip};
pub use project::{NewProject, Project, ProjectPatch};
pub use sequence::{NewSequence, Sequence, SequencePatch};
pub use timeline::{CreatedTimeline, MAX_CLIPS, NewClips, NewTimeline, ProjectTarget};
pub(crate) use timeline::{clip_pointer, clips_on_track};
pub use track::{NewTrack, Track, TrackKind, TrackPatch};

/// Free-form data of a caller: a JSON object of at most 64 KiB.
pub type Meta = serde_json::Map<String, serde_json::Value>;

/// Deserializes a field of a PATCH: a present field, even `null`, is `Some`; `null` is accepted only for nullable
/// fields.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
