//! The phrase detector: spoken words without a pause.

pub(crate) mod detect;
pub(crate) mod wire;

use std::ops::Range;

use media_time::MediaTime;
use serde_json::Value;

pub use detect::{MAX_PHRASE, Phrase, SpokenWord, detect};
pub use wire::{PhraseParams, PhrasesRequest, VoicePhrase};

use crate::checks::Checks;
use crate::detector::{Detection, SampleDetector, SliceSource};
use crate::extract::RecordingFeatures;
use crate::model::{Detector, Event};

impl SampleDetector for PhraseParams {
    fn detector(&self) -> Detector {
        Detector::Phrases
    }

    fn to_json(&self) -> Result<Value, serde_json::Error> {
        serde_json::to_value(self)
    }

    fn check(&self, checks: &mut Checks) {
        checks.time("/phrase_params/max_gap_ms", self.max_gap, 0, 60_000);
        checks.time("/phrase_params/min_phrase_len_ms", self.min_phrase_len, 0, 600_000);
    }

    fn needs_words(&self) -> bool {
        true
    }

    fn detect(&self, features: &RecordingFeatures, words: &[SpokenWord]) -> Vec<Box<dyn Detection>> {
        let duration = MediaTime::from_frames(features.frames, features.format.rate);
        let phrases = detect(words, duration, self).into_iter();
        phrases.map(|phrase| Box::new(phrase) as Box<dyn Detection>).collect()
    }
}

impl Detection for Phrase {
    fn score(&self) -> f64 {
        Self::score(self)
    }

    fn frames(&self, rate: u32) -> Range<u64> {
        let frame = |time: MediaTime| u64::try_from(time.to_samples(rate)).unwrap_or(0);
        frame(self.window.start())..frame(self.window.end())
    }

    fn text(&self) -> String {
        self.transcript.clone()
    }

    fn event(&self, source: &SliceSource) -> Event {
        Event::Phrase(VoicePhrase {
            start_ms: self.window.start().as_millis_round(),
            end_ms: self.window.end().as_millis_round(),
            transcript: self.transcript.clone(),
            confidence: self.confidence,
            source_start: source.start,
            source_end: source.end,
        })
    }
}
