//! Wire types of the loop detector.

use media_time::AssetTime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::request::detector_request;

/// Length of a loop in bars.
#[derive(ToSchema)]
#[schema(minimum = 1, maximum = 32)]
#[expect(dead_code, reason = "describes for OpenAPI the items of `LoopParams::target_bars`")]
struct Bars(u32);

/// Parameters for detecting loops.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LoopParams {
    /// Lengths in bars of four beats: 1 to 8 numbers, each 1 to 32.
    #[serde(deserialize_with = "target_bars")]
    #[schema(value_type = Vec<Bars>, min_items = 1, max_items = 8)]
    pub target_bars: Vec<u32>,
    /// Known tempo in beats per minute, 30 to 300.
    #[schema(minimum = 30, maximum = 300)]
    pub bpm_hint: Option<f64>,
    /// Minimum confidence of a loop, 0 to 1.
    #[serde(deserialize_with = "min_confidence")]
    #[schema(minimum = 0, maximum = 1)]
    pub min_confidence: f64,
}

http_kit::null_as_default_of!(LoopParams {
    target_bars: Vec<u32>,
    min_confidence: f64,
});

impl Default for LoopParams {
    fn default() -> Self {
        Self { target_bars: vec![1, 2, 4], bpm_hint: None, min_confidence: 0.5 }
    }
}

detector_request!(
    /// Requests the loops of a recording.
    LoopsRequest, loop_params: LoopParams
);

/// Whole bars that can be repeated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoopEvent {
    /// Time of the bar line at the start, in ms.
    pub start_ms: i64,
    /// Time of the bar line at the end, in ms.
    pub end_ms: i64,
    /// Length of the loop in bars.
    pub loop_bars: u32,
    /// Tempo of the slice in beats per minute, with four beats per bar.
    pub bpm: f64,
    /// Combined score of the continuity from end to start and the clarity of the beats, 0 to 1.
    pub confidence: f64,
    /// Mean square of the slice's samples, full scale 1.
    pub energy: Option<f64>,
    /// Musical key, for example `A minor` or `Bb major`; null for loops without a clear key, such as drums.
    pub key: Option<String>,
    /// Confidence in the key, 0 to 1; null without a key.
    pub key_confidence: Option<f64>,
    /// Start of the slice in the recording in ms, exact to the sample.
    #[serde(rename = "source_start_ms")]
    pub source_start: AssetTime,
    /// End (exclusive) of the slice in the recording in ms, exact to the sample.
    #[serde(rename = "source_end_ms")]
    pub source_end: AssetTime,
}
