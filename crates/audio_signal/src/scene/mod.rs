//! What a recording holds, when: speech, music, silence or something else.
//!
//! While samples come in they are reduced to levels of 8 ms ([`levels`]) and textures of 32 ms ([`texture`]), about
//! 3 KiB per second of sound. The decisions fall at the end, where the whole recording is known: what is silent hangs
//! on its own noise floor ([`silence`]); what is not is speech, music or other along the likeliest path ([`path`])
//! through what the frames sound like ([`features`], [`model`]), which may change state cheaply only where the sound
//! changes ([`changes`]).

mod changes;
mod features;
mod heard;
mod levels;
mod model;
mod path;
mod regions;
mod segment;
mod silence;
mod sliding;
mod texture;
mod timeline;

use crate::{ModelError, SpeechDetector};
pub use segment::{SceneKind, Segment};

pub(crate) use levels::LevelMeter;
pub(crate) use regions::speech_regions;
pub(crate) use texture::{Texture, TextureMeter};
pub(crate) use timeline::{Span, Track, spans};

/// For each 32 ms of a mono stream at 16 kHz, what the decisions between speech, singing, music and other sounds see:
/// nine features, and the probability of speech. For fitting them (`tools/scene/fit.py`).
///
/// # Errors
/// [`ModelError`] when the bundled speech model is not the one this was written for.
pub fn scene_features(mono: &[f32]) -> Result<Vec<([f32; 9], f32)>, ModelError> {
    let mut meter = TextureMeter::new();
    meter.push(mono);
    let textures = meter.finish();
    let mut voice = Vec::new();
    let mut detector = SpeechDetector::new()?;
    detector.push(mono, &mut voice);
    detector.finish(&mut voice);
    let salience = features::salience(&textures);
    let features = features::features(&textures, &voice, &salience, &changes::stretches(&textures));
    Ok(features.into_iter().zip(voice).collect())
}
