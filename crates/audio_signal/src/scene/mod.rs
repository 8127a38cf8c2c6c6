//! Segmentation of a recording into speech, music, silence and other.
//!
//! While samples are pushed, they are reduced to levels of 8 ms ([`levels`]) and textures of 32 ms ([`texture`]), about
//! 3 KiB per second of audio. Decisions are made at the end, over the whole recording: silence depends on the
//! recording's noise floor ([`silence`]); the rest is speech, music or other by the most likely path ([`path`]) through
//! the activities of the frames ([`net`]) and regressions of their features ([`model`]), on which a change of state is
//! cheap only at a change of the audio ([`changes`]).

mod changes;
mod classifier;
mod features;
mod levels;
mod measurements;
mod model;
mod net;
mod path;
mod regions;
mod salience;
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
use texture::{BANDS, CORRELATIONS, ZONES};
pub(crate) use texture::{Texture, TextureMeter};

/// Number of values of a frame that [`scene_textures`] returns.
pub const SCENE_VALUES: usize = 3 + BANDS + ZONES * CORRELATIONS + ZONES + 1;

/// The nine features of the regressions for each 32 ms of a mono stream at 16 kHz, and the probability of speech. For
/// fitting them (`tools/scene/fit.py`).
///
/// # Errors
/// [`ModelError`] when the bundled speech model is not the supported one.
pub fn scene_features(mono: &[f32]) -> Result<Vec<([f32; 9], f32)>, ModelError> {
    let (textures, voice) = measured(mono)?;
    let salience = salience::salience(&textures);
    let features = features::features(&textures, &voice, &salience, &changes::sections(&textures));
    Ok(features.into_iter().zip(voice).collect())
}

/// The input of the scene net for each 32 ms of a mono stream at 16 kHz, as stored by the analysis: level in dBFS, levels
/// of the bands in steps of 0.5 dB, flux and peakiness in dB, correlations of each zone in 127ths, roughness of each zone
/// in steps of 0.1 dB, and the probability of speech. For training (`tools/scene/scenes.py`).
///
/// # Errors
/// [`ModelError`] when the bundled speech model is not the supported one.
pub fn scene_textures(mono: &[f32]) -> Result<Vec<[f32; SCENE_VALUES]>, ModelError> {
    let (textures, voice) = measured(mono)?;
    let values = |(texture, voice): (&Texture, f32)| {
        let bands = texture.bands.iter().map(|&steps| f32::from(steps));
        let correlations = texture.correlations.as_flattened().iter().map(|&value| f32::from(value));
        let roughness = texture.roughness.iter().map(|&steps| f32::from(steps));
        let mut values = [texture.level_db]
            .into_iter()
            .chain(bands)
            .chain([texture.flux, texture.peakiness])
            .chain(correlations)
            .chain(roughness)
            .chain([voice]);
        std::array::from_fn(|_| values.next().unwrap_or_default())
    };
    Ok(textures.iter().zip(voice).map(values).collect())
}

/// The probabilities of speech, singing, music and noise in each 32 ms of a mono stream at 16 kHz, independent of each
/// other: speech over music is both.
///
/// # Errors
/// [`ModelError`] when the bundled speech model is not the supported one.
pub fn scene_activities(mono: &[f32]) -> Result<Vec<[f32; 4]>, ModelError> {
    let (textures, voice) = measured(mono)?;
    Ok(net::activities(&textures, &voice))
}

fn measured(mono: &[f32]) -> Result<(Vec<Texture>, Vec<f32>), ModelError> {
    let mut meter = TextureMeter::new();
    meter.push(mono);
    let mut voice = Vec::new();
    let mut detector = SpeechDetector::new()?;
    detector.push(mono, &mut voice);
    detector.finish(&mut voice);
    Ok((meter.finish(), voice))
}
