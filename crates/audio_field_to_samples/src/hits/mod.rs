//! The hit detector: single struck sounds.

pub(crate) mod detect;
pub(crate) mod wire;

use std::ops::Range;

use audio_signal::rounded;
use serde_json::Value;

pub use detect::{Hit, detect};
pub use wire::{HitEvent, HitParams, HitRole, HitsRequest};

use crate::checks::Checks;
use crate::detector::{Detection, SampleDetector, SliceSource};
use crate::extract::{FeatureSet, RecordingFeatures};
use crate::model::{Detector, Event};
use crate::phrases::SpokenWord;
use crate::slice_meter::SliceMeasure;

impl SampleDetector for HitParams {
    fn detector(&self) -> Detector {
        Detector::Hits
    }

    fn to_json(&self) -> Result<Value, serde_json::Error> {
        serde_json::to_value(self)
    }

    fn check(&self, checks: &mut Checks) {
        checks.time("/hit_params/pre_roll_ms", self.pre_roll, 0, 1_000);
        checks.time("/hit_params/post_roll_ms", self.post_roll, 0, 10_000);
        checks.number("/hit_params/min_peak_db", self.min_peak_db, -120.0, 0.0);
        checks.time("/hit_params/min_interval_ms", self.min_interval, 0, 60_000);
        checks.time("/hit_params/max_duration_ms", self.max_duration, 10, 30_000);
    }

    fn features(&self) -> FeatureSet {
        FeatureSet { rhythm: true, bands: false }
    }

    fn detect(&self, features: &RecordingFeatures, _words: &[SpokenWord]) -> Vec<Box<dyn Detection>> {
        let hits = detect(&features.rhythm.onsets, &features.envelope, self).into_iter();
        hits.map(|hit| Box::new(hit) as Box<dyn Detection>).collect()
    }
}

impl Detection for Hit {
    fn score(&self) -> f64 {
        rounded(Self::score(self), 4)
    }

    fn frames(&self, _rate: u32) -> Range<u64> {
        self.slice.clone()
    }

    fn measure(&self) -> SliceMeasure {
        SliceMeasure::Hit(self.sound.clone())
    }

    fn text(&self) -> String {
        "hit".to_owned()
    }

    fn event(&self, source: &SliceSource) -> Event {
        let measured = source.traits.hit;
        Event::Hit(HitEvent {
            time_ms: self.time.as_millis_round(),
            peak_db: rounded(self.peak_db, 2),
            energy: Some(significant(source.mean_square)),
            brightness_hz: measured.map(|hit| rounded(hit.brightness_hz, 1)),
            role: measured.map(|hit| hit.role.role.into()),
            role_confidence: measured.map(|hit| rounded(hit.role.confidence.into(), 4)),
            duration_ms: Some(source.duration(&self.sound).as_millis_round()),
            source_start: source.start,
            source_end: source.end,
        })
    }
}

/// Rounds to four significant digits, because energies may be tiny.
pub(crate) fn significant(value: f64) -> f64 {
    if value > 0.0 { rounded(value, 3 - value.log10().floor() as i32) } else { 0.0 }
}
