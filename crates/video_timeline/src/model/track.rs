use http_kit::Id;
use serde::{Deserialize, Serialize};
use sqlx::Postgres;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgTypeInfo, PgValueRef};
use utoipa::ToSchema;

use super::{Meta, check, present};
use crate::error::Error;

/// What a track carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrackKind {
    /// Pictures, with their sound.
    Video,
    /// Sound alone.
    Audio,
}

impl TrackKind {
    /// As it is written: on the wire and in its column.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::Audio => "audio",
        }
    }
}

impl sqlx::Type<Postgres> for TrackKind {
    fn type_info() -> PgTypeInfo {
        <str as sqlx::Type<Postgres>>::type_info()
    }
}

/// Plain text: a type of its own would cost a catalogue look-up per connection.
impl<'r> sqlx::Decode<'r, Postgres> for TrackKind {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        match <&str as sqlx::Decode<Postgres>>::decode(value)? {
            "video" => Ok(Self::Video),
            "audio" => Ok(Self::Audio),
            other => Err(format!("`{other}` is no kind of track").into()),
        }
    }
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
    #[schema(min_length = 1, max_length = 500)]
    pub label: String,
    /// 0–1 000 000; after the last one when absent.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub position: Option<i32>,
    /// The caller's own data.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(value_type = Object)]
    pub meta: Meta,
}

/// What to change of a track; absent fields stay.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrackPatch {
    /// The new label.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String, min_length = 1, max_length = 500)]
    pub label: Option<String>,
    /// The new place.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = i32, minimum = 0, maximum = 1_000_000)]
    pub position: Option<i32>,
    /// Replaces the whole object.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Object)]
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
