//! Speech to text: plain samples in, words with their times out.
//!
//! - [`Models`] finds model files, checks them and keeps what is loaded; [`catalog`] knows the published ones;
//! - [`Transcriber`] is what a model can do with one window of sound, [`WhisperModel`] does it with whisper.cpp;
//! - [`transcribe`] takes a whole recording: it packs its speech into windows, has them transcribed, rejects what
//!   is not to be believed and puts the words back where they were spoken.
//!
//! Greedy at temperature 0, without sampling: the same sound and model give the same words, on any number of threads.

mod alignment_heads;
mod audio_activity;
pub mod catalog;
mod coverage;
mod engine;
mod error;
mod gates;
mod language;
mod model_file;
mod packing;
mod phrases;
mod pipeline;
mod placing;
mod registry;
mod transcriber;
mod whisper;
mod window_transcriber;
mod word;

pub use error::{AsrError, ModelError, TranscribeError};
pub use gates::{Gates, Rejection};
pub use language::Language;
pub use model_file::{ModelHeader, inspect};
pub use packing::SpeechSource;
pub use pipeline::{Options, Transcript, transcribe};
pub use registry::{Located, ModelDirectory, Models};
pub use transcriber::{Decoding, Pass, Search, Token, Transcriber};
pub use whisper::{WhisperModel, engine_version};
pub use window_transcriber::{Rejected, Untranscribed};
pub use word::{Timing, Word};

/// Samples a second of everything here.
pub const RATE: u32 = 16_000;
/// Most samples of one window: 30 s, what a Whisper model hears at once.
pub const WINDOW: usize = 30 * RATE as usize;
