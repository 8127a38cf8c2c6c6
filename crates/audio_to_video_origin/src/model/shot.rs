use media_time::{AssetTime, Instant, MediaTime, TimelineTime};
use media_v2::Meta;
use primitives::Id;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Alignment;

/// A window of a source to show while a clip plays. Times in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VideoShot {
    /// The recording to show.
    pub source_asset_id: Id,
    /// Start of the window in the recording.
    #[serde(rename = "source_start_ms")]
    pub source_start: AssetTime,
    /// End of the window, exclusive.
    #[serde(rename = "source_end_ms")]
    pub source_end: AssetTime,
    /// Time at which the shot starts in the sequence or pattern.
    #[serde(rename = "target_start_ms")]
    pub target_start: TimelineTime,
    /// Duration of the shot.
    #[serde(rename = "target_duration_ms")]
    pub target_duration: MediaTime,
    /// The meta of the clip's artifact, and the shot's own `track`, `role`, `label`, `audio_artifact_id`,
    /// `semantic_version`, `semantic_cache_key`, `semantic_backend_type`, `semantic_offset_ms`, `offset_clamped` and
    /// `clip_offsets`; also `source_offset_ms` and `gain_db` of the clip, unless they are 0. Shots of edits may have
    /// `music_asset_id` and `music_start_ms`.
    #[schema(value_type = Object)]
    pub meta: Meta,
}

/// Shots of another engine, to store as a shot list.
#[derive(Clone, Debug, PartialEq)]
pub struct NewShotList {
    /// The shots, ordered by target start; at most [`MAX_CLIPS`](crate::MAX_CLIPS). Their windows are not empty and inside
    /// their recordings.
    pub shots: Vec<VideoShot>,
    /// Version of the engine: covers everything that affects the shots and is not in its request.
    pub backend_version: String,
    /// The seed of the request.
    pub seed: Option<i64>,
    /// The artifacts that the shots were made from, such as semantic timelines.
    pub upstream_artifact_ids: Vec<Id>,
}

/// Summary of a shot list and of the request it was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ShotListMeta {
    /// Number of shots in the list.
    pub count: usize,
    /// Version that covers everything that affects a result and is not in the request.
    pub backend_version: String,
    /// The seed of the request.
    pub seed: Option<i64>,
    /// The alignment of the request.
    pub alignment: Alignment,
    /// The pattern that the shots accompany.
    pub pattern_id: Option<Id>,
    /// The caller's id of the sequence that the shots accompany.
    pub sequence_id: Option<Id>,
    /// SHA-256 of this meta with an empty hash and of the shots, both serialized as stored.
    pub shot_list_hash: String,
    /// Version of the timeline of the last shot that has one.
    pub semantic_version: Option<String>,
    /// Cache key of the timeline of the last shot that has one.
    pub semantic_cache_key: Option<String>,
}

/// Response of `POST /audio/to-video-origin`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ShotListResult {
    /// Ordered by target start, then track, then the order of the clips.
    pub shots: Vec<VideoShot>,
    /// The artifact that stores the list; null when it has no shots.
    pub shot_list_artifact_id: Option<Id>,
    /// Summary of the list.
    pub meta: ShotListMeta,
}

/// A shot in the format of the p10 phase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PatternShot {
    /// The recording to show.
    pub asset_id: Id,
    /// Start in the recording, in milliseconds.
    #[serde(rename = "start_ms")]
    pub start: AssetTime,
    /// End in the recording in milliseconds, exclusive.
    #[serde(rename = "end_ms")]
    pub end: AssetTime,
    /// Start of the shot, in milliseconds of the pattern or sequence.
    pub target_time_on_pattern: TimelineTime,
}

/// The shots in the format of the p10 phase, with the summary of the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PatternShotList {
    /// In the order of the list.
    pub shots: Vec<PatternShot>,
    /// Summary of the list and of its request.
    pub meta: ShotListMeta,
}

/// Difference of times of adjacent shots that were rounded to the microsecond, in µs.
const ROUNDING_US: i64 = 2;

/// Whether what starts at `start` continues what ends at `end`, except for rounding.
#[must_use]
pub fn continues(end: impl Instant, start: impl Instant) -> bool {
    (end.since_zero() - start.since_zero()).as_micros().abs() <= ROUNDING_US
}
