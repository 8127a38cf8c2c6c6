//! Speakers of a timeline: request options and results.

use std::fmt;

use audio_speakers::SpeakerCount;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::Error;

/// Bounds of the number of speakers, each 1 to 50; an absent bound is left to the analysis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SpeakerBounds {
    /// Minimum number of speakers.
    #[schema(minimum = 1, maximum = 50)]
    pub min: Option<u16>,
    /// Maximum number of speakers.
    #[schema(minimum = 1, maximum = 50)]
    pub max: Option<u16>,
}

impl SpeakerBounds {
    /// The bounds as input of the diarization.
    ///
    /// # Errors
    /// [`Error::InvalidSpeakers`] when one is outside 1–50 or `min` is above `max`.
    pub fn count(self) -> Result<SpeakerCount, Error> {
        SpeakerCount::new(self.min, self.max).map_err(Error::InvalidSpeakers)
    }
}

/// The request field `speakers`: `true`, or bounds of their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum SpeakersOption {
    /// `true` detects speakers; `false` is the default.
    Flag(bool),
    /// Detects speakers with bounds of their number.
    Bounds(SpeakerBounds),
}

impl SpeakersOption {
    /// The bounds; `None` if speakers are not requested.
    #[must_use]
    pub fn bounds(self) -> Option<SpeakerBounds> {
        match self {
            Self::Flag(is_wanted) => is_wanted.then(SpeakerBounds::default),
            Self::Bounds(bounds) => Some(bounds),
        }
    }
}

// Not derived: an untagged enum buffers its value, accepts arrays as objects and hides which field is invalid.
impl<'de> Deserialize<'de> for SpeakersOption {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OptionVisitor;

        impl<'de> Visitor<'de> for OptionVisitor {
            type Value = SpeakersOption;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false or an object with `min` and `max`")
            }

            fn visit_bool<E: de::Error>(self, is_wanted: bool) -> Result<SpeakersOption, E> {
                Ok(SpeakersOption::Flag(is_wanted))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SpeakersOption, A::Error> {
                SpeakerBounds::deserialize(MapAccessDeserializer::new(map)).map(SpeakersOption::Bounds)
            }
        }

        deserializer.deserialize_any(OptionVisitor)
    }
}

/// A continuous turn of one speaker. Turns of different speakers may overlap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SpeakerTurn {
    /// The speaker's id, from `meta.speakers`.
    pub speaker_id: String,
    /// Start time in milliseconds, inclusive.
    pub start_ms: i64,
    /// End in milliseconds, exclusive; greater than `start_ms`.
    pub end_ms: i64,
}

/// A speaker of a recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Speaker {
    /// `S1`, `S2` …, by first appearance in the recording; with `channel_speech`, `CH1`, `CH2` … by channel.
    pub id: String,
    /// The name of the matching enrolled voice; null without a match, and in the response of `analyze`, because names
    /// are looked up when a timeline is read.
    // Stored timelines contain no names: they are looked up on each read, so that a deleted voice leaves none behind.
    #[serde(default, deserialize_with = "no_name")]
    pub name: Option<String>,
    /// Total speech in the recording, in milliseconds.
    pub speech_ms: i64,
    /// Distinctness from the other speakers, 0 to 1; with `channel_speech`, the share of the speech in which no other
    /// microphone has any.
    pub confidence: f64,
}

/// Deserializes any name as `None`.
fn no_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| None)
}

/// A speaker with the embedding from the analysis.
#[derive(Clone, Debug, PartialEq)]
pub struct DetectedSpeaker {
    /// The speaker's entry in the timeline.
    pub speaker: Speaker,
    /// Embedding of the voice; `None` for a microphone, which is not compared with voices.
    pub embedding: Option<audio_speakers::Embedding>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speakers_option_is_a_flag_or_bounds() {
        let bounds =
            |text: &str| serde_json::from_str::<SpeakersOption>(text).map(SpeakersOption::bounds).ok();
        assert_eq!(bounds("false"), Some(None));
        assert_eq!(bounds("true"), Some(Some(SpeakerBounds::default())));
        assert_eq!(bounds(r#"{"min":2}"#), Some(Some(SpeakerBounds { min: Some(2), max: None })));
        assert_eq!(bounds(r#"{"mins":2}"#), None);
        assert_eq!(bounds(r#"{"min":-1}"#), None);
        for positional in
            ["[2, 4]", "[]", "[null, null]", r#"{"min": [2]}"#, "2", "\"true\"", r#"{"min":1,"min":2}"#]
        {
            assert_eq!(bounds(positional), None, "{positional}");
        }
        let error = serde_json::from_str::<SpeakersOption>(r#"{"mins": 2}"#).unwrap_err().to_string();
        assert!(error.contains("unknown field `mins`"), "{error}");
        assert!(SpeakerBounds { min: Some(3), max: Some(2) }.count().is_err());
        assert!(SpeakerBounds { min: None, max: Some(51) }.count().is_err());
    }

    #[test]
    fn names_are_not_read_back_from_a_stored_timeline() {
        let stored = r#"{"id":"S1","name":"Ada","speech_ms":10,"confidence":0.5}"#;
        assert_eq!(serde_json::from_str::<Speaker>(stored).unwrap().name, None);
    }
}
