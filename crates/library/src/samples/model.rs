//! Wire types of the listing of samples.

use chrono::{DateTime, Utc};
use media_time::{AssetTime, MediaTime};
use media_v2::ArtifactKind;
use primitives::Id;
use serde::{Deserialize, Serialize};

use crate::Error;

/// Maximum length of the parameters `tag`, `key` and `text`, in bytes.
const MAX_TEXT: usize = 512;

/// A kind of sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SampleKind {
    /// A single struck sound.
    AudioHit,
    /// Whole bars that can be repeated.
    AudioLoop,
    /// Spoken words without a pause.
    AudioPhrase,
}

impl SampleKind {
    pub(crate) const fn artifact_kind(self) -> ArtifactKind {
        match self {
            Self::AudioHit => ArtifactKind::AudioHit,
            Self::AudioLoop => ArtifactKind::AudioLoop,
            Self::AudioPhrase => ArtifactKind::AudioPhrase,
        }
    }
}

/// The role of a hit in a beat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SampleRole {
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
    /// Another sound.
    Other,
}

impl SampleRole {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Kick => "kick",
            Self::Snare => "snare",
            Self::Hat => "hat",
            Self::Tom => "tom",
            Self::Clap => "clap",
            Self::Other => "other",
        }
    }
}

/// The order of a listing of samples. Orders by a value list only the samples that have it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(default = SampleSort::default)]
pub enum SampleSort {
    /// The newest first.
    #[default]
    Newest,
    /// The highest score first.
    Score,
    /// The slowest first.
    Bpm,
    /// The shortest first.
    Duration,
    /// The darkest first.
    Brightness,
    /// The loudest first.
    Energy,
}

/// Selects samples; all conditions must hold. A condition on a value that was not measured does not hold.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SampleQuery {
    /// Only samples of this kind.
    #[param(inline)]
    pub kind: Option<SampleKind>,
    /// Only samples of this recording.
    pub asset_id: Option<Id>,
    /// Only samples of recordings with this tag.
    pub tag: Option<String>,
    /// Only hits of this role.
    #[param(inline)]
    pub role: Option<SampleRole>,
    /// Minimum score, 0 to 1.
    #[param(minimum = 0, maximum = 1)]
    pub min_score: Option<f64>,
    /// Minimum tempo in beats per minute, inclusive.
    #[param(minimum = 0, maximum = 1_000)]
    pub bpm_min: Option<f64>,
    /// Maximum tempo in beats per minute, inclusive.
    #[param(minimum = 0, maximum = 1_000)]
    pub bpm_max: Option<f64>,
    /// Only loops of this length in bars.
    #[param(minimum = 1, maximum = 1_000)]
    pub bars: Option<u16>,
    /// Only samples in this key, as in the answer.
    pub key: Option<String>,
    /// Minimum brightness of a hit in Hz, inclusive.
    #[param(minimum = 0, maximum = 1_000_000)]
    pub brightness_min: Option<f64>,
    /// Maximum brightness of a hit in Hz, inclusive.
    #[param(minimum = 0, maximum = 1_000_000)]
    pub brightness_max: Option<f64>,
    /// Minimum mean square of a hit or loop, inclusive; 1 is full scale.
    #[param(minimum = 0, maximum = 1_000_000)]
    pub energy_min: Option<f64>,
    /// Maximum mean square of a hit or loop, inclusive.
    #[param(minimum = 0, maximum = 1_000_000)]
    pub energy_max: Option<f64>,
    /// Only phrases with all of these words, regardless of case and accents; words in double quotes are a phrase, and `-`
    /// excludes a word.
    pub text: Option<String>,
    /// The order.
    #[serde(default)]
    #[param(inline)]
    pub sort: SampleSort,
    /// Samples of the same kind that are similar to this one, the most similar first; not with `sort`.
    pub similar_to: Option<Id>,
    /// Maximum number of samples on a page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    pub limit: Option<u32>,
    /// `next_cursor` of the previous page, for the same conditions and order.
    pub cursor: Option<String>,
}

impl SampleQuery {
    /// # Errors
    /// [`Error::InvalidQuery`].
    pub(crate) fn check(&self) -> Result<(), Error> {
        let invalid = |parameter, detail| Err(Error::InvalidQuery { parameter, detail });
        if self.min_score.is_some_and(|score| !(0.0..=1.0).contains(&score)) {
            return invalid("min_score", "expected 0 to 1");
        }
        range(["bpm_min", "bpm_max"], [self.bpm_min, self.bpm_max], 1_000.0)?;
        let brightness = [self.brightness_min, self.brightness_max];
        range(["brightness_min", "brightness_max"], brightness, 1_000_000.0)?;
        range(["energy_min", "energy_max"], [self.energy_min, self.energy_max], 1_000_000.0)?;
        if self.bars.is_some_and(|bars| !(1..=1_000).contains(&bars)) {
            return invalid("bars", "expected 1 to 1000");
        }
        for (name, text) in [("tag", &self.tag), ("key", &self.key), ("text", &self.text)] {
            if text.as_ref().is_some_and(|text| text.len() > MAX_TEXT || text.contains('\0')) {
                return invalid(name, "expected at most 512 bytes without NUL characters");
            }
        }
        if self.similar_to.is_some() && self.sort != SampleSort::Newest {
            return invalid("sort", "similar samples are ordered by similarity");
        }
        Ok(())
    }
}

/// Checks that both bounds, if given, are 0 to `most`, and in order.
fn range(names: [&'static str; 2], bounds: [Option<f64>; 2], most: f64) -> Result<(), Error> {
    for (parameter, bound) in names.into_iter().zip(bounds) {
        if bound.is_some_and(|bound| !(0.0..=most).contains(&bound)) {
            let detail = if most > 1_000.0 { "expected 0 to 1000000" } else { "expected 0 to 1000" };
            return Err(Error::InvalidQuery { parameter, detail });
        }
    }
    if bounds[0].zip(bounds[1]).is_some_and(|(least, most)| least > most) {
        return Err(Error::InvalidQuery { parameter: names[1], detail: "expected the minimum or more" });
    }
    Ok(())
}

/// A hit, loop or phrase, with its measured values; null for those that were not measured.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct LibrarySample {
    /// The artifact, whose content is the sample.
    pub artifact_id: Id,
    /// The recording that it was cut from.
    pub asset_id: Id,
    /// `audio_hit`, `audio_loop` or `audio_phrase`.
    pub kind: ArtifactKind,
    /// Time when it was registered.
    pub created_at: DateTime<Utc>,
    /// Start in the recording, in ms.
    #[serde(rename = "start_ms")]
    pub start: Option<AssetTime>,
    /// End (exclusive) in the recording, in ms.
    #[serde(rename = "end_ms")]
    pub end: Option<AssetTime>,
    /// Duration in ms.
    #[serde(rename = "duration_ms")]
    pub duration: Option<MediaTime>,
    /// Quality score, 0 to 1.
    pub score: Option<f64>,
    /// Tempo of a loop in beats per minute.
    pub bpm: Option<f64>,
    /// Length of a loop in bars.
    pub bars: Option<i32>,
    /// Role of a hit: `kick`, `snare`, `hat`, `tom`, `clap` or `other`.
    pub role: Option<String>,
    /// Confidence in the role, 0 to 1.
    pub role_confidence: Option<f64>,
    /// Musical key of a loop, such as `A minor`.
    pub key: Option<String>,
    /// Peak level of a hit in dBFS.
    pub peak_db: Option<f64>,
    /// Mean square of the samples of a hit or loop, full scale 1.
    pub energy: Option<f64>,
    /// Spectral centroid of a hit in Hz.
    pub brightness_hz: Option<f64>,
    /// The words of a phrase.
    pub text: Option<String>,
    /// Distance from the sample of `similar_to`, 0 for equal values; null without `similar_to`. One is a clear difference:
    /// of hits an octave of duration, or 6 dB between peak and mean level; of loops 6 % of tempo, or a factor of √2 in
    /// bars; of phrases a factor of √2 in duration, or of 1.2 in words per second.
    pub distance: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invalid(query: SampleQuery) -> Option<&'static str> {
        match query.check() {
            Err(Error::InvalidQuery { parameter, .. }) => Some(parameter),
            _ => None,
        }
    }

    #[test]
    fn sample_query_has_ranges() {
        let query = SampleQuery::default;
        assert_eq!(invalid(query()), None);
        assert_eq!(invalid(SampleQuery { min_score: Some(f64::NAN), ..query() }), Some("min_score"));
        assert_eq!(invalid(SampleQuery { bpm_min: Some(-1.0), ..query() }), Some("bpm_min"));
        let reversed = SampleQuery { bpm_min: Some(120.0), bpm_max: Some(119.0), ..query() };
        assert_eq!(invalid(reversed), Some("bpm_max"));
        let reversed = SampleQuery { brightness_min: Some(900.0), brightness_max: Some(800.0), ..query() };
        assert_eq!(invalid(reversed), Some("brightness_max"));
        assert_eq!(invalid(SampleQuery { energy_min: Some(-0.1), ..query() }), Some("energy_min"));
        assert_eq!(invalid(SampleQuery { bars: Some(0), ..query() }), Some("bars"));
        assert_eq!(invalid(SampleQuery { text: Some("a\0".to_owned()), ..query() }), Some("text"));
        let sorted =
            SampleQuery { similar_to: "artifact_1".parse().ok(), sort: SampleSort::Score, ..query() };
        assert_eq!(invalid(sorted), Some("sort"));
    }
}
