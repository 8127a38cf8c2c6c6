//! The scene net: activities of speech, singing, music and noise, independent of each other, in each frame.
//!
//! A [`TemporalNet`] of four frames (128 ms) and eight blocks, so that a step depends on ±17 s. The weights are trained by
//! `tools/scene/train.py`; docs/scene_net.md is the model card.

use std::sync::LazyLock;

use super::sliding;
use super::texture::{BANDS, CORRELATIONS, Texture, ZONES};
use crate::dense::LANES;
use crate::math::sigmoid;
use crate::temporal_net::{TemporalNet, reach};

/// Number of activities.
pub(crate) const ACTIVITIES: usize = 4;
/// Index of each activity that is used; the last one is noise.
pub(crate) const SPEECH: usize = 0;
pub(crate) const SINGING: usize = 1;
pub(crate) const MUSIC: usize = 2;
/// Probability that each activity is present in a frame, each 0 to 1.
pub(crate) type Activities = [f32; ACTIVITIES];

/// The weights, see [`TemporalNet::read`].
const WEIGHTS: &[u8] = include_bytes!("net.f16");
/// Frames in a step of the net.
const FRAMES_PER_STEP: usize = 4;
/// Channels of the blocks.
const CHANNELS: usize = 88;
/// Inputs of the net per frame.
const INPUTS: usize = 2 + BANDS + 2 + ZONES * CORRELATIONS + ZONES + 1;
/// Distance of the taps of each block's convolution, in steps.
const DILATIONS: [usize; 8] = [1, 2, 4, 8, 16, 32, 4, 1];
/// Number of steps on either side that a step depends on: 17.4 s.
const REACH: usize = reach(&DILATIONS);
/// Number of steps computed at once, besides those within [`REACH`]; bounds the memory.
const CHUNK: usize = 4_096;
/// Levels are relative to the loudest frame within 1 s and within 3 s, in frames.
const NEAR: usize = 31;
const FAR: usize = 94;

/// The activities of each frame, given its texture and its speech probability.
pub(crate) fn activities(textures: &[Texture], voice: &[f32]) -> Vec<Activities> {
    static NET: LazyLock<SceneNet> = LazyLock::new(|| SceneNet::read(WEIGHTS));
    NET.run(textures, voice, CHUNK)
}

struct SceneNet(TemporalNet<CHANNELS>);

impl SceneNet {
    fn read(weights: &[u8]) -> Self {
        let (inputs, outputs) = (FRAMES_PER_STEP * INPUTS, FRAMES_PER_STEP * ACTIVITIES);
        Self(TemporalNet::read(weights, inputs, &DILATIONS, outputs))
    }

    /// The activities of all frames, computed for `chunk` steps at once: the result does not depend on it.
    fn run(&self, textures: &[Texture], voice: &[f32], chunk: usize) -> Vec<Activities> {
        let levels: Vec<f32> = textures.iter().map(|texture| texture.level_db).collect();
        let (near, far) = (sliding::maxima(&levels, NEAR), sliding::maxima(&levels, FAR));
        let input = |frame: usize| inputs(&textures[frame], voice[frame], near[frame], far[frame]);
        let frames = textures.len().min(voice.len());
        let steps = frames.div_ceil(FRAMES_PER_STEP);
        let mut activities = Vec::with_capacity(steps * FRAMES_PER_STEP);
        for start in (0..steps).step_by(chunk) {
            let end = steps.min(start + chunk);
            let around = start.saturating_sub(REACH)..steps.min(end + REACH);
            let channels = self.0.channels(around.len(), |first, rows| {
                let lanes = LANES.min(around.len() - first);
                for lane in 0..LANES {
                    for part in 0..FRAMES_PER_STEP {
                        let frame = (around.start + first + lane) * FRAMES_PER_STEP + part;
                        let values =
                            if lane < lanes && frame < frames { input(frame) } else { [0.0; INPUTS] };
                        for (row, value) in rows[part * INPUTS..].iter_mut().zip(values) {
                            row[lane] = value;
                        }
                    }
                }
            });
            self.0.read_out(&channels, start - around.start..end - around.start, |count, outputs| {
                for frame in 0..FRAMES_PER_STEP * count {
                    let (lane, part) = (frame / FRAMES_PER_STEP, frame % FRAMES_PER_STEP);
                    let log_odds = |activity: usize| outputs[part * ACTIVITIES + activity][lane];
                    activities.push(std::array::from_fn(|activity| sigmoid(log_odds(activity))));
                }
            });
        }
        activities.truncate(frames);
        activities
    }
}

/// The net's inputs of a frame, each of the order of 1 and independent of the recording's level.
fn inputs(texture: &Texture, voice: f32, near: f32, far: f32) -> [f32; INPUTS] {
    let mut values = [0.0; INPUTS];
    let mut slots = values.iter_mut();
    let mut put = |value: f32| {
        if let Some(slot) = slots.next() {
            *slot = value;
        }
    };
    let relative = |level: f32, loud: f32, most: f32| ((level - loud) / 20.0).clamp(-3.0, most);
    put(relative(texture.level_db, near, 0.0));
    put(relative(texture.level_db, far, 0.0));
    texture.bands.iter().for_each(|&steps| put(relative(f32::from(steps) / 2.0 - 120.0, near, 0.5)));
    put((texture.flux / 4.0).clamp(0.0, 3.0));
    put((texture.peakiness / 10.0).clamp(0.0, 4.0));
    texture.correlations.as_flattened().iter().for_each(|&value| put(f32::from(value) / 127.0));
    texture.roughness.iter().for_each(|&value| put(f32::from(value) / 100.0));
    put(voice);
    values
}

#[cfg(test)]
mod tests {
    use super::super::texture::Correlation;
    use super::*;

    /// Textures of arbitrary values, the same ones as in `tools/scene/export.py`.
    fn arbitrary(frames: usize) -> (Vec<Texture>, Vec<f32>) {
        let mut state = 1u32;
        let mut random = |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) % below
        };
        let mut textures = Vec::new();
        let mut voice = Vec::new();
        for _ in 0..frames {
            let level_db = -(random(60) as f32);
            let bands = std::array::from_fn(|_| random(240) as u8);
            let (flux, peakiness) = (random(80) as f32 / 8.0, random(160) as f32 / 8.0);
            let correlation = |random: &mut dyn FnMut(u32) -> u32| random(255) as i32 - 127;
            let correlations =
                std::array::from_fn(|_| std::array::from_fn(|_| correlation(&mut random) as i8));
            let roughness = std::array::from_fn(|_| random(120) as u8);
            let (persistence, change) = <(Correlation, Correlation)>::default();
            textures.push(Texture {
                level_db,
                bands,
                flux,
                peakiness,
                persistence,
                change,
                correlations,
                roughness,
            });
            voice.push(random(65) as f32 / 64.0);
        }
        (textures, voice)
    }

    #[test]
    fn activities_equal_those_of_the_training_code() {
        let (textures, voice) = arbitrary(REFERENCE_FRAMES);
        let found = activities(&textures, &voice);
        for (frame, expected) in REFERENCE {
            for (value, expected) in found[*frame].iter().zip(expected) {
                assert!((value - expected).abs() < 2e-4, "frame {frame}: {:?}", found[*frame]);
            }
        }
    }

    #[test]
    fn activities_have_the_same_bits_on_every_processor() {
        let (textures, voice) = arbitrary(REFERENCE_FRAMES);
        let found: Vec<[u32; ACTIVITIES]> =
            activities(&textures, &voice).iter().skip(40).step_by(80).map(|a| a.map(f32::to_bits)).collect();
        assert_eq!(found, BITS);
    }

    #[test]
    fn activities_do_not_depend_on_the_chunks() {
        let (textures, voice) = arbitrary(700);
        let net = SceneNet::read(WEIGHTS);
        let whole = net.run(&textures, &voice, CHUNK);
        for chunk in [1, 16, 50] {
            assert_eq!(net.run(&textures, &voice, chunk), whole, "{chunk}");
        }
    }

    #[test]
    fn every_frame_has_activities_in_recordings_of_any_length() {
        for frames in [0, 1, 2, 3, 33] {
            let (textures, voice) = arbitrary(frames);
            let found = activities(&textures, &voice);
            assert_eq!(found.len(), frames);
            assert!(found.iter().flatten().all(|activity| (0.0..=1.0).contains(activity)));
        }
    }

    #[test]
    fn weights_fill_the_file() {
        let (inputs, outputs) = (FRAMES_PER_STEP * INPUTS, FRAMES_PER_STEP * ACTIVITIES);
        assert_eq!(WEIGHTS.len(), 2 * TemporalNet::<CHANNELS>::weight_count(inputs, &DILATIONS, outputs));
    }

    // Printed by tools/scene/export.py.
    const REFERENCE_FRAMES: usize = 400;
    const REFERENCE: &[(usize, Activities)] = &[
        (0, [0.09823, 0.08989, 0.15523, 0.85333]),
        (57, [0.13607, 0.04894, 0.03124, 0.93590]),
        (114, [0.01991, 0.01618, 0.01884, 0.97553]),
        (171, [0.10778, 0.02555, 0.01543, 0.97060]),
        (228, [0.07594, 0.02009, 0.01796, 0.96469]),
        (285, [0.12423, 0.02225, 0.01902, 0.93935]),
        (342, [0.09709, 0.02027, 0.06422, 0.87983]),
        (399, [0.29731, 0.02847, 0.04850, 0.84431]),
    ];
    const BITS: &[[u32; ACTIVITIES]] = &[
        [1_033_108_284, 1_026_429_642, 1_020_842_865, 1_064_660_082],
        [1_024_759_863, 1_019_043_289, 1_016_465_441, 1_064_962_576],
        [1_040_107_742, 1_020_437_644, 1_020_651_473, 1_064_246_110],
        [1_042_137_969, 1_019_474_918, 1_021_444_261, 1_064_001_273],
        [1_037_964_352, 1_019_759_764, 1_023_651_158, 1_064_272_238],
    ];
}
