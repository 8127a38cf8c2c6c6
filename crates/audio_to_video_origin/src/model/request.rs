use http_kit::Id;
use media_time::MediaTime;
use media_v2::Meta;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::PatternOrId;

/// `POST /audio/to-video-origin`: one of `sequence`, `pattern` and `pattern_id`.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShotListRequest {
    /// In place of `X-Tenant-Id`.
    pub tenant_id: Option<String>,
    /// In place of `X-Env`.
    pub env: Option<String>,
    /// In place of `X-User-Id`.
    pub user_id: Option<String>,
    /// Sounds on tracks.
    pub sequence: Option<AudioSequence>,
    /// A pattern, or the id of one that was made here.
    pub pattern: Option<PatternOrId>,
    /// The id of a pattern that was made here.
    pub pattern_id: Option<Id>,
    /// How what is heard in the source moves a shot.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(default = Alignment::default)]
    pub alignment: Alignment,
    /// Told again in the result; nothing here is random.
    pub seed: Option<i64>,
    /// Refuse an artifact without a mapping in a sequence too, as in a pattern.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(default = false)]
    pub strict: bool,
    /// Refuse a source of which there is no semantic timeline.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(default = false)]
    pub require_semantics: bool,
}

http_kit::context_fields!(ShotListRequest);

/// How what is heard in the source moves a shot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Alignment {
    /// By the start of the first speech of the source.
    #[default]
    FirstSpeech,
    /// To the first onset of speech inside the shot.
    SpeechInWindow,
    /// To the nearest beat, at most 120 ms away.
    Beat,
    /// Not at all.
    None,
}

/// Sounds on tracks.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AudioSequence {
    /// The caller's name for it; told again in the result.
    pub id: Option<Id>,
    /// Beats per minute, 1 to 1000; the caller's own, like the tracks' meta.
    #[schema(minimum = 1, maximum = 1_000)]
    pub bpm: Option<f64>,
    /// The tracks, in their order.
    #[schema(max_items = 10_000)]
    pub tracks: Vec<AudioTrack>,
}

/// A track of sounds.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AudioTrack {
    /// Its name.
    pub name: String,
    /// What it plays: `kick`, `voice`, …
    pub role: Option<String>,
    /// The caller's own facts.
    #[schema(value_type = Option<Object>)]
    pub meta: Option<Meta>,
    /// The sounds, in any order.
    pub clips: Vec<AudioClip>,
}

/// A sound at a time: of an artifact, or of a recording itself.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AudioClip {
    /// What sounds; not together with `asset_id`.
    pub artifact_id: Option<Id>,
    /// The recording that sounds; not together with `artifact_id`.
    pub asset_id: Option<Id>,
    /// When, in milliseconds of the sequence.
    #[schema(value_type = f64, minimum = 0)]
    pub start_ms: MediaTime,
    /// For how long, in milliseconds; more than 0.
    #[schema(value_type = f64, exclusive_minimum = 0)]
    pub duration_ms: MediaTime,
    /// From where in the sound on, in milliseconds.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(value_type = f64, minimum = 0, default = 0)]
    pub source_offset_ms: MediaTime,
    /// The caller's name for it.
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
    fn a_pattern_is_given_whole_or_by_its_id() {
        let by_id = read(json!({"pattern": "pattern_1"})).unwrap();
        assert_eq!(by_id.pattern, Some(PatternOrId::Id("pattern_1".parse().unwrap())));
        assert_eq!(by_id.alignment, Alignment::FirstSpeech);
        let clip = json!({"artifact_id": "hit", "start_ms": 0.5, "duration_ms": 1});
        let whole = read(json!({"pattern": {"pattern_id": "p", "bpm": 90, "clips": [clip]}})).unwrap();
        let Some(PatternOrId::Pattern(pattern)) = whole.pattern else { panic!("not a pattern") };
        assert_eq!(pattern.clips[0].start_ms, MediaTime::from_micros(500));
        assert!(read(json!({"pattern": "a|b"})).unwrap_err().contains("not an id"));
        assert!(
            read(json!({"pattern": {"pattern_id": "p", "bpm": 1, "clip": []}}))
                .unwrap_err()
                .contains("`clip`")
        );
    }

    #[test]
    fn unknown_words_are_refused() {
        assert!(read(json!({"alignment": "chorus"})).unwrap_err().contains("first_speech"));
        assert!(read(json!({"sequences": {"tracks": []}})).unwrap_err().contains("sequences"));
    }
}
