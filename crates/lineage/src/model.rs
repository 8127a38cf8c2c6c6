use std::fmt;
use std::str::FromStr;

use audio_to_video_origin::OriginMap;
use media_time::{AssetTime, TimelineTime};
use media_v2::ArtifactKind;
use media_v2::store::Lineage;
use primitives::Id;
use serde::{Deserialize, Serialize, Serializer};

/// The direction in which derivations are followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(default = Direction::default)]
pub enum Direction {
    /// To the artifacts it was derived from.
    #[default]
    Up,
    /// To the artifacts derived from it.
    Down,
}

/// The derivation graph around an artifact.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ArtifactLineage {
    /// The artifact at which the graph starts.
    pub artifact_id: Id,
    /// The direction in which the graph was followed.
    pub direction: Direction,
    /// Artifacts, derivations, and the recordings that contain these artifacts or their origins.
    #[serde(flatten)]
    pub lineage: Lineage,
    /// The origin maps of the artifacts, by artifact.
    pub origin_maps: Vec<OriginMap>,
    /// The clips that represent one of the artifacts, and the timeline positions that renders among the artifacts were
    /// made from; ordered by `in_ms`, then by `clip_id`, then by `artifact_id`. Clips are looked up for the first 100
    /// artifacts, at most 500 in total.
    pub clips: Vec<LineageClip>,
    /// True when there may be more clips than the limits allow.
    pub clips_truncated: bool,
}

/// The relation between a clip and an artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClipRelation {
    /// The clip is currently on a timeline and represents the artifact.
    Shows,
    /// The artifact is a render whose meta names the clip or sequence it was made from, which may no longer exist.
    RenderedFrom,
}

/// A timeline clip, or the source of a render, that belongs to an artifact of a lineage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LineageClip {
    /// The artifact of the lineage.
    pub artifact_id: Id,
    /// The relation between the clip and the artifact.
    pub relation: ClipRelation,
    /// The clip; null for a render of a whole sequence.
    pub clip_id: Option<Id>,
    /// The clip's track, if known.
    pub track_id: Option<Id>,
    /// The sequence that a render was made from; null for clips that represent the artifact.
    pub sequence_id: Option<Id>,
    /// The project that a render was made from; null for clips that represent the artifact.
    pub project_id: Option<Id>,
    /// The recording that the clip plays.
    pub asset_id: Id,
    /// Start of the window that it plays, in ms of the recording.
    #[serde(rename = "in_ms")]
    pub in_point: Option<AssetTime>,
    /// End of that window in ms, exclusive.
    #[serde(rename = "out_ms")]
    pub out_point: Option<AssetTime>,
    /// Start of the clip on the timeline, in ms.
    #[serde(rename = "start_ms_on_timeline")]
    pub timeline_start: Option<TimelineTime>,
}

/// The kind of object that uses a window of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageKind {
    /// An artifact of the given kind.
    Artifact(ArtifactKind),
    /// A clip on a timeline.
    Clip,
}

impl UsageKind {
    /// The name in requests and responses: `clip`, or the artifact's kind.
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

/// One window of a recording, and the object that uses it. An object that uses several windows has an entry for each.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Usage {
    /// `clip`, or the artifact's kind.
    #[schema(value_type = String, example = "audio_hit")]
    pub kind: UsageKind,
    /// Id of the artifact or clip.
    pub id: Id,
    /// Start of the whole used window, in ms of the recording.
    #[serde(rename = "start_ms")]
    pub start: AssetTime,
    /// End of that window in ms, exclusive.
    #[serde(rename = "end_ms")]
    pub end: AssetTime,
    /// The clip's track; null for artifacts.
    pub track_id: Option<Id>,
    /// The artifact that the clip represents; null for artifacts.
    pub artifact_id: Option<Id>,
}

/// Selects the uses of a recording to list.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UsageQuery {
    /// Start of the window in ms of the recording; the recording's start by default.
    #[serde(rename = "start_ms")]
    pub start: Option<AssetTime>,
    /// End of the window in ms, exclusive, later than `start_ms`; unbounded by default.
    #[serde(rename = "end_ms")]
    pub end: Option<AssetTime>,
    /// Maximum number of uses on a page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    pub limit: Option<u32>,
    /// `next_cursor` of the previous page, for the same window.
    pub cursor: Option<String>,
}
