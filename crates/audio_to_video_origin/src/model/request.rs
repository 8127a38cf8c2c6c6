use media_time::{LocalTime, MediaTime, TimelineTime};
use media_v2::Meta;
use primitives::Id;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::PatternOrId;

/// Body of `POST /audio/to-video-origin`, with one of `sequence`, `pattern` and `pattern_id`.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShotListRequest {
    /// Alternative to the header `X-Tenant-Id`.
    pub tenant_id: Option<String>,
    /// Alternative to the header `X-Env`.
    pub env: Option<String>,
    /// Alternative to the header `X-User-Id`.
    pub user_id: Option<String>,
    /// Audio clips on tracks.
    pub sequence: Option<AudioSequence>,
    /// A pattern, or the id of one that this service made.
    pub pattern: Option<PatternOrId>,
    /// The id of a pattern that this service made.
    pub pattern_id: Option<Id>,
    /// How shots are aligned to speech or beats of the source.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(default = Alignment::default)]
    pub alignment: Alignment,
    /// Repeated in the result; nothing is random.
    pub seed: Option<i64>,
    /// Reject artifacts without an origin map in a sequence too, as in a pattern.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(default = false)]
    pub strict: bool,
    /// Reject sources without a semantic timeline.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(default = false)]
    pub require_semantics: bool,
}

http_kit::context_fields!(ShotListRequest);

/// How shots are aligned to speech or beats of the source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Alignment {
    /// Shift every shot by the start of the source's first speech.
    #[default]
    FirstSpeech,
    /// Shift the shot to the first speech onset inside it.
    SpeechInWindow,
    /// Shift the shot to the nearest beat, at most 120 ms away.
    Beat,
    /// Do not shift shots.
    None,
}

/// Audio clips on tracks.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AudioSequence {
    /// The caller's id of the sequence; repeated in the result.
    pub id: Option<Id>,
    /// Beats per minute, 1 to 1000; validated, but not used.
    #[schema(minimum = 1, maximum = 1_000)]
    pub bpm: Option<f64>,
    /// The tracks, in their order.
    #[schema(max_items = 10_000)]
    pub tracks: Vec<AudioTrack>,
}

/// A track of audio clips.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AudioTrack {
    /// The track's name, repeated in its shots.
    pub name: String,
    /// What it plays: `kick`, `voice`, …
    pub role: Option<String>,
    /// Free-form data of the caller; not used.
    #[schema(value_type = Option<Object>)]
    pub meta: Option<Meta>,
    /// The audio clips, in any order.
    pub clips: Vec<AudioClip>,
}

/// An audio clip at a time, of an artifact or of a recording.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AudioClip {
    /// The artifact that plays; not together with `asset_id`.
    pub artifact_id: Option<Id>,
    /// The recording that plays; not together with `artifact_id`.
    pub asset_id: Option<Id>,
    /// Start in milliseconds of the sequence.
    #[serde(rename = "start_ms")]
    #[schema(value_type = f64, minimum = 0)]
    pub start: TimelineTime,
    /// Duration in milliseconds; more than 0.
    #[serde(rename = "duration_ms")]
    #[schema(value_type = f64, exclusive_minimum = 0)]
    pub duration: MediaTime,
    /// Start in the artifact or recording, in milliseconds.
    #[serde(rename = "source_offset_ms", default, deserialize_with = "http_kit::null_as_default")]
    #[schema(value_type = f64, minimum = 0, default = 0)]
    pub source_offset: LocalTime,
    /// The caller's label of the clip.
    pub label: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(value: Value) -> Result<ShotListRequest, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    #[test]
    fn pattern_is_given_complete_or_by_id() {
        let by_id = read(json!({"pattern": "pattern_1"})).unwrap();
        assert_eq!(by_id.pattern, Some(PatternOrId::Id("pattern_1".parse().unwrap())));
        assert_eq!(by_id.alignment, Alignment::FirstSpeech);
        let clip = json!({"artifact_id": "hit", "start_ms": 0.5, "duration_ms": 1});
        let whole = read(json!({"pattern": {"pattern_id": "p", "bpm": 90, "clips": [clip]}})).unwrap();
        let Some(PatternOrId::Pattern(pattern)) = whole.pattern else { panic!("not a pattern") };
        assert_eq!(pattern.clips[0].start, TimelineTime::from_micros(500));
        assert!(read(json!({"pattern": "a|b"})).unwrap_err().contains("not an id"));
        assert!(
            read(json!({"pattern": {"pattern_id": "p", "bpm": 1, "clip": []}}))
                .unwrap_err()
                .contains("`clip`")
        );
    }

    #[test]
    fn shot_list_request_rejects_unknown_values_and_fields() {
        assert!(read(json!({"alignment": "chorus"})).unwrap_err().contains("first_speech"));
        assert!(read(json!({"sequences": {"tracks": []}})).unwrap_err().contains("sequences"));
    }
}
