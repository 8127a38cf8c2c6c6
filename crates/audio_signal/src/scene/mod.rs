//! Segmentation of a recording into speech, music, silence and other.
//!
//! While samples are pushed, they are reduced to levels of 8 ms ([`levels`]) and textures of 32 ms ([`texture`]), about
//! 3 KiB per second of audio. Decisions are made at the end, over the whole recording: silence depends on the
//! recording's noise floor ([`silence`]); the rest is speech, music or other by the most likely path ([`path`]) through
//! the features of the frames ([`features`], [`model`]), on which a change of state is cheap only at a change of the
//! audio ([`changes`]).

mod changes;
mod classifier;
mod features;
mod levels;
mod measurements;
mod model;
mod path;
mod regions;
mod segment;
mod segmentation;
mod silence;
mod sliding;
mod texture;

use crate::{ModelError, SpeechDetector};
pub use segment::{SceneKind, Segment};

pub(crate) use levels::LevelMeter;
pub(crate) use measurements::SceneMeasurements;
pub(crate) use regions::speech_regions;
pub(crate) use segmentation::{TimedSegment, segments};
pub(crate) use texture::{Texture, TextureMeter};

/// For each 32 ms of a mono stream at 16 kHz, the input of the decisions between speech, singing, music and other:
/// nine features, and the probability of speech. For fitting them (`tools/scene/fit.py`).
///
/// # Errors
/// [`ModelError`] when the bundled speech model is not the supported one.
pub fn scene_features(mono: &[f32]) -> Result<Vec<([f32; 9], f32)>, ModelError> {
    let mut meter = TextureMeter::new();
    meter.push(mono);
    let textures = meter.finish();
    let mut voice = Vec::new();
    let mut detector = SpeechDetector::new()?;
    detector.push(mono, &mut voice);
    detector.finish(&mut voice);
    let salience = features::salience(&textures);
    let features = features::features(&textures, &voice, &salience, &changes::sections(&textures));
    Ok(features.into_iter().zip(voice).collect())
}
