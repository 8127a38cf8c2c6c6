//! The loop detector: bars that can be repeated.

mod align;
mod detect;
mod grid;
mod join;
pub(crate) mod wire;

use std::ops::Range;

use audio_signal::rounded;
use serde_json::Value;

pub use detect::{Loop, LoopEvidence, MAX_LOOPS, detect};
pub use wire::{LoopEvent, LoopParams, LoopsRequest};

use crate::checks::Checks;
use crate::detector::{Detection, SampleDetector, SliceSource};
use crate::extract::{FeatureSet, RecordingFeatures};
use crate::hits::significant;
use crate::model::{Detector, Event};
use crate::phrases::SpokenWord;
use crate::slice_label::BEATS_PER_BAR;
use crate::slice_meter::SliceMeasure;

impl SampleDetector for LoopParams {
    fn detector(&self) -> Detector {
        Detector::Loops
    }

    fn to_json(&self) -> Result<Value, serde_json::Error> {
        serde_json::to_value(self)
    }

    fn check(&self, checks: &mut Checks) {
        let bars = &self.target_bars;
        if !(1..=8).contains(&bars.len()) {
            let detail = format!("has {} numbers; expected 1 to 8", bars.len());
            checks.reject("/loop_params/target_bars", detail);
        }
        for (index, bars) in bars.iter().enumerate().take(8) {
            checks.number(&format!("/loop_params/target_bars/{index}"), f64::from(*bars), 1.0, 32.0);
        }
        if let Some(bpm) = self.bpm_hint {
            checks.number("/loop_params/bpm_hint", bpm, 30.0, 300.0);
        }
        checks.fraction("/loop_params/min_confidence", self.min_confidence);
    }

    fn features(&self) -> FeatureSet {
        FeatureSet { rhythm: true, bands: true }
    }

    fn detect(&self, features: &RecordingFeatures, _words: &[SpokenWord]) -> Vec<Box<dyn Detection>> {
        let loops = detect(features, self).into_iter();
        loops.map(|found| Box::new(found) as Box<dyn Detection>).collect()
    }
}

impl Detection for Loop {
    fn score(&self) -> f64 {
        self.confidence
    }

    fn frames(&self, _rate: u32) -> Range<u64> {
        self.slice.clone()
    }

    fn beats(&self) -> Option<u32> {
        Some(self.bars * u32::from(BEATS_PER_BAR))
    }

    fn measure(&self) -> SliceMeasure {
        SliceMeasure::Key
    }

    fn text(&self) -> String {
        let bars = if self.bars == 1 { "bar" } else { "bars" };
        format!("loop of {} {bars}, {} bpm", self.bars, self.bpm)
    }

    fn event(&self, source: &SliceSource) -> Event {
        let key = source.traits.key;
        Event::Loop(LoopEvent {
            start_ms: self.window.start().as_millis_round(),
            end_ms: self.window.end().as_millis_round(),
            loop_bars: self.bars,
            bpm: self.bpm,
            confidence: self.confidence,
            energy: Some(significant(source.mean_square)),
            key: key.map(|key| key.name()),
            key_confidence: key.map(|key| rounded(key.confidence, 4)),
            source_start: source.start,
            source_end: source.end,
        })
    }
}
