//! The part of the network that is computed frame by frame: one LSTM layer and the output neuron.

use crate::{
    math::{sigmoid, tanh},
    simd::{Aligned, vectorized},
};

/// Number of units of the LSTM.
pub(super) const HIDDEN: usize = 128;

/// Number of gates computed together: as many sums as fit into registers.
const BLOCK: usize = 64;
/// Number of partial sums of the output neuron.
const PARTS: usize = 8;

/// Weights of the recurrent half of the LSTM and of the output neuron.
pub(super) struct Recurrence {
    /// For each [`BLOCK`] of the 4 × 128 gates (input, forget, cell, output): `[unit][gate]`.
    hidden: Aligned,
    output: Vec<f32>,
    output_bias: f32,
}

/// The state of the LSTM after the frames so far.
#[derive(Clone)]
pub(super) struct LstmState {
    hidden: [f32; HIDDEN],
    cell: [f32; HIDDEN],
}

impl Default for LstmState {
    fn default() -> Self {
        Self { hidden: [0.0; HIDDEN], cell: [0.0; HIDDEN] }
    }
}

impl Recurrence {
    /// Creates the weights from PyTorch's layout: `hidden[gate][unit]`, `output[unit]`.
    pub(super) fn new(hidden: &[f32], output: &[f32], output_bias: f32) -> Self {
        let row = |(block, unit)| (0..BLOCK).map(move |gate| hidden[(block * BLOCK + gate) * HIDDEN + unit]);
        let blocks = 4 * HIDDEN / BLOCK;
        let rows = (0..blocks).flat_map(|block| (0..HIDDEN).map(move |unit| (block, unit)));
        Self { hidden: rows.flat_map(row).collect(), output: output.to_vec(), output_bias }
    }

    /// Processes one frame, given the input's part of its gates, and returns its probability of speech.
    #[inline(always)]
    pub(super) fn step(&self, mut gates: [f32; 4 * HIDDEN], state: &mut LstmState) -> f32 {
        let blocks = self.hidden.as_chunks::<BLOCK>().0.chunks_exact(HIDDEN);
        for (weights, gates) in blocks.zip(gates.as_chunks_mut::<BLOCK>().0) {
            multiply_add(weights, &state.hidden, gates);
        }
        let (input, rest) = gates.split_at(HIDDEN);
        let (forget, rest) = rest.split_at(HIDDEN);
        let (candidate, output) = rest.split_at(HIDDEN);
        let LstmState { hidden, cell } = state;
        vectorized(
            #[inline(always)]
            || {
                for unit in 0..HIDDEN {
                    let kept = sigmoid(forget[unit]) * cell[unit];
                    cell[unit] = kept + sigmoid(input[unit]) * tanh(candidate[unit]);
                    hidden[unit] = sigmoid(output[unit]) * tanh(cell[unit]);
                }
            },
        );
        self.probability(&state.hidden)
    }

    #[inline(always)]
    fn probability(&self, hidden: &[f32; HIDDEN]) -> f32 {
        let mut sums = [0.0; PARTS];
        for (hidden, weights) in hidden.chunks_exact(PARTS).zip(self.output.chunks_exact(PARTS)) {
            for ((sum, hidden), weight) in sums.iter_mut().zip(hidden).zip(weights) {
                *sum += hidden.max(0.0) * weight;
            }
        }
        sigmoid(sums.iter().sum::<f32>() + self.output_bias)
    }
}

/// Adds `hidden[unit] * weights[unit]` of every unit to `gates`.
fn multiply_add(weights: &[[f32; BLOCK]], hidden: &[f32; HIDDEN], gates: &mut [f32; BLOCK]) {
    vectorized(
        #[inline(always)]
        || {
            let mut sums = *gates;
            for (weights, hidden) in weights.iter().zip(hidden) {
                for (sum, weight) in sums.iter_mut().zip(weights) {
                    *sum += weight * hidden;
                }
            }
            *gates = sums;
        },
    );
}
