use http_kit::Id;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Meta, check, present};
use crate::error::Error;

/// One edit of a project: tracks that play together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Sequence {
    /// Made by the timeline.
    pub id: Id,
    /// The project it is of.
    pub project_id: Id,
    /// For people; 1–500 characters.
    pub name: String,
    /// Frames per second of its time base; null follows the sources.
    pub fps: Option<f64>,
    /// Its place among the project's sequences, 0 first; ties are in order of creation.
    pub position: i32,
    /// The caller's own data.
    #[schema(value_type = Object)]
    pub meta: Meta,
}

/// What a new sequence is made of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSequence {
    /// For people; 1–500 characters.
    #[schema(min_length = 1, max_length = 500)]
    pub name: String,
    /// Frames per second: above 0, at most 1000.
    #[serde(default)]
    #[schema(exclusive_minimum = 0, maximum = 1_000)]
    pub fps: Option<f64>,
    /// 0–1 000 000; after the last one when absent.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub position: Option<i32>,
    /// The caller's own data.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(value_type = Object)]
    pub meta: Meta,
}

/// What to change of a sequence; absent fields stay.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SequencePatch {
    /// The new name.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String, min_length = 1, max_length = 500)]
    pub name: Option<String>,
    /// The new time base; `null` follows the sources.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<f64>, exclusive_minimum = 0, maximum = 1_000)]
    pub fps: Option<Option<f64>>,
    /// The new place.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = i32, minimum = 0, maximum = 1_000_000)]
    pub position: Option<i32>,
    /// Replaces the whole object.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Object)]
    pub meta: Option<Meta>,
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
