//! Typed access to the members of a shot's meta. Members of other types are treated as absent.

use std::ops::RangeInclusive;

use media_time::{AssetTime, MediaTime};
use primitives::Id;
use serde_json::Value;

use super::VideoShot;

/// Gains in dB, as of clips of timelines; others are clamped.
const GAINS: RangeInclusive<f64> = -200.0..=60.0;

impl VideoShot {
    /// The sample that the shot accompanies: `audio_artifact_id`.
    #[must_use]
    pub fn sample_id(&self) -> Option<Id> {
        self.id("audio_artifact_id")
    }

    /// Start of the played part in the sample: `source_offset_ms`, 0 by default, not negative.
    #[must_use]
    pub fn source_offset(&self) -> MediaTime {
        self.time("source_offset_ms").unwrap_or_default().max(MediaTime::ZERO)
    }

    /// Gain of the sample in dB: `gain_db`, 0 by default, from −200 to 60.
    #[must_use]
    pub fn gain_db(&self) -> f64 {
        self.number("gain_db").unwrap_or(0.0).clamp(*GAINS.start(), *GAINS.end())
    }

    /// Start of the sample's played part in the recording, not negative. The frames start there, shifted by
    /// `semantic_offset_ms`, the sum of alignment and clamping.
    #[must_use]
    pub fn origin_start(&self) -> AssetTime {
        (self.source_start - self.time("semantic_offset_ms").unwrap_or_default()).max(AssetTime::ZERO)
    }

    /// The music that an edit cuts its shots to, and the time in it at which the shot starts: `music_asset_id` and
    /// `music_start_ms`.
    #[must_use]
    pub fn music(&self) -> Option<(Id, AssetTime)> {
        let start = self.time("music_start_ms").filter(|start| *start >= MediaTime::ZERO)?;
        Some((self.id("music_asset_id")?, AssetTime::at(start)))
    }

    fn id(&self, member: &str) -> Option<Id> {
        self.meta.get(member)?.as_str()?.parse().ok()
    }

    fn number(&self, member: &str) -> Option<f64> {
        self.meta.get(member).and_then(Value::as_f64)
    }

    fn time(&self, member: &str) -> Option<MediaTime> {
        MediaTime::try_from_millis_f64(self.number(member)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shot(meta: &Value) -> VideoShot {
        let shot = json!({
            "source_asset_id": "talk", "source_start_ms": 1_000, "source_end_ms": 1_500, "target_start_ms": 250,
            "target_duration_ms": 400, "meta": meta,
        });
        serde_json::from_value(shot).unwrap()
    }

    #[test]
    fn sample_of_a_shot_has_an_offset_a_gain_and_an_origin() {
        let meta = json!({
            "audio_artifact_id": "kick", "source_offset_ms": 50.5, "gain_db": -3.5, "semantic_offset_ms": -40,
            "offset_clamped": true,
        });
        let shot = shot(&meta);
        assert_eq!(shot.sample_id(), "kick".parse().ok());
        assert_eq!(shot.source_offset(), MediaTime::from_micros(50_500));
        assert_eq!((shot.gain_db(), shot.origin_start()), (-3.5, AssetTime::from_millis(1_040)));
    }

    #[test]
    fn absent_and_invalid_members_have_defaults() {
        for meta in [
            json!({}),
            json!({"audio_artifact_id": 1, "source_offset_ms": -5, "gain_db": "loud", "semantic_offset_ms": null}),
        ] {
            let shot = shot(&meta);
            assert_eq!((shot.sample_id(), shot.source_offset()), (None, MediaTime::ZERO), "{meta}");
            assert_eq!((shot.gain_db(), shot.origin_start()), (0.0, AssetTime::from_millis(1_000)), "{meta}");
        }
        assert_eq!(shot(&json!({"gain_db": -1e9})).gain_db(), -200.0);
        assert_eq!(shot(&json!({"semantic_offset_ms": 2_000})).origin_start(), AssetTime::ZERO);
    }

    #[test]
    fn music_of_a_shot_has_a_start() {
        let music = shot(&json!({"music_asset_id": "song", "music_start_ms": 12_000.5}));
        assert_eq!(music.music(), Some(("song".parse().unwrap(), AssetTime::from_micros(12_000_500))));
        assert_eq!(shot(&json!({"music_asset_id": "song"})).music(), None);
        assert_eq!(shot(&json!({"music_asset_id": "song", "music_start_ms": -1})).music(), None);
    }
}
