use http_kit::Id;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Meta, check, present};
use crate::error::Error;

/// What a track carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum TrackKind {
    /// Pictures, with their sound.
    Video,
    /// Sound alone.
    Audio,
}

/// A lane of a sequence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Track {
    /// Made by the timeline.
    pub id: Id,
    /// The sequence it is of.
    pub sequence_id: Id,
    /// What it carries.
    pub kind: TrackKind,
    /// For people; 1–500 characters.
    pub label: String,
    /// Its place among the sequence's tracks, 0 first (the lowest layer); ties are in order of
    /// creation.
    pub position: i32,
    /// The caller's own data.
    #[schema(value_type = Object)]
    pub meta: Meta,
}

/// What a new track is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTrack {
    /// What it is to carry.
    pub kind: TrackKind,
    /// For people; 1–500 characters.
    pub label: String,
    /// 0–1 000 000; after the last one when absent.
    #[serde(default)]
    pub position: Option<i32>,
    /// The caller's own data.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub meta: Meta,
}

/// What to change of a track; absent fields stay.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrackPatch {
    /// The new label.
    #[serde(deserialize_with = "present")]
    pub label: Option<String>,
    /// The new place.
    #[serde(deserialize_with = "present")]
    pub position: Option<i32>,
    /// Replaces the whole object.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<Object>)]
    pub meta: Option<Meta>,
}

impl NewTrack {
    pub(crate) fn check(&self, at: &str) -> Result<(), Error> {
        check::text(&self.label, at, "label")?;
        self.position.map_or(Ok(()), |position| check::position(position, at))?;
        check::meta(&self.meta, at)
    }
}

impl TrackPatch {
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.label.as_deref().map_or(Ok(()), |label| check::text(label, "", "label"))?;
        self.position.map_or(Ok(()), |position| check::position(position, ""))?;
        self.meta.as_ref().map_or(Ok(()), |meta| check::meta(meta, ""))
    }
}
