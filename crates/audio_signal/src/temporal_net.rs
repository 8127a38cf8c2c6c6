//! The part that the scene net and the rhythm net have in common: a convolutional network over time.
//!
//! A map to `CHANNELS` channels, residual blocks that are each a convolution of each channel by itself and a map of all
//! channels, and a map to the outputs; not causal. After Bai, Kolter and Koltun, "An empirical evaluation of generic
//! convolutional and recurrent networks for sequence modeling" (2018).

use std::ops::Range;

use crate::dense::{Dense, LANES, Lanes};
use crate::simd::vectorized;

/// Taps of the convolution of each block.
pub(crate) const TAPS: usize = 5;

/// A net of `CHANNELS` channels, a multiple of four, whose frames are computed [`LANES`] at a time. Sums have a fixed order,
/// so that results have the same bits on every processor and for every division into ranges.
pub(crate) struct TemporalNet<const CHANNELS: usize> {
    inputs: usize,
    stem: Dense,
    blocks: Vec<Block>,
    head: Dense,
    outputs: usize,
    /// Zero frames before and after a row, as many as the widest convolution reaches.
    padding: usize,
}

struct Block {
    /// Distance of the taps in frames.
    dilation: usize,
    taps: Vec<[f32; TAPS]>,
    bias: Vec<f32>,
    mix: Dense,
}

/// Number of frames on either side that a frame depends on.
pub(crate) const fn reach(dilations: &[usize]) -> usize {
    let (mut sum, mut block) = (0, 0);
    while block < dilations.len() {
        sum += dilations[block] * (TAPS / 2);
        block += 1;
    }
    sum
}

impl<const CHANNELS: usize> TemporalNet<CHANNELS> {
    /// Number of weights of a net.
    #[cfg(test)]
    pub(crate) fn weight_count(inputs: usize, dilations: &[usize], outputs: usize) -> usize {
        let block = CHANNELS * (TAPS + 1) + (CHANNELS + 1) * CHANNELS;
        (inputs + 1) * CHANNELS + dilations.len() * block + (CHANNELS + 1) * outputs
    }

    /// The net with these weights: 16-bit floats, little-endian, in the order of the layers.
    pub(crate) fn read(weights: &[u8], inputs: usize, dilations: &[usize], outputs: usize) -> Self {
        let mut values = weights.as_chunks::<2>().0.iter().map(|&bytes| half(u16::from_le_bytes(bytes)));
        let mut take = |count: usize| -> Vec<f32> { values.by_ref().take(count).collect() };
        let stem = map(inputs, CHANNELS, &mut take);
        let mut block = |dilation: usize| {
            let taps = take(CHANNELS * TAPS).as_chunks().0.to_vec();
            Block { dilation, taps, bias: take(CHANNELS), mix: map(CHANNELS, CHANNELS, &mut take) }
        };
        let blocks = dilations.iter().map(|dilation| block(*dilation)).collect();
        let head = map(CHANNELS, outputs, &mut take);
        let padding = dilations.iter().max().unwrap_or(&0) * (TAPS / 2);
        Self { inputs, stem, blocks, head, outputs, padding }
    }

    /// The channels of `frames` frames, all others taken for absent. `fill` sets the inputs of up to [`LANES`] frames, given
    /// the first one.
    pub(crate) fn channels(
        &self,
        frames: usize,
        mut fill: impl FnMut(usize, &mut [Lanes]),
    ) -> Channels<CHANNELS> {
        let mut x = Channels::<CHANNELS>::zeros(frames, self.padding);
        let mut inputs = vec![[0.0; LANES]; self.inputs];
        let mut outputs = [[0.0; LANES]; CHANNELS];
        for first in (0..frames).step_by(LANES) {
            fill(first, &mut inputs);
            self.stem.apply(0..self.inputs, &inputs, &mut outputs);
            rectify(&mut outputs);
            x.set(first, LANES.min(frames - first), &outputs);
        }
        let mut next = Channels::zeros(frames, self.padding);
        let mut convolved = [[0.0; LANES]; CHANNELS];
        for block in &self.blocks {
            for first in (0..frames).step_by(LANES) {
                block.convolve(&x, first, &mut convolved);
                block.mix.apply(0..CHANNELS, &convolved, &mut outputs);
                x.add_to(first, &mut outputs);
                next.set(first, LANES.min(frames - first), &outputs);
            }
            std::mem::swap(&mut x, &mut next);
        }
        x
    }

    /// Calls `each` with the number of frames and the outputs of [`LANES`] frames after the other in `frames`; the last call
    /// has the remaining ones.
    pub(crate) fn read_out(
        &self,
        x: &Channels<CHANNELS>,
        frames: Range<usize>,
        mut each: impl FnMut(usize, &[Lanes]),
    ) {
        let mut outputs = vec![[0.0; LANES]; self.outputs];
        for first in frames.clone().step_by(LANES) {
            let mut inputs = [[0.0; LANES]; CHANNELS];
            x.add_to(first, &mut inputs);
            rectify(&mut inputs);
            self.head.apply(0..CHANNELS, &inputs, &mut outputs);
            each(LANES.min(frames.end - first), &outputs);
        }
    }
}

impl Block {
    /// Sets `y` to `max(0, ·)` of the convolution of each channel, for the frames from `first` on.
    fn convolve<const CHANNELS: usize>(
        &self,
        x: &Channels<CHANNELS>,
        first: usize,
        y: &mut [Lanes; CHANNELS],
    ) {
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
pub(crate) struct Channels<const CHANNELS: usize> {
    padding: usize,
    stride: usize,
    values: Vec<f32>,
}

impl<const CHANNELS: usize> Channels<CHANNELS> {
    fn zeros(frames: usize, padding: usize) -> Self {
        // Frames are read [`LANES`] at a time, from any of them on.
        let stride = padding + frames.next_multiple_of(LANES) + padding + LANES;
        Self { padding, stride, values: vec![0.0; stride * CHANNELS] }
    }

    /// The values of the frames from `first + offset` on.
    #[inline(always)]
    fn lanes(&self, channel: usize, first: usize, offset: isize) -> &[f32] {
        let at = (channel * self.stride + self.padding + first).wrapping_add_signed(offset);
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
            let row = &mut row[self.padding + first..];
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

    #[test]
    fn half_precision_values_are_exact() {
        let cases =
            [(0x3c00, 1.0), (0xc000, -2.0), (0x3555, 0.333_251_95), (0x0001, 5.960_464_5e-8), (0x8000, 0.0)];
        for (bits, value) in cases {
            assert_eq!(half(bits), value, "{bits:#06x}");
        }
    }

    #[test]
    fn reach_is_that_of_all_blocks() {
        assert_eq!(reach(&[1, 2, 4]), 14);
    }
}
