//! Requests and responses of the routes.

use primitives::Id;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::Summary;
use crate::EffectiveParams;
use crate::speakers::SpeakersOption;

/// Body of `POST /audio/semantic-timeline/analyze`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnalyzeRequest {
    /// Alternative to the header `X-Tenant-Id`.
    pub tenant_id: Option<String>,
    /// Alternative to the header `X-Env`.
    pub env: Option<String>,
    /// Alternative to the header `X-User-Id`.
    pub user_id: Option<String>,
    /// The recording to analyse.
    pub asset_id: Id,
    /// An artifact of that recording, analysed instead of it.
    pub artifact_id: Option<Id>,
    /// Detect beats and tempo.
    #[serde(default = "yes", deserialize_with = "yes_or_null")]
    #[schema(default = yes)]
    pub include_beats: bool,
    /// Distinguish speech and music.
    #[serde(default = "yes", deserialize_with = "yes_or_null")]
    #[schema(default = yes)]
    pub include_speech_music: bool,
    /// Minimum duration of a silence event, in milliseconds; clamped to 50–10 000.
    #[serde(default = "default_min_silence_ms", deserialize_with = "min_silence_ms_or_null")]
    #[schema(default = default_min_silence_ms)]
    pub min_silence_ms: i64,
    /// Duration of the loudness windows in milliseconds; clamped to 100–10 000.
    #[serde(default = "default_loudness_window_ms", deserialize_with = "loudness_window_ms_or_null")]
    #[schema(default = default_loudness_window_ms)]
    pub loudness_window_ms: i64,
    /// Language of the speech (ISO 639-1, as supported by Whisper); detected for each part of the recording by default, and
    /// with `auto`. Like `prompt`, `hot_words` and `translate`, it has an effect only with a speech model: the backends
    /// `signal` and `stub` ignore these fields.
    pub language: Option<String>,
    /// Preceding context for the speech model: names, spelling, style. At most 1 000 characters. Ignored without a speech
    /// model.
    #[schema(max_length = 1_000)]
    pub prompt: Option<String>,
    /// Words that are likely to occur, of 1 to 50 characters each. Ignored without a speech model.
    #[schema(max_items = 100)]
    pub hot_words: Option<Vec<String>>,
    /// Detect speakers: `true`, or bounds of their number.
    pub speakers: Option<SpeakersOption>,
    /// Translate the speech to English; needs a multilingual model. Ignored without a speech model.
    #[serde(default = "no", deserialize_with = "no_or_null")]
    #[schema(default = no)]
    pub translate: bool,
    /// The audio stream to analyse, as an index among the recording's `audio_streams`; the container's default one if
    /// absent.
    pub audio_stream: Option<u32>,
    /// Treat each channel as one microphone and each microphone as one speaker (`CH1`, `CH2` …): cross-talk is attributed to
    /// the louder microphone, and words are transcribed from the leading one. Not together with `speakers`.
    #[serde(default = "no", deserialize_with = "no_or_null")]
    #[schema(default = no)]
    pub channel_speech: bool,
}

http_kit::context_fields!(AnalyzeRequest);

http_kit::field_default!(yes, yes_or_null: bool = true);
http_kit::field_default!(no, no_or_null: bool = false);
http_kit::field_default!(default_min_silence_ms, min_silence_ms_or_null: i64 = EffectiveParams::DEFAULT_MIN_SILENCE_MS);
http_kit::field_default!(default_loudness_window_ms, loudness_window_ms_or_null: i64 = EffectiveParams::DEFAULT_LOUDNESS_WINDOW_MS);

/// Response of the route `analyze`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AnalyzeResponse {
    /// Id of the timeline's artifact.
    pub audio_semantic_artifact_id: Id,
    /// URI of the timeline's bytes.
    pub uri: String,
    /// The artifact's meta, with information about this request.
    pub meta: AnalyzeMeta,
}

/// Meta of the response of `analyze`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AnalyzeMeta {
    /// The meta of the artifact.
    #[serde(flatten)]
    pub artifact: Map<String, Value>,
    /// Parameters of this request that were out of range.
    pub clamped: Vec<Clamped>,
    /// Whether the timeline existed already.
    pub cache_hit: bool,
}

/// A parameter that was out of range.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Clamped {
    /// Name of the parameter.
    pub parameter: &'static str,
    /// The value in the request.
    pub requested: i64,
    /// The value that was used.
    pub effective: i64,
}

/// A timeline and its artifact.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TimelineResponse {
    /// Id of the timeline's artifact.
    pub artifact_id: Id,
    /// URI of the timeline's bytes.
    pub uri: String,
    /// The timeline, whole or cut to a clip.
    pub summary: Summary,
    /// The meta of the artifact.
    pub artifact_meta: Map<String, Value>,
}
