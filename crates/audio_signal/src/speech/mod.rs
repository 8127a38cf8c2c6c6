//! Speech detection: the probability of speech in every 32 ms, by the network of Silero VAD v6 (Silero Team,
//! <https://github.com/snakers4/silero-vad>, MIT), implemented in plain Rust.
//!
//! A frame of 512 samples, with the 64 before it, is transformed to four magnitude spectra ([`spectrum`]); four
//! convolutions (`crate::dense`) reduce them to 128 numbers, from which an LSTM and an output neuron compute a probability
//! ([`recurrence`]). All stages but the last are computed for several frames at once. The order of the arithmetic does
//! not depend on the chunks or the processor, so the result is bit-identical.

mod activity;
mod error;
mod frames;
mod onnx;
mod presence;
mod recurrence;
mod spectrum;
mod weights;

pub(crate) use self::frames::window_of;
pub use self::{
    activity::{ACTIVITY_VERSION, speech_activity},
    error::ModelError,
    frames::{SPEECH_FRAME, SPEECH_RATE},
    presence::speech_presence,
};
use self::{
    recurrence::{HIDDEN, LstmState},
    spectrum::{BINS, STEPS, Workspace},
    weights::{ENCODER, Model, Weights},
};

use crate::dense::{LANES, Lanes};

/// Number of samples before a frame that are also input of the network.
const CONTEXT: usize = 64;
const BATCH: usize = LANES * SPEECH_FRAME;

/// Detects speech in a stream. Uses about 200 kB regardless of the stream's length.
pub struct SpeechDetector {
    model: &'static Model,
    state: LstmState,
    /// The 64 samples before the next frame, followed by the samples of the next batch so far.
    pending: Vec<f32>,
    buffers: Box<Buffers>,
}

/// Intermediate results of a batch, each aligned to a cache line (see [`crate::simd`]).
#[repr(C, align(64))]
struct Buffers {
    transform: Workspace,
    spectra: [Lanes; STEPS * BINS],
    layers: (
        [Lanes; STEPS * ENCODER[0].outputs],
        [Lanes; 2 * ENCODER[1].outputs],
        [Lanes; ENCODER[2].outputs],
        [Lanes; HIDDEN],
    ),
    gates: [Lanes; 4 * HIDDEN],
}

impl Default for Buffers {
    fn default() -> Self {
        const ZERO: Lanes = [0.0; LANES];
        Self {
            transform: Workspace::default(),
            spectra: [ZERO; _],
            layers: ([ZERO; _], [ZERO; _], [ZERO; _], [ZERO; _]),
            gates: [ZERO; _],
        }
    }
}

impl SpeechDetector {
    /// A detector at the start of a stream.
    ///
    /// # Errors
    /// [`ModelError`] when the bundled model is not the supported one.
    pub fn new() -> Result<Self, ModelError> {
        let mut pending = Vec::with_capacity(CONTEXT + BATCH);
        pending.resize(CONTEXT, 0.0);
        Ok(Self { model: weights::bundled()?, state: LstmState::default(), pending, buffers: Box::default() })
    }

    /// Name of the model with the first 8 hex digits of its file's SHA-256, for cache keys: another version may
    /// give other probabilities.
    ///
    /// # Errors
    /// See [`Self::new`].
    pub fn version() -> Result<&'static str, ModelError> {
        Ok(&weights::bundled()?.version)
    }

    /// Adds samples at 16 kHz (mono, nominally −1 to 1, finite) and appends the probability (0 to 1) of each complete
    /// frame of [`SPEECH_FRAME`] samples: the n-th probability of the stream is that of the samples from 512 n on.
    /// Frames are buffered, to be computed together; [`Self::finish`] returns the last ones.
    pub fn push(&mut self, mut samples: &[f32], out: &mut Vec<f32>) {
        while !samples.is_empty() {
            let room = CONTEXT + BATCH - self.pending.len();
            let (taken, rest) = samples.split_at(room.min(samples.len()));
            self.pending.extend_from_slice(taken);
            samples = rest;
            if self.pending.len() == CONTEXT + BATCH {
                self.decide(LANES, out);
            }
        }
    }

    /// Appends the probabilities of the buffered frames; an incomplete last frame is padded with silence.
    pub fn finish(mut self, out: &mut Vec<f32>) {
        let frames = (self.pending.len() - CONTEXT).div_ceil(SPEECH_FRAME);
        self.pending.resize(CONTEXT + BATCH, 0.0);
        self.decide(frames, out);
    }

    /// Runs the network over the full batch in `pending`, and appends the results of its first `frames` frames.
    fn decide(&mut self, frames: usize, out: &mut Vec<f32>) {
        let Model { weights, .. } = self.model;
        encode(weights, &self.pending, &mut self.buffers);
        out.extend((0..frames).map(|lane| {
            let gates = std::array::from_fn(|gate| self.buffers.gates[gate][lane]);
            weights.recurrence.step(gates, &mut self.state)
        }));
        self.pending.drain(..BATCH);
    }
}

/// The stateless part of the network: from a batch's samples to the input half of the LSTM's gates.
fn encode(weights: &Weights, samples: &[f32], buffers: &mut Buffers) {
    let frames = std::array::from_fn(|lane| &samples[lane * SPEECH_FRAME..][..CONTEXT + SPEECH_FRAME]);
    let Buffers { transform, spectra, layers, gates } = buffers;
    weights.spectrum.magnitudes(&frames, transform, spectra);
    let [first, second, third, fourth] = &weights.encoder;
    first.apply(spectra, &mut layers.0);
    second.apply(&layers.0, &mut layers.1);
    third.apply(&layers.1, &mut layers.2);
    fourth.apply(&layers.2, &mut layers.3);
    weights.gates.apply(0..HIDDEN, &layers.3, gates);
}
