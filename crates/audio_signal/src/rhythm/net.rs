//! The rhythm net: how likely each frame of 20 ms is a beat, a downbeat and an onset.
//!
//! A [`TemporalNet`] of three frames and eight blocks, after Davies & Böck ("Temporal convolutional networks for musical
//! audio beat tracking", EUSIPCO 2019), so that a frame depends on ±10 s. The weights are trained by
//! `tools/rhythm/train.py`; docs/rhythm_net.md is the model card.

use std::ops::Range;
use std::sync::LazyLock;

use super::inputs::INPUTS;
use crate::dense::LANES;
use crate::temporal_net::{TemporalNet, reach};

/// Number of activations.
pub(super) const ACTIVATIONS: usize = 3;
/// Index of each activation.
pub(super) const BEAT: usize = 0;
pub(super) const DOWNBEAT: usize = 1;
pub(super) const ONSET: usize = 2;
/// Log-odds of each event in a frame.
pub(super) type Activations = [f32; ACTIVATIONS];

/// The weights, see [`TemporalNet::read`].
const WEIGHTS: &[u8] = include_bytes!("net.f16");
/// Channels of the blocks.
const CHANNELS: usize = 64;
/// Outputs of the last map: the activations, and one to fill a tile.
const OUTPUTS: usize = 4;
/// Frames of the first map.
const STEM: usize = 3;
/// Distance of the taps of each block's convolution, in frames.
const DILATIONS: [usize; 8] = [1, 2, 4, 8, 16, 32, 64, 128];
/// Number of frames on either side that the blocks depend on: 10.2 s.
const REACH: usize = reach(&DILATIONS);
/// Number of frames computed at once, besides those within [`REACH`]; bounds the memory.
const CHUNK: usize = 8_192;
/// The activations of a frame that is not computed.
const NO_EVENT: Activations = [-10.0; ACTIVATIONS];
/// The scale of the stored inputs.
const SCALE: f32 = 1.0 / 64.0;

/// The activations of the frames in `wanted` (ascending ranges), given the stored inputs of all frames; elsewhere, those of
/// a frame without any event.
pub(super) fn activations(values: &[u8], wanted: &[Range<usize>]) -> Vec<Activations> {
    static NET: LazyLock<RhythmNet> = LazyLock::new(|| RhythmNet::read(WEIGHTS));
    NET.run(values.as_chunks().0, wanted, CHUNK)
}

/// `ranges` with those joined whose gap takes no longer to compute than the frames around both ends.
fn joined(ranges: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut joined: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end + 2 * REACH => last.end = range.end,
            _ => joined.push(range.clone()),
        }
    }
    joined
}

struct RhythmNet(TemporalNet<CHANNELS>);

impl RhythmNet {
    fn read(weights: &[u8]) -> Self {
        Self(TemporalNet::read(weights, STEM * INPUTS, &DILATIONS, OUTPUTS))
    }

    /// The activations of the frames in `wanted`, computed for `chunk` frames at once: the result does not depend on it.
    fn run(&self, frames: &[[u8; INPUTS]], wanted: &[Range<usize>], chunk: usize) -> Vec<Activations> {
        let mut activations = vec![NO_EVENT; frames.len()];
        for range in joined(wanted) {
            for start in range.clone().step_by(chunk) {
                let end = range.end.min(start + chunk);
                let around = start.saturating_sub(REACH)..frames.len().min(end + REACH);
                let channels = self.0.channels(around.len(), |first, inputs| {
                    for lane in 0..LANES {
                        for part in 0..STEM {
                            let frame = (around.start + first + lane + part).checked_sub(STEM / 2);
                            let values = frame.and_then(|frame| frames.get(frame)).unwrap_or(&[0; INPUTS]);
                            for (row, value) in inputs[part * INPUTS..].iter_mut().zip(values) {
                                row[lane] = f32::from(*value) * SCALE;
                            }
                        }
                    }
                });
                let mut found = activations[start..end].iter_mut();
                self.0.read_out(&channels, start - around.start..end - around.start, |count, outputs| {
                    for (lane, frame) in found.by_ref().take(count).enumerate() {
                        *frame = std::array::from_fn(|activation| outputs[activation][lane]);
                    }
                });
            }
        }
        activations
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Arbitrary inputs, the same ones as in `tools/rhythm/export.py`.
    fn arbitrary(frames: usize) -> Vec<u8> {
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((state >> 16) % 180) as u8
        };
        (0..frames * INPUTS).map(|_| next()).collect()
    }

    fn all_activations(values: &[u8]) -> Vec<Activations> {
        activations(values, std::slice::from_ref(&(0..values.len() / INPUTS)))
    }

    #[test]
    fn activations_equal_those_of_the_training_code() {
        let found = all_activations(&arbitrary(REFERENCE_FRAMES));
        for (frame, expected) in REFERENCE {
            for (value, expected) in found[*frame].iter().zip(expected) {
                assert!((value - expected).abs() < 2e-3, "frame {frame}: {:?}", found[*frame]);
            }
        }
    }

    #[test]
    fn activations_have_the_same_bits_on_every_processor() {
        let found: Vec<[u32; ACTIVATIONS]> = all_activations(&arbitrary(REFERENCE_FRAMES))
            .iter()
            .skip(40)
            .step_by(80)
            .map(|frame| frame.map(f32::to_bits))
            .collect();
        assert_eq!(found, BITS);
    }

    #[test]
    fn activations_do_not_depend_on_the_chunks() {
        let values = arbitrary(1_300);
        let frames = values.as_chunks().0;
        let net = RhythmNet::read(WEIGHTS);
        let all = 0..frames.len();
        let all = std::slice::from_ref(&all);
        let whole = net.run(frames, all, CHUNK);
        for chunk in [90, 1_024] {
            assert_eq!(net.run(frames, all, chunk), whole, "{chunk}");
        }
    }

    #[test]
    fn activations_of_some_frames_equal_those_of_all() {
        let values = arbitrary(3_000);
        let whole = all_activations(&values);
        let found = activations(&values, &[20..45, 60..61, 2_901..3_000]);
        assert!(found[20..61] == whole[20..61] && found[2_901..] == whole[2_901..]);
        assert!(found[..20].iter().chain(&found[61..2_901]).all(|frame| *frame == NO_EVENT));
    }

    #[test]
    fn every_frame_has_activations_in_recordings_of_any_length() {
        for frames in [0, 1, 2, 15, 16, 33] {
            let found = all_activations(&arbitrary(frames));
            assert_eq!(found.len(), frames);
            assert!(found.iter().flatten().all(|value| value.is_finite()));
        }
    }

    #[test]
    fn weights_fill_the_file() {
        assert_eq!(
            WEIGHTS.len(),
            2 * TemporalNet::<CHANNELS>::weight_count(STEM * INPUTS, &DILATIONS, OUTPUTS)
        );
    }

    // Printed by tools/rhythm/export.py.
    const REFERENCE_FRAMES: usize = 400;
    const REFERENCE: &[(usize, Activations)] = &[
        (0, [-2.6174, -3.0907, -0.1043]),
        (57, [-3.6245, -4.8084, -1.4543]),
        (114, [-2.3163, -3.5780, 1.2716]),
        (171, [-5.4050, -8.1406, -1.0724]),
        (228, [-3.1016, -4.3372, 1.8306]),
        (285, [-0.0707, -4.6809, 0.0869]),
        (342, [-3.1609, -4.5629, -1.6695]),
        (399, [0.8546, 0.8913, 1.3521]),
    ];
    const BITS: &[[u32; ACTIVATIONS]] = &[
        [3_234_350_958, 3_238_090_283, 1_041_914_224],
        [3_215_210_004, 3_222_556_218, 3_208_691_562],
        [3_235_801_447, 3_239_894_241, 3_218_694_055],
        [3_230_858_554, 3_233_283_723, 3_207_234_657],
        [3_224_976_284, 3_241_641_393, 3_221_996_525],
    ];
}
