//! Parameters of the detectors: defaults, ranges, and their canonical form in cache keys.

use http_kit::FieldError;
use media_time::MediaTime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Error;

const fn ms(millis: i64) -> MediaTime {
    MediaTime::from_millis(millis)
}

/// Parameters for detecting and cutting hits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HitParams {
    /// Pre-roll before the rise in milliseconds, 0 to 1 000.
    #[serde(deserialize_with = "pre_roll_ms")]
    #[schema(value_type = f64, minimum = 0, maximum = 1_000)]
    pub pre_roll_ms: MediaTime,
    /// Post-roll after the decay in milliseconds, 0 to 10 000.
    #[serde(deserialize_with = "post_roll_ms")]
    #[schema(value_type = f64, minimum = 0, maximum = 10_000)]
    pub post_roll_ms: MediaTime,
    /// Minimum peak level of a hit in dBFS, −120 to 0.
    #[serde(deserialize_with = "min_peak_db")]
    #[schema(minimum = -120, maximum = 0)]
    pub min_peak_db: f64,
    /// Minimum interval between two hits in milliseconds, 0 to 60 000; of two closer ones, the earlier is kept.
    #[serde(deserialize_with = "min_interval_ms")]
    #[schema(value_type = f64, minimum = 0, maximum = 60_000)]
    pub min_interval_ms: MediaTime,
    /// Maximum duration of a slice in milliseconds, 10 to 30 000.
    #[serde(deserialize_with = "max_duration_ms")]
    #[schema(value_type = f64, minimum = 10, maximum = 30_000)]
    pub max_duration_ms: MediaTime,
}

http_kit::null_as_default_of!(HitParams {
    pre_roll_ms: MediaTime,
    post_roll_ms: MediaTime,
    min_peak_db: f64,
    min_interval_ms: MediaTime,
    max_duration_ms: MediaTime,
});

impl Default for HitParams {
    fn default() -> Self {
        Self {
            pre_roll_ms: ms(10),
            post_roll_ms: ms(200),
            min_peak_db: -40.0,
            min_interval_ms: ms(50),
            max_duration_ms: ms(2_000),
        }
    }
}

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

/// Parameters for grouping words into phrases.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PhraseParams {
    /// Gap in milliseconds below which words belong to one phrase, 0 to 60 000.
    #[serde(deserialize_with = "max_gap_ms")]
    #[schema(value_type = f64, minimum = 0, maximum = 60_000)]
    pub max_gap_ms: MediaTime,
    /// Minimum duration of a phrase in milliseconds, 0 to 600 000.
    #[serde(deserialize_with = "min_phrase_len_ms")]
    #[schema(value_type = f64, minimum = 0, maximum = 600_000)]
    pub min_phrase_len_ms: MediaTime,
}

http_kit::null_as_default_of!(PhraseParams { max_gap_ms: MediaTime, min_phrase_len_ms: MediaTime });

impl Default for PhraseParams {
    fn default() -> Self {
        Self { max_gap_ms: ms(500), min_phrase_len_ms: ms(200) }
    }
}

/// Collects all values out of range, so that one response reports them together.
#[derive(Debug, Default)]
pub(crate) struct Checks(Vec<FieldError>);

impl Checks {
    fn number(&mut self, pointer: &str, value: f64, lowest: f64, highest: f64) {
        // NaN is outside every range.
        if !(lowest..=highest).contains(&value) {
            let detail = format!("is {value:?}; expected {lowest} to {highest}");
            self.0.push(FieldError { pointer: pointer.to_owned(), detail });
        }
    }

    fn time(&mut self, pointer: &str, value: MediaTime, lowest_ms: i64, highest_ms: i64) {
        self.number(pointer, value.as_millis_f64(), lowest_ms as f64, highest_ms as f64);
    }

    /// Checks a fraction, 0 to 1.
    pub(crate) fn share(&mut self, pointer: &str, value: f64) {
        self.number(pointer, value, 0.0, 1.0);
    }

    pub(crate) fn hits(&mut self, params: &HitParams) {
        self.time("/hit_params/pre_roll_ms", params.pre_roll_ms, 0, 1_000);
        self.time("/hit_params/post_roll_ms", params.post_roll_ms, 0, 10_000);
        self.number("/hit_params/min_peak_db", params.min_peak_db, -120.0, 0.0);
        self.time("/hit_params/min_interval_ms", params.min_interval_ms, 0, 60_000);
        self.time("/hit_params/max_duration_ms", params.max_duration_ms, 10, 30_000);
    }

    pub(crate) fn loops(&mut self, params: &LoopParams) {
        let bars = &params.target_bars;
        if !(1..=8).contains(&bars.len()) {
            let detail = format!("has {} numbers; expected 1 to 8", bars.len());
            self.0.push(FieldError { pointer: "/loop_params/target_bars".to_owned(), detail });
        }
        for (index, bars) in bars.iter().enumerate().take(8) {
            self.number(&format!("/loop_params/target_bars/{index}"), f64::from(*bars), 1.0, 32.0);
        }
        if let Some(bpm) = params.bpm_hint {
            self.number("/loop_params/bpm_hint", bpm, 30.0, 300.0);
        }
        self.share("/loop_params/min_confidence", params.min_confidence);
    }

    pub(crate) fn phrases(&mut self, params: &PhraseParams) {
        self.time("/phrase_params/max_gap_ms", params.max_gap_ms, 0, 60_000);
        self.time("/phrase_params/min_phrase_len_ms", params.min_phrase_len_ms, 0, 600_000);
    }

    /// Ends the checks.
    ///
    /// # Errors
    /// [`Error::Invalid`] with all collected errors.
    pub(crate) fn finish(self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self.0)) }
    }
}
