use primitives::Id;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Meta, check, present};
use crate::error::Error;

/// One edit of a project: tracks that play together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Sequence {
    /// Id, assigned by the timeline.
    pub id: Id,
    /// The project that contains it.
    pub project_id: Id,
    /// Display name, 1–500 characters.
    pub name: String,
    /// Frames per second of its time base; null follows the sources.
    pub fps: Option<f64>,
    /// Position among the project's sequences, 0 first; ties are ordered by creation.
    pub position: i32,
    /// Free-form data of the caller: a JSON object of at most 64 KiB.
    #[schema(value_type = Object)]
    pub meta: Meta,
}

/// The fields of a new sequence.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSequence {
    /// Display name, 1–500 characters.
    #[schema(min_length = 1, max_length = 500)]
    pub name: String,
    /// Frames per second: above 0, at most 1000.
    #[serde(default)]
    #[schema(exclusive_minimum = 0, maximum = 1_000)]
    pub fps: Option<f64>,
    /// Position, 0–1 000 000; after the last one when absent.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub position: Option<i32>,
    /// Free-form data of the caller: a JSON object of at most 64 KiB.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(value_type = Object)]
    pub meta: Meta,
}

/// Changes to a sequence; absent fields are unchanged.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SequencePatch {
    /// The new display name.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String, min_length = 1, max_length = 500)]
    pub(crate) name: Option<String>,
    /// The new frame rate; `null` follows the sources.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<f64>, exclusive_minimum = 0, maximum = 1_000)]
    pub(crate) fps: Option<Option<f64>>,
    /// The new position, 0 first.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = i32, minimum = 0, maximum = 1_000_000)]
    pub(crate) position: Option<i32>,
    /// Replaces the whole meta object.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Object)]
    pub(crate) meta: Option<Meta>,
}

impl NewSequence {
    pub(crate) fn check(&self, at: &str) -> Result<(), Error> {
        check::text(&self.name, at, "name")?;
        check_fps(self.fps, at)?;
        self.position.map_or(Ok(()), |position| check::position(position, at))?;
        check::meta(&self.meta, at)
    }
}

impl SequencePatch {
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.name.as_deref().map_or(Ok(()), |name| check::text(name, "", "name"))?;
        check_fps(self.fps.flatten(), "")?;
        self.position.map_or(Ok(()), |position| check::position(position, ""))?;
        self.meta.as_ref().map_or(Ok(()), |meta| check::meta(meta, ""))
    }
}

fn check_fps(fps: Option<f64>, at: &str) -> Result<(), Error> {
    let good = fps.is_none_or(|fps| fps > 0.0 && fps <= 1_000.0);
    check::require(good, at, "fps", "expected more than 0 and at most 1000")
}
