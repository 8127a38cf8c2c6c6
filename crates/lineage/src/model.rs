use std::fmt;
use std::str::FromStr;

use audio_to_video_origin::OriginMap;
use http_kit::Id;
use media_time::MediaTime;
use media_v2::ArtifactKind;
use media_v2::store::Lineage;
use serde::{Deserialize, Serialize, Serializer};

/// Which way to follow derivations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(default = Direction::default)]
pub enum Direction {
    /// To what it was made of.
    #[default]
    Up,
    /// To what was made of it.
    Down,
}

/// The derivation graph around an artifact.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ArtifactLineage {
    /// Where it starts.
    pub artifact_id: Id,
    /// Which way it goes.
    pub direction: Direction,
    /// Artifacts, derivations, and the recordings that these artifacts were cut from or have their origin in.
    #[serde(flatten)]
    pub lineage: Lineage,
    /// The origin maps of the artifacts, by artifact.
    pub origin_maps: Vec<OriginMap>,
    /// The clips that stand for one of the artifacts, and the places on timelines that renders among them were made
    /// of; by `in_ms`, then by `clip_id`, then by `artifact_id`. Clips are looked up for the first 100 artifacts, 500 in
    /// all.
    pub clips: Vec<LineageClip>,
    /// May there be more clips than the limits allow?
    pub clips_truncated: bool,
}

/// How a clip belongs to an artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClipRelation {
    /// The clip is on a timeline now, and stands for the artifact.
    Shows,
    /// The artifact is a render, and its meta names where on a timeline it was made; that may be gone.
    RenderedFrom,
}

/// A place on a timeline that belongs to an artifact of a lineage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LineageClip {
    /// The artifact.
    pub artifact_id: Id,
    /// How they belong together.
    pub relation: ClipRelation,
    /// The clip; null for a render of a whole sequence.
    pub clip_id: Option<Id>,
    /// The clip's track, where it is known.
    pub track_id: Option<Id>,
    /// Told by renders alone.
    pub sequence_id: Option<Id>,
    /// Told by renders alone.
    pub project_id: Option<Id>,
    /// The recording it plays.
    pub asset_id: Id,
    /// First instant of the window that it plays, in ms of the recording.
    pub in_ms: Option<MediaTime>,
    /// First instant after that window.
    pub out_ms: Option<MediaTime>,
    /// Where on the timeline a clip begins, in ms.
    pub start_ms_on_timeline: Option<MediaTime>,
}

/// What uses a window of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageKind {
    /// An artifact of this kind.
    Artifact(ArtifactKind),
    /// A clip on a timeline.
    Clip,
}

impl UsageKind {
    /// The word on the wire: `clip`, or the artifact's kind.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Artifact(kind) => kind.as_str(),
            Self::Clip => "clip",
        }
    }
}

impl FromStr for UsageKind {
    type Err = media_v2::UnknownKind;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        if word == Self::Clip.as_str() { Ok(Self::Clip) } else { word.parse().map(Self::Artifact) }
    }
}

impl fmt::Display for UsageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for UsageKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One window of a recording, and what uses it. What uses several has an entry for each.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Usage {
    /// `clip`, or the artifact's kind.
    #[schema(value_type = String, example = "audio_hit")]
    pub kind: UsageKind,
    /// The artifact, or the clip.
    pub id: Id,
    /// First instant of the whole window that is used, in ms of the recording.
    pub start_ms: MediaTime,
    /// First instant after it.
    pub end_ms: MediaTime,
    /// The clip's track; null otherwise.
    pub track_id: Option<Id>,
    /// The artifact that the clip stands for; null otherwise.
    pub artifact_id: Option<Id>,
}

/// Which uses of a recording to list.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UsageQuery {
    /// First instant of the window, in ms of the recording; its beginning when not given.
    pub start_ms: Option<MediaTime>,
    /// First instant after the window, later than `start_ms`; after every use when not given.
    pub end_ms: Option<MediaTime>,
    /// Uses on the page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before, asked for with the same window.
    pub cursor: Option<String>,
}
