use http_kit::Id;
use media_time::MediaTime;
use media_v2::Meta;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Alignment;

/// A window of a source, to be shown for as long as a sound is heard. Times in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VideoShot {
    /// The recording to show.
    pub source_asset_id: Id,
    /// First instant of it.
    pub source_start_ms: MediaTime,
    /// First instant after.
    pub source_end_ms: MediaTime,
    /// When to show it.
    pub target_start_ms: MediaTime,
    /// For how long.
    pub target_duration_ms: MediaTime,
    /// The meta of the artifact that sounds, and of this shot `track`, `role`, `label`, `audio_artifact_id`,
    /// `semantic_version`, `semantic_cache_key`, `semantic_backend_type`, `semantic_offset_ms`, `offset_clamped` and
    /// `clip_offsets`.
    #[schema(value_type = Object)]
    pub meta: Meta,
}

/// How a shot list was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ShotListMeta {
    /// The number of shots.
    pub count: usize,
    /// Names everything that changes a result and is not in the request.
    pub backend_version: String,
    /// As given.
    pub seed: Option<i64>,
    /// As given.
    pub alignment: Alignment,
    /// The pattern that it accompanies.
    pub pattern_id: Option<Id>,
    /// The sequence that it accompanies, as the caller named it.
    pub sequence_id: Option<Id>,
    /// SHA-256 of this meta with an empty hash and of the shots, both as they stand here.
    pub shot_list_hash: String,
    /// Of the timeline behind the last shot that has one.
    pub semantic_version: Option<String>,
    /// Of the timeline behind the last shot that has one.
    pub semantic_cache_key: Option<String>,
}

/// Answer of `POST /audio/to-video-origin`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ShotListResult {
    /// By target start, then track, then the order of the clips.
    pub shots: Vec<VideoShot>,
    /// Where the list is kept; null when it has no shots.
    pub shot_list_artifact_id: Option<Id>,
    /// How it was made.
    pub meta: ShotListMeta,
}

/// A shot in the form of the p10 phase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PatternShot {
    /// The recording to show.
    pub asset_id: Id,
    /// First instant of it, in milliseconds.
    pub start_ms: MediaTime,
    /// First instant after.
    pub end_ms: MediaTime,
    /// When to show it, in milliseconds of the pattern or sequence.
    pub target_time_on_pattern: MediaTime,
}
