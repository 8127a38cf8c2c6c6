//! The wire types.

use audio_fingerprint::{MIN_CANDIDATE_CONFIDENCE, MIN_CONFIDENCE};
use audio_to_video_origin::OriginMap;
use http_kit::FieldError;
use media_time::limits::MAX_INSTANT;
use media_time::{AssetTime, MediaTime};
use primitives::Id;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Error;
use crate::query::QueryOptions;

/// Differences between the query and its sources that are searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Variation {
    /// The speed and pitch of the source only: a fourth of the look-ups or fewer.
    None,
    /// Also speeds of 0.9 to 1.1, and pitches and tempos that were changed separately.
    #[default]
    SpeedAndPitch,
}

impl From<Variation> for audio_fingerprint::Variation {
    fn from(variation: Variation) -> Self {
        match variation {
            Variation::None => Self::None,
            Variation::SpeedAndPitch => Self::SpeedAndPitch,
        }
    }
}

/// Body of `POST /audio/identify`: the audio to find, in one of `asset_id` and `artifact_id`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentifyRequest {
    /// Alternative to the header `X-Tenant-Id`.
    pub tenant_id: Option<String>,
    /// Alternative to the header `X-Env`.
    pub env: Option<String>,
    /// Alternative to the header `X-User-Id`.
    pub user_id: Option<String>,
    /// The asset with the audio to find.
    pub asset_id: Option<Id>,
    /// The artifact with the audio to find, such as a hit, a loop or a phrase.
    pub artifact_id: Option<Id>,
    /// Start of the window to find, in milliseconds of this audio; its start when absent.
    #[serde(rename = "start_ms")]
    #[schema(value_type = Option<f64>, minimum = 0)]
    pub start: Option<MediaTime>,
    /// End of the window in milliseconds, exclusive; the end of the audio when absent.
    #[serde(rename = "end_ms")]
    #[schema(value_type = Option<f64>, exclusive_minimum = 0)]
    pub end: Option<MediaTime>,
    /// Least confidence of a match: the probability that a search has no match as good by chance.
    #[serde(default = "default_confidence", deserialize_with = "confidence_or_null")]
    #[schema(minimum = 0.2, maximum = 1, default = default_confidence)]
    pub min_confidence: f64,
    /// Also store the place of the best match as the origin map of the artifact, with `meta.found_by`.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(default = false)]
    pub register: bool,
    /// Differences between the query and its sources that are searched.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(default = Variation::default)]
    pub variation: Variation,
}

http_kit::context_fields!(IdentifyRequest);
http_kit::field_default!(default_confidence, confidence_or_null: f64 = MIN_CONFIDENCE);

impl IdentifyRequest {
    /// The window and how it is searched.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub(crate) fn options(&self) -> Result<QueryOptions, Error> {
        let mut errors = Vec::new();
        let mut refuse = |pointer: &str, detail: &str| {
            errors.push(FieldError { pointer: pointer.to_owned(), detail: detail.to_owned() });
        };
        if self.asset_id.is_some() == self.artifact_id.is_some() {
            refuse("/asset_id", "give one of `asset_id` and `artifact_id`");
        }
        if self.register && self.artifact_id.is_none() {
            refuse("/register", "only artifacts have an origin map; give `artifact_id`");
        }
        let is_part = self.start.is_some_and(|start| start > MediaTime::ZERO) || self.end.is_some();
        if self.register && is_part {
            refuse(
                "/register",
                "an origin map is that of the whole artifact; leave out `start_ms` and `end_ms`",
            );
        }
        let options = QueryOptions {
            start: self.start.unwrap_or_default(),
            end: self.end,
            min_confidence: self.min_confidence,
            variation: self.variation,
        };
        errors.extend(options.violations());
        if errors.is_empty() { Ok(options) } else { Err(Error::Invalid(errors)) }
    }
}

impl QueryOptions {
    /// Fields that are out of range.
    pub(crate) fn violations(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut refuse = |pointer: &str, detail: &str| {
            errors.push(FieldError { pointer: pointer.to_owned(), detail: detail.to_owned() });
        };
        let instants = MediaTime::ZERO..=MAX_INSTANT;
        if !instants.contains(&self.start) {
            refuse("/start_ms", "expected 0 ms to thirty days");
        }
        if self.end.is_some_and(|end| end <= self.start || end > MAX_INSTANT) {
            refuse("/end_ms", "must be after start_ms, within thirty days");
        }
        if !(MIN_CANDIDATE_CONFIDENCE..=1.0).contains(&self.min_confidence) {
            refuse("/min_confidence", "expected 0.2 to 1");
        }
        errors
    }
}

/// A file to find, which is not stored. Context fields (`tenant_id`, `env`, `user_id`) must come before `file`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the multipart form for OpenAPI; `form` reads it")]
#[serde(deny_unknown_fields)]
pub(crate) struct IdentifyUpload {
    #[schema(value_type = String, required = false)]
    tenant_id: Option<String>,
    #[schema(value_type = String, required = false)]
    env: Option<String>,
    #[schema(value_type = String, required = false)]
    user_id: Option<String>,
    /// Start of the window to find, in milliseconds.
    #[schema(value_type = f64, required = false)]
    start_ms: Option<f64>,
    /// End of the window in milliseconds, exclusive.
    #[schema(value_type = f64, required = false)]
    end_ms: Option<f64>,
    /// Least confidence of a match, 0.2 to 1.
    #[schema(value_type = f64, required = false)]
    min_confidence: Option<f64>,
    /// Differences between the query and its sources that are searched.
    #[schema(value_type = Variation, required = false)]
    variation: Option<Variation>,
    /// The bytes of the file.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// A place of the library where the audio, or a part of it, occurs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SourceMatch {
    /// The recording.
    pub asset_id: Id,
    /// Start of the place, in milliseconds of the recording.
    #[serde(rename = "source_start_ms")]
    pub source_start: AssetTime,
    /// Its end in milliseconds, exclusive.
    #[serde(rename = "source_end_ms")]
    pub source_end: AssetTime,
    /// Start of the part that occurs there, in milliseconds of the query's asset, artifact or file.
    #[serde(rename = "query_start_ms")]
    pub query_start: MediaTime,
    /// Its end in milliseconds, exclusive.
    #[serde(rename = "query_end_ms")]
    pub query_end: MediaTime,
    /// Speed of the query relative to the recording: 1.1 is faster.
    pub speed: f64,
    /// Pitch of the query relative to the recording, as a ratio of frequencies.
    pub pitch: f64,
    /// Level of the query relative to the recording in dB, which other audio in the mix does not change; null where the
    /// samples do not correlate, as at a changed pitch.
    pub gain_db: Option<f64>,
    /// Number of spectral peaks that agree; null for a recording of the same bytes.
    pub score: Option<u32>,
    /// Probability that a search has no match as good by chance.
    pub confidence: f64,
    /// Whether the recording has the same bytes as that of the query, so that the place is known without a search.
    pub twin: bool,
}

/// How much of the library was searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Searched {
    /// Number of audio and video assets with audio.
    pub assets: i64,
    /// Number of those in the index; the others were not searched.
    pub indexed_assets: i64,
    /// Total duration of these in milliseconds.
    #[serde(rename = "indexed_ms")]
    pub indexed: MediaTime,
    /// Version of the fingerprints.
    pub fingerprint_version: u32,
}

/// Why no origin map was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotRegistered {
    /// There is no match.
    NoMatch,
    /// All matches are of a part of the artifact only, or begin or end outside of their recording.
    Partial,
    /// The artifact has another speed or pitch than its source, which an origin map cannot express.
    SpeedChanged,
    /// The artifact has a map that was not found by a search; it stays.
    AlreadyMapped,
}

/// Answer of `POST /audio/identify`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Identification {
    /// The places, by falling confidence, then by asset and time.
    pub matches: Vec<SourceMatch>,
    /// How much of the library was searched.
    pub searched: Searched,
    /// The origin map that was stored with `register`; null without.
    pub origin_map: Option<OriginMap>,
    /// Why none was stored although `register` was given; null otherwise.
    pub not_registered: Option<NotRegistered>,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pointers(body: Value) -> Vec<String> {
        let request: IdentifyRequest = serde_json::from_value(body).unwrap();
        match request.options() {
            Err(Error::Invalid(errors)) => errors.into_iter().map(|error| error.pointer).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn request_names_one_thing_and_a_window_of_it() {
        assert_eq!(pointers(json!({"asset_id": "a"})), [""; 0]);
        assert_eq!(pointers(json!({"artifact_id": "a", "register": true, "min_confidence": null})), [""; 0]);
        assert_eq!(pointers(json!({})), ["/asset_id"]);
        assert_eq!(pointers(json!({"asset_id": "a", "artifact_id": "b"})), ["/asset_id"]);
        assert_eq!(pointers(json!({"asset_id": "a", "register": true})), ["/register"]);
        assert_eq!(pointers(json!({"artifact_id": "a", "register": true, "end_ms": 5})), ["/register"]);
        assert_eq!(pointers(json!({"asset_id": "a", "start_ms": 5, "end_ms": 5})), ["/end_ms"]);
        assert_eq!(pointers(json!({"asset_id": "a", "start_ms": -1})), ["/start_ms"]);
        assert_eq!(pointers(json!({"asset_id": "a", "min_confidence": 0.1})), ["/min_confidence"]);
    }
}
