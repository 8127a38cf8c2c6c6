//! Wire types of the hit detector.

use media_time::{AssetTime, MediaTime};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::request::detector_request;

/// Parameters for detecting and cutting hits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HitParams {
    /// Pre-roll before the rise in milliseconds, 0 to 1 000.
    #[serde(rename = "pre_roll_ms", deserialize_with = "pre_roll")]
    #[schema(value_type = f64, minimum = 0, maximum = 1_000)]
    pub pre_roll: MediaTime,
    /// Post-roll after the decay in milliseconds, 0 to 10 000.
    #[serde(rename = "post_roll_ms", deserialize_with = "post_roll")]
    #[schema(value_type = f64, minimum = 0, maximum = 10_000)]
    pub post_roll: MediaTime,
    /// Minimum peak level of a hit in dBFS, −120 to 0.
    #[serde(deserialize_with = "min_peak_db")]
    #[schema(minimum = -120, maximum = 0)]
    pub min_peak_db: f64,
    /// Minimum interval between two hits in milliseconds, 0 to 60 000; of two closer ones, the earlier is kept.
    #[serde(rename = "min_interval_ms", deserialize_with = "min_interval")]
    #[schema(value_type = f64, minimum = 0, maximum = 60_000)]
    pub min_interval: MediaTime,
    /// Maximum duration of a slice in milliseconds, 10 to 30 000.
    #[serde(rename = "max_duration_ms", deserialize_with = "max_duration")]
    #[schema(value_type = f64, minimum = 10, maximum = 30_000)]
    pub max_duration: MediaTime,
}

http_kit::null_as_default_of!(HitParams {
    pre_roll: MediaTime,
    post_roll: MediaTime,
    min_peak_db: f64,
    min_interval: MediaTime,
    max_duration: MediaTime,
});

impl Default for HitParams {
    fn default() -> Self {
        Self {
            pre_roll: MediaTime::from_millis(10),
            post_roll: MediaTime::from_millis(200),
            min_peak_db: -40.0,
            min_interval: MediaTime::from_millis(50),
            max_duration: MediaTime::from_millis(2_000),
        }
    }
}

detector_request!(
    /// Requests the hits of a recording.
    HitsRequest, hit_params: HitParams
);

/// The role of a hit in a beat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HitRole {
    /// Bass drum.
    Kick,
    /// Snare drum.
    Snare,
    /// Hi-hat or another cymbal.
    Hat,
    /// Tom.
    Tom,
    /// Hand clap.
    Clap,
    /// Another sound, or one whose role is not clear.
    Other,
}

impl From<audio_signal::HitRole> for HitRole {
    fn from(role: audio_signal::HitRole) -> Self {
        match role {
            audio_signal::HitRole::Kick => Self::Kick,
            audio_signal::HitRole::Snare => Self::Snare,
            audio_signal::HitRole::Hat => Self::Hat,
            audio_signal::HitRole::Tom => Self::Tom,
            audio_signal::HitRole::Clap => Self::Clap,
            audio_signal::HitRole::Other => Self::Other,
        }
    }
}

/// A single struck sound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HitEvent {
    /// Time of the onset, in ms.
    pub time_ms: i64,
    /// Peak sample level in dBFS.
    pub peak_db: f64,
    /// Mean square of the slice's samples, full scale 1.
    pub energy: Option<f64>,
    /// Spectral centroid from the rise to the end of the decay, weighted by power, in Hz; null for silence.
    pub brightness_hz: Option<f64>,
    /// Estimated role in a beat; null for silence.
    pub role: Option<HitRole>,
    /// Confidence in the role, 0 to 1; of `other`, that no other role is clear.
    pub role_confidence: Option<f64>,
    /// Duration from the rise to the end of the decay or the rise of the next hit, in ms.
    pub duration_ms: Option<i64>,
    /// Start of the slice in the recording in ms, exact to the sample.
    #[serde(rename = "source_start_ms")]
    pub source_start: AssetTime,
    /// End (exclusive) of the slice in the recording in ms, exact to the sample.
    #[serde(rename = "source_end_ms")]
    pub source_end: AssetTime,
}
