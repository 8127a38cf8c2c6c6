//! The interface between the service and the detectors of samples.
//!
//! To add one, write a module like [`hits`](crate::hits): its wire types in `wire.rs`, the detection as a pure function,
//! and [`SampleDetector`] for its parameters. Then name it on the wire: a variant of [`Detector`] and of [`Event`], the
//! fields of [`SamplesRequest`](crate::model::SamplesRequest) and its response, and a route.

use std::fmt::Debug;
use std::ops::Range;

use media_decode::AudioFormat;
use media_time::{AssetTime, MediaTime};
use primitives::Id;
use serde_json::Value;

use crate::checks::Checks;
use crate::cut::{Cut, Slice};
use crate::extract::{FeatureSet, RecordingFeatures};
use crate::model::{Detector, Event};
use crate::phrases::detect::SpokenWord;
use crate::slice_label::SliceLabel;
use crate::slice_meter::{SliceMeasure, SliceTraits};

/// Durations of fades in ms. They are short enough to keep the attack of a hit and both ends of a loop.
const FADE_IN_MS: u64 = 1;
const FADE_OUT_MS: u64 = 10;
const LOOP_FADE_OUT_MS: u64 = 1;

/// The parameters of a detector, with the detection that they parametrise.
pub trait SampleDetector: Debug + Send + Sync {
    /// The detector's name.
    fn detector(&self) -> Detector;

    /// The parameters as JSON, which is part of cache keys.
    ///
    /// # Errors
    /// Those of serde.
    fn to_json(&self) -> Result<Value, serde_json::Error>;

    /// Checks the ranges of the parameters.
    fn check(&self, checks: &mut Checks);

    /// The features that [`detect`](Self::detect) reads; others are empty.
    fn features(&self) -> FeatureSet {
        FeatureSet::default()
    }

    /// Whether [`detect`](Self::detect) reads the words of the recording.
    fn needs_words(&self) -> bool {
        false
    }

    /// Detects samples; `words` is empty unless [`needs_words`](Self::needs_words).
    fn detect(&self, features: &RecordingFeatures, words: &[SpokenWord]) -> Vec<Box<dyn Detection>>;
}

/// A detected sample.
pub trait Detection: Debug + Send + Sync {
    /// Quality score, 0 to 1.
    fn score(&self) -> f64;

    /// Frames to cut from a recording of this sample rate, within the recording; may be empty.
    fn frames(&self, rate: u32) -> Range<u64>;

    /// Length in beats of a sample that is repeated without a gap: its slice keeps its exact length and has a short
    /// fade-out. `None` for all others.
    fn beats(&self) -> Option<u32> {
        None
    }

    /// What to measure of its slice.
    fn measure(&self) -> SliceMeasure {
        SliceMeasure::Level
    }

    /// Short description, which labels the start of the slice in editors.
    fn text(&self) -> String;

    /// The event of the cut slice.
    fn event(&self, source: &SliceSource) -> Event;
}

impl dyn Detection {
    /// The cut for a recording of this format: that of the audio stream `audio_stream` of the asset `asset_id`.
    pub(crate) fn cut(
        &self,
        format: &AudioFormat,
        detector: Detector,
        asset_id: &Id,
        audio_stream: Option<u32>,
    ) -> Cut {
        let fade = |ms: u64| (u64::from(format.rate) * ms).div_ceil(1_000);
        let is_loop = self.beats().is_some();
        let fade_out = if is_loop { LOOP_FADE_OUT_MS } else { FADE_OUT_MS };
        Cut {
            frames: self.frames(format.rate),
            keep_length: is_loop,
            fades: [fade(FADE_IN_MS), fade(fade_out)],
            label: SliceLabel {
                asset_id: asset_id.clone(),
                audio_stream,
                role: detector.role(),
                text: self.text(),
                beats: self.beats(),
            },
            measure: self.measure(),
        }
    }

    /// Maximum number of frames in its slice.
    pub(crate) fn max_frames(&self, format: &AudioFormat) -> u64 {
        let frames = self.frames(format.rate);
        frames.end - frames.start + crate::zero_crossing::reach(format.rate) as u64
    }
}

/// Where a slice was cut from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SliceSource {
    /// Start in the recording, exact to the sample.
    pub start: AssetTime,
    /// End (exclusive) in the recording, exact to the sample.
    pub end: AssetTime,
    /// Sample rate of the recording in Hz.
    pub rate: u32,
    /// Mean square of the samples, full scale 1.
    pub mean_square: f64,
    /// The measured properties of the slice.
    pub traits: SliceTraits,
}

impl SliceSource {
    /// The source of `slice`. `duration` is that declared by the container, if any: a decoder may give some
    /// milliseconds more, but origins are limited to the declared duration, which all other slices use.
    pub(crate) fn new(slice: &Slice, rate: u32, duration: Option<MediaTime>) -> Self {
        let end = time(slice.frames.end, rate).min(duration.map_or(AssetTime::MAX, AssetTime::at));
        let start = time(slice.frames.start, rate).min(end - MediaTime::from_micros(1));
        Self { start, end, rate, mean_square: slice.mean_square, traits: slice.traits }
    }

    /// The duration of `frames` of the recording.
    #[must_use]
    pub fn duration(&self, frames: &Range<u64>) -> MediaTime {
        time(frames.end, self.rate) - time(frames.start, self.rate)
    }
}

fn time(frame: u64, rate: u32) -> AssetTime {
    AssetTime::at(MediaTime::from_frames(frame, rate))
}
