//! Wire types of the phrase detector.

use media_time::{AssetTime, MediaTime};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::request::detector_request;

/// Parameters for grouping words into phrases.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PhraseParams {
    /// Gap in milliseconds below which words belong to one phrase, 0 to 60 000.
    #[serde(rename = "max_gap_ms", deserialize_with = "max_gap")]
    #[schema(value_type = f64, minimum = 0, maximum = 60_000)]
    pub max_gap: MediaTime,
    /// Minimum duration of a phrase in milliseconds, 0 to 600 000.
    #[serde(rename = "min_phrase_len_ms", deserialize_with = "min_phrase_len")]
    #[schema(value_type = f64, minimum = 0, maximum = 600_000)]
    pub min_phrase_len: MediaTime,
}

http_kit::null_as_default_of!(PhraseParams { max_gap: MediaTime, min_phrase_len: MediaTime });

impl Default for PhraseParams {
    fn default() -> Self {
        Self { max_gap: MediaTime::from_millis(500), min_phrase_len: MediaTime::from_millis(200) }
    }
}

detector_request!(
    /// Requests the phrases of a recording.
    PhrasesRequest, phrase_params: PhraseParams
);

/// Spoken words without a pause.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoicePhrase {
    /// Start of the first word, in ms.
    pub start_ms: i64,
    /// End of the last word, in ms.
    pub end_ms: i64,
    /// The words, separated by spaces.
    pub transcript: String,
    /// Mean of the words' confidences, 0 to 1; null when none has one.
    pub confidence: Option<f64>,
    /// Start of the slice in the recording in ms, exact to the sample.
    #[serde(rename = "source_start_ms")]
    pub source_start: AssetTime,
    /// End (exclusive) of the slice in the recording in ms, exact to the sample.
    #[serde(rename = "source_end_ms")]
    pub source_end: AssetTime,
}
