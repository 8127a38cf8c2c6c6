//! Speech to text: from mono samples to words with their times.
//!
//! - [`Models`] finds and checks model files and caches loaded models; [`catalog`] lists the published ones;
//! - [`Transcriber`] transcribes one window of audio; [`WhisperModel`] implements it with whisper.cpp;
//! - [`transcribe`] transcribes a whole recording: it packs its speech into windows, transcribes them, rejects
//!   hallucinated text and maps the words back to their times.
//!
//! Decoding is deterministic (temperature 0, no sampling): equal samples and models give equal words on any number of
//! threads.

mod alignment_heads;
mod audio_activity;
pub mod catalog;
mod coverage;
mod engine;
mod error;
mod language;
mod model_file;
mod packing;
mod phrases;
mod pipeline;
mod registry;
mod rejection;
mod transcriber;
mod whisper;
mod window_transcriber;
mod word;
mod word_alignment;

pub use error::{AsrError, ModelError, TranscribeError};
pub use language::Language;
pub use model_file::{ModelHeader, inspect};
pub use packing::SpeechSource;
pub use pipeline::{Options, Transcript, transcribe};
pub use registry::{LocatedModel, ModelDirectory, Models};
pub use rejection::{Rejection, RejectionThresholds};
pub use transcriber::{DecoderPass, Decoding, Search, Token, Transcriber};
pub use whisper::{WhisperModel, engine_version};
pub use window_transcriber::{Rejected, Untranscribed};
pub use word::{Timing, Word};

/// Sample rate of all samples, in Hz.
pub const RATE: u32 = 16_000;
/// Maximum length of a window in samples: 30 s, the input length of Whisper models.
pub const WINDOW: usize = 30 * RATE as usize;
