//! Speaker diarization: from 16 kHz mono samples to turns of speakers.
//!
//! - [`SpeakerModels`] loads the two networks (segmentation, embedding) from a model directory; [`catalog`] lists the
//!   files and their digests;
//! - [`Diarizer`] takes a recording in pieces of any length and yields a [`Diarization`]: [`Turn`]s of speakers
//!   numbered by first appearance, and one [`Voice`] per speaker;
//! - [`SpeakerModels::voice_of`] embeds the dominant speaker of a recording, for enrolment; [`Embedding::similarity`]
//!   compares two.
//!
//! The networks run on `rten`. Results depend only on the samples, the models and the options: not on the number of
//! threads nor on how the samples were split. Memory is that of one window of 10 s plus about 15 kB per window of the
//! recording (20 MB per hour of speech).

mod assembly;
pub mod catalog;
mod clustering;
mod diarizer;
mod embedding;
mod enrolment;
mod error;
mod fbank;
mod fourier;
mod models;
mod network;
mod options;
mod pieces;
mod reconstruction;
mod segmentation;
mod turns;

pub use diarizer::Diarizer;
pub use embedding::Embedding;
pub use error::{ModelError, SpeakerError};
pub use models::SpeakerModels;
pub use options::{InvalidSpeakerCount, SpeakerCount};
pub use turns::{Diarization, Turn, Voice, speaker_id};

/// Sample rate of all samples and of the models, in Hz.
pub const RATE: u32 = 16_000;
/// Minimum cosine similarity of the embeddings at which a voice is reported as an enrolled one; see `docs/speakers.md`
/// for the measurement it is based on.
pub const SAME_VOICE: f32 = 0.62;
/// Version of the algorithm behind the networks; part of the cache keys of results.
pub const VERSION: &str = "2";
/// Version of the input features of the embedding network; with its digest, the key under which voices are stored.
pub const FEATURES_VERSION: u32 = 1;
