//! Matrix products over several frames at once.
//!
//! A value has one number per frame ([`Lanes`]), so the compiler vectorises across frames, and each frame's sums
//! are added in the same order regardless of the vector width and of the other frames.

use std::ops::Range;

use crate::simd::vectorized;

/// Number of frames computed together.
pub(crate) const LANES: usize = 16;

/// One number for each of [`LANES`] frames.
pub(crate) type Lanes = [f32; LANES];

/// Number of outputs computed together: as many sums as fit into registers.
const TILE: usize = 4;

/// An affine map `y = W x + b`.
pub(crate) struct Dense {
    inputs: usize,
    /// `W`, stored for each [`TILE`] outputs as `[input][output]`.
    tiles: Vec<[f32; TILE]>,
    bias: Vec<[f32; TILE]>,
}

impl Dense {
    /// The map with `bias.len()` outputs, a multiple of [`TILE`], and the matrix `weight(output, input)`.
    pub(crate) fn new(inputs: usize, bias: &[f32], weight: impl Fn(usize, usize) -> f32) -> Self {
        let (bias, rest) = bias.as_chunks::<TILE>();
        debug_assert!(rest.is_empty(), "outputs come in whole tiles");
        let tile = |first: usize, input| std::array::from_fn(|i| weight(first + i, input));
        let tiles = (0..bias.len()).flat_map(|t| (0..inputs).map(move |input| (t * TILE, input)));
        Self { inputs, tiles: tiles.map(|(first, input)| tile(first, input)).collect(), bias: bias.to_vec() }
    }

    /// Writes `W[.., columns] x + b` to `y`; `x` has the inputs `columns` only, and all others are zero.
    #[inline(always)]
    pub(crate) fn apply(&self, columns: Range<usize>, x: &[Lanes], y: &mut [Lanes]) {
        let tiles = self.tiles.chunks_exact(self.inputs).zip(&self.bias);
        for ((tile, bias), y) in tiles.zip(y.as_chunks_mut::<TILE>().0) {
            for (y, bias) in y.iter_mut().zip(bias) {
                *y = [*bias; LANES];
            }
            multiply_add(&tile[columns.clone()], x, y);
        }
    }
}

fn multiply_add(weights: &[[f32; TILE]], x: &[Lanes], y: &mut [Lanes; TILE]) {
    vectorized(
        #[inline(always)]
        || {
            let mut sums = *y;
            for (weights, x) in weights.iter().zip(x) {
                for (sum, weight) in sums.iter_mut().zip(weights) {
                    for (sum, x) in sum.iter_mut().zip(x) {
                        *sum += weight * x;
                    }
                }
            }
            *y = sums;
        },
    );
}

/// A convolution over time with kernel 3 and one step of zero padding at both ends, then `max(0, ·)`.
pub(crate) struct Convolution {
    map: Dense,
    channels_in: usize,
    stride: usize,
}

impl Convolution {
    /// Creates the convolution from PyTorch's layout: `weights[output][input][tap]`.
    pub(crate) fn new(channels_in: usize, stride: usize, weights: &[f32], bias: &[f32]) -> Self {
        let inputs = 3 * channels_in;
        let weight =
            |output, input| weights[(output * channels_in + input % channels_in) * 3 + input / channels_in];
        Self { map: Dense::new(inputs, bias, weight), channels_in, stride }
    }

    /// Maps `x[step][channel]` to `y[step][channel]`, both stored step by step.
    #[inline(always)]
    pub(crate) fn apply(&self, x: &[Lanes], y: &mut [Lanes]) {
        let steps = x.len() / self.channels_in;
        let outputs = self.map.bias.len() * TILE;
        for (step, y) in y.chunks_exact_mut(outputs).enumerate() {
            // The kernel covers the steps centre - 1 ..= centre + 1; the padding is left out.
            let centre = step * self.stride;
            let first = centre.saturating_sub(1);
            let end = (centre + 2).min(steps);
            let skipped = first + 1 - centre;
            let columns = skipped * self.channels_in..(skipped + end - first) * self.channels_in;
            self.map.apply(columns, &x[first * self.channels_in..end * self.channels_in], y);
            for value in y.as_flattened_mut() {
                *value = value.max(0.0);
            }
        }
    }
}
