use std::collections::BTreeMap;

use media_time::{LocalTime, MediaTime, TimelineTime};
use primitives::Id;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Metadata of a pattern: a JSON object.
pub type Meta = serde_json::Map<String, serde_json::Value>;

/// A request for a pattern.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatternRequest {
    /// Alternative to the header `X-Tenant-Id`.
    #[serde(default)]
    pub tenant_id: Option<String>,
    /// Alternative to the header `X-Env`.
    #[serde(default)]
    pub env: Option<String>,
    /// Alternative to the header `X-User-Id`.
    #[serde(default)]
    pub user_id: Option<String>,
    /// The name of a template.
    pub template_id: String,
    /// The artifact to play for each role; a role without one stays silent.
    #[schema(example = json!({"kick": "artifact_1", "snare": "artifact_2"}))]
    pub sample_map: BTreeMap<String, Id>,
    /// Beats per minute, 1 to 1000; the template's when absent.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1_000)]
    pub bpm: Option<f64>,
    /// Delay of every odd step, in per cent of half a step, 0 to 100; the template's when absent.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(minimum = 0, maximum = 100)]
    pub swing_pct: Option<f64>,
    /// Number of times the bar is played, 1 to 1024; 1 when absent.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1_024, default = 1)]
    pub bars: Option<i64>,
    /// Seed of the random shifts of the hits' times and velocities; when absent, hits stay on the grid.
    #[serde(default)]
    pub seed: Option<i64>,
}

http_kit::context_fields!(PatternRequest);

/// Samples placed in time. Patterns made by the engine have every field; clients may leave out the fields that have
/// a default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatternTimeline {
    /// `pattern_` and the hash of the request.
    pub pattern_id: Id,
    /// Beats per minute, 1 to 1000.
    pub bpm: f64,
    /// Delay of every odd step, in per cent of half a step.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(default = 0.0)]
    pub swing_pct: f64,
    /// Ordered by start; clips with equal starts in the order of the template's parts.
    pub clips: Vec<PatternClip>,
    /// `template_id`, `backend_version`, `bars`, `seed`, `bpm`, `swing_pct`, `steps_per_bar`,
    /// `length_ms` and `silent_roles`.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(value_type = Object)]
    pub meta: Meta,
}

/// One hit of a pattern.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatternClip {
    /// The sample to play.
    pub artifact_id: Id,
    /// Start of the hit, in ms from the start of the pattern.
    #[serde(rename = "start_ms")]
    pub start: TimelineTime,
    /// Duration of the hit, in ms.
    #[serde(rename = "duration_ms")]
    pub duration: MediaTime,
    /// Start position within the sample, in ms.
    #[serde(rename = "source_offset_ms", default, deserialize_with = "http_kit::null_as_default")]
    #[schema(value_type = f64, default = 0)]
    pub source_offset: LocalTime,
    /// Gain in dB, -60 to 0.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(default = 0.0)]
    pub gain_db: f64,
    /// The role of the template that the hit belongs to.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(default = "")]
    pub label: String,
}
