use primitives::Id;
use serde::{Deserialize, Serialize};
use sqlx::Postgres;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgTypeInfo, PgValueRef};
use utoipa::ToSchema;

use super::{Meta, check, present};
use crate::error::Error;

/// The kind of media that a track carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrackKind {
    /// Video frames with their audio.
    Video,
    /// Audio without video frames.
    Audio,
}

impl TrackKind {
    /// The name in requests, responses and the database column.
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

/// Stored as plain text: a Postgres enum would cost a catalogue look-up per connection.
impl<'r> sqlx::Decode<'r, Postgres> for TrackKind {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        match <&str as sqlx::Decode<Postgres>>::decode(value)? {
            "video" => Ok(Self::Video),
            "audio" => Ok(Self::Audio),
            other => Err(format!("`{other}` is not a kind of track").into()),
        }
    }
}

/// A track of a sequence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Track {
    /// Id, assigned by the timeline.
    pub id: Id,
    /// The sequence that contains it.
    pub sequence_id: Id,
    /// The kind of media that it carries.
    pub kind: TrackKind,
    /// Display label, 1–500 characters.
    pub label: String,
    /// Position among the sequence's tracks, 0 first (the lowest layer); ties are ordered by creation.
    pub position: i32,
    /// Free-form data of the caller: a JSON object of at most 64 KiB.
    #[schema(value_type = Object)]
    pub meta: Meta,
}

/// The fields of a new track.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTrack {
    /// The kind of media that it carries.
    pub kind: TrackKind,
    /// Display label, 1–500 characters.
    #[schema(min_length = 1, max_length = 500)]
    pub label: String,
    /// Position, 0–1 000 000; after the last one when absent.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub position: Option<i32>,
    /// Free-form data of the caller: a JSON object of at most 64 KiB.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(value_type = Object)]
    pub meta: Meta,
}

/// Changes to a track; absent fields are unchanged.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TrackPatch {
    /// The new display label.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String, min_length = 1, max_length = 500)]
    pub(crate) label: Option<String>,
    /// The new position, 0 first.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = i32, minimum = 0, maximum = 1_000_000)]
    pub(crate) position: Option<i32>,
    /// Replaces the whole meta object.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Object)]
    pub(crate) meta: Option<Meta>,
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
