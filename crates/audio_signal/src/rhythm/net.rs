//! The rhythm net: how likely each frame of 20 ms is a beat, a downbeat and an onset.
//!
//! A convolutional network over time, not causal, after Davies & Böck ("Temporal convolutional networks for musical audio
//! beat tracking", EUSIPCO 2019): a map of three frames to [`CHANNELS`] channels and eight residual blocks, each a
//! convolution of each channel by itself and a map of all channels, so that a frame depends on ±10 s. The weights are
//! trained by `tools/rhythm/train.py`; docs/rhythm_net.md is the model card.

use std::ops::Range;
use std::sync::LazyLock;

use super::inputs::INPUTS;
use crate::dense::{Dense, LANES, Lanes};
use crate::simd::vectorized;

/// Number of activations.
pub(super) const ACTIVATIONS: usize = 3;
/// Index of each activation that is used; the last one is an onset.
pub(super) const BEAT: usize = 0;
pub(super) const DOWNBEAT: usize = 1;
/// Log-odds of each event in a frame.
pub(super) type Activations = [f32; ACTIVATIONS];

/// The weights: 16-bit floats, little-endian, in the order in which [`RhythmNet::read`] takes them.
const WEIGHTS: &[u8] = include_bytes!("net.f16");
/// Outputs of the last map: the activations, and one to fill a tile.
const OUTPUTS: usize = 4;
/// Frames of the first map.
const STEM: usize = 3;
const CHANNELS: usize = 64;
/// Taps of the convolution of each block, and the distance of its taps in frames.
const TAPS: usize = 5;
const DILATIONS: [usize; 8] = [1, 2, 4, 8, 16, 32, 64, 128];
/// Number of frames on either side that the blocks depend on: 10.2 s.
const REACH: usize = 2 * (1 + 2 + 4 + 8 + 16 + 32 + 64 + 128);
/// Zero frames before and after a row, as many as the widest convolution reaches.
const PAD: usize = 2 * 128;
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

struct RhythmNet {
    stem: Dense,
    blocks: [Block; DILATIONS.len()],
    head: Dense,
}

struct Block {
    dilation: usize,
    taps: Vec<[f32; TAPS]>,
    bias: Vec<f32>,
    mix: Dense,
}

impl RhythmNet {
    fn read(weights: &[u8]) -> Self {
        let mut values = weights.as_chunks::<2>().0.iter().map(|&bytes| half(u16::from_le_bytes(bytes)));
        let mut take = |count: usize| -> Vec<f32> { values.by_ref().take(count).collect() };
        let stem = map(STEM * INPUTS, CHANNELS, &mut take);
        let blocks = DILATIONS.map(|dilation| {
            let taps = take(CHANNELS * TAPS).as_chunks().0.to_vec();
            Block { dilation, taps, bias: take(CHANNELS), mix: map(CHANNELS, CHANNELS, &mut take) }
        });
        Self { stem, blocks, head: map(CHANNELS, OUTPUTS, &mut take) }
    }

    /// The activations of the frames in `wanted`, computed for `chunk` frames at once: the result does not depend on it.
    fn run(&self, frames: &[[u8; INPUTS]], wanted: &[Range<usize>], chunk: usize) -> Vec<Activations> {
        let mut activations = vec![NO_EVENT; frames.len()];
        for range in joined(wanted) {
            for start in range.clone().step_by(chunk) {
                let end = range.end.min(start + chunk);
                let around = start.saturating_sub(REACH)..frames.len().min(end + REACH);
                let rows = self.rows(frames, around.clone());
                self.read_out(&rows, start - around.start, &mut activations[start..end]);
            }
        }
        activations
    }

    /// The channels of the frames `range`, with zeros around.
    fn rows(&self, frames: &[[u8; INPUTS]], range: Range<usize>) -> Rows {
        let mut x = Rows::zeros(range.len());
        let mut inputs = [[0.0; LANES]; STEM * INPUTS];
        let mut outputs = [[0.0; LANES]; CHANNELS];
        for first in (0..range.len()).step_by(LANES) {
            for lane in 0..LANES {
                for part in 0..STEM {
                    let frame = (range.start + first + lane + part).checked_sub(STEM / 2);
                    let values = frame.and_then(|frame| frames.get(frame)).unwrap_or(&[0; INPUTS]);
                    for (row, value) in inputs[part * INPUTS..].iter_mut().zip(values) {
                        row[lane] = f32::from(*value) * SCALE;
                    }
                }
            }
            self.stem.apply(0..inputs.len(), &inputs, &mut outputs);
            rectify(&mut outputs);
            x.set(first, LANES.min(range.len() - first), &outputs);
        }
        let mut next = Rows::zeros(range.len());
        let mut convolved = [[0.0; LANES]; CHANNELS];
        for block in &self.blocks {
            for first in (0..range.len()).step_by(LANES) {
                block.convolve(&x, first, &mut convolved);
                block.mix.apply(0..CHANNELS, &convolved, &mut outputs);
                x.add_to(first, &mut outputs);
                next.set(first, LANES.min(range.len() - first), &outputs);
            }
            std::mem::swap(&mut x, &mut next);
        }
        x
    }

    /// Sets the `activations` of the frames from `first` on.
    fn read_out(&self, x: &Rows, first: usize, activations: &mut [Activations]) {
        let mut inputs = [[0.0; LANES]; CHANNELS];
        let mut outputs = [[0.0; LANES]; OUTPUTS];
        for (part, activations) in activations.chunks_mut(LANES).enumerate() {
            inputs.fill([0.0; LANES]);
            x.add_to(first + part * LANES, &mut inputs);
            rectify(&mut inputs);
            self.head.apply(0..CHANNELS, &inputs, &mut outputs);
            for (lane, frame) in activations.iter_mut().enumerate() {
                *frame = std::array::from_fn(|activation| outputs[activation][lane]);
            }
        }
    }
}

impl Block {
    /// Sets `y` to `max(0, ·)` of the convolution of each channel, for the frames from `first` on.
    fn convolve(&self, x: &Rows, first: usize, y: &mut [Lanes; CHANNELS]) {
        vectorized(
            #[inline(always)]
            || {
                for (channel, y) in y.iter_mut().enumerate() {
                    let mut sums = [self.bias[channel]; LANES];
                    for (tap, weight) in self.taps[channel].iter().enumerate() {
                        let offset = (tap as isize - (TAPS / 2) as isize) * self.dilation as isize;
                        for (sum, value) in sums.iter_mut().zip(x.lanes(channel, first, offset)) {
                            *sum += weight * value;
                        }
                    }
                    for (y, sum) in y.iter_mut().zip(&sums) {
                        *y = sum.max(0.0);
                    }
                }
            },
        );
    }
}

/// `max(0, ·)` of each value.
fn rectify(values: &mut [Lanes]) {
    vectorized(
        #[inline(always)]
        || values.as_flattened_mut().iter_mut().for_each(|value| *value = value.max(0.0)),
    );
}

/// An affine map whose matrix and bias are the next values of `take`.
fn map(inputs: usize, outputs: usize, take: &mut impl FnMut(usize) -> Vec<f32>) -> Dense {
    let (matrix, bias) = (take(inputs * outputs), take(outputs));
    Dense::new(inputs, &bias, |output, input| matrix[output * inputs + input])
}

/// One row of values per channel, a value per frame, with zeros around.
struct Rows {
    stride: usize,
    values: Vec<f32>,
}

impl Rows {
    fn zeros(frames: usize) -> Self {
        let stride = PAD + frames.next_multiple_of(LANES) + PAD + LANES;
        Self { stride, values: vec![0.0; stride * CHANNELS] }
    }

    /// The values of the frames from `first + offset` on.
    #[inline(always)]
    fn lanes(&self, channel: usize, first: usize, offset: isize) -> &[f32] {
        let at = (channel * self.stride + PAD + first).wrapping_add_signed(offset);
        &self.values[at..at + LANES]
    }

    /// Adds the values of the frames from `first` on to `y`, by channel.
    fn add_to(&self, first: usize, y: &mut [Lanes; CHANNELS]) {
        vectorized(
            #[inline(always)]
            || {
                for (channel, y) in y.iter_mut().enumerate() {
                    for (y, value) in y.iter_mut().zip(self.lanes(channel, first, 0)) {
                        *y += value;
                    }
                }
            },
        );
    }

    /// Sets `lanes` values of each channel, of the frames from `first` on.
    fn set(&mut self, first: usize, lanes: usize, values: &[Lanes; CHANNELS]) {
        for (row, values) in self.values.chunks_exact_mut(self.stride).zip(values) {
            let row = &mut row[PAD + first..];
            // A copy of constant length is one instruction.
            if lanes == LANES {
                row[..LANES].copy_from_slice(values);
            } else {
                row[..lanes].copy_from_slice(&values[..lanes]);
            }
        }
    }
}

/// The value of a 16-bit float (IEEE 754 binary16).
fn half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f32::from(bits & 0x3ff));
    let magnitude = match exponent {
        0 => fraction * 2f32.powi(-24),
        _ => (1.0 + fraction / 1_024.0) * 2f32.powi(exponent - 15),
    };
    sign * magnitude
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
    fn half_precision_values_are_exact() {
        let cases =
            [(0x3c00, 1.0), (0xc000, -2.0), (0x3555, 0.333_251_95), (0x0001, 5.960_464_5e-8), (0x8000, 0.0)];
        for (bits, value) in cases {
            assert_eq!(half(bits), value, "{bits:#06x}");
        }
    }

    #[test]
    fn weights_fill_the_file() {
        let block = CHANNELS * (TAPS + 1) + (CHANNELS + 1) * CHANNELS;
        let (stem, head) = ((STEM * INPUTS + 1) * CHANNELS, (CHANNELS + 1) * OUTPUTS);
        assert_eq!(WEIGHTS.len(), 2 * (stem + DILATIONS.len() * block + head));
        assert_eq!(REACH, DILATIONS.iter().map(|dilation| dilation * (TAPS / 2)).sum::<usize>());
    }

    // Printed by tools/rhythm/export.py.
    const REFERENCE_FRAMES: usize = 400;
    const REFERENCE: &[(usize, Activations)] = &[
        (0, [-1.5099, -6.0502, 0.9161]),
        (57, [-2.3587, -5.4933, -0.9043]),
        (114, [-6.8483, -9.0051, -0.1237]),
        (171, [-5.3212, -6.6673, -1.3103]),
        (228, [-1.0464, -2.5497, 0.1192]),
        (285, [-0.2304, -0.3485, 0.4243]),
        (342, [-2.3248, -6.2147, -1.3251]),
        (399, [0.2156, -0.7632, 0.0707]),
    ];
    const BITS: &[[u32; ACTIVATIONS]] = &[
        [3_228_194_712, 3_238_674_945, 3_210_117_505],
        [1_056_627_047, 3_204_778_344, 1_061_939_540],
        [3_232_690_704, 3_236_090_328, 3_223_265_308],
        [3_228_263_658, 3_233_365_289, 3_207_859_613],
        [3_233_510_774, 3_240_354_023, 3_212_658_918],
    ];
}
