//! The semantic timeline of a recording: speech, music, silence, words, beats and loudness, made
//! once per recording and parameters, kept, and cut to clips.
//!
//! - [`SemanticTimelines`] is the service, [`router`] its HTTP face;
//! - [`model`] holds the wire types, [`Summary`](model::Summary) the stored one;
//! - [`backend`] turns a recording into a timeline: [`Backends`](backend::Backends) chooses;
//! - [`Transcript`] is what is said in it, written as captions by [`interchange`];
//! - [`plot`] draws it;
//! - [`openai`] transcribes uploads in the shape of OpenAI's API;
//! - [`cache_key()`] names a timeline, [`slice()`] cuts it to a clip, [`stub`] stands in for a backend that is missing.
//!
//! What callers can rely on is told in `docs/engines/media_program/PHASE_A02_audio_semantic_upgrade.md`.

pub mod backend;
mod cache_key;
mod error;
pub mod model;
pub mod openai;
mod params;
mod picture;
pub mod plot;
mod registered;
mod routes;
mod service;
mod slice;
mod speaker_turns;
pub mod speakers;
pub mod store;
pub mod stub;
mod summary;
mod transcript;
pub mod voice_store;
pub mod voices;

pub use cache_key::cache_key;
pub use error::Error;
pub use params::EffectiveParams;
pub use registered::RegisteredDocuments;
pub use routes::router;
pub use service::{ArtifactOrigins, SemanticTimelines, analyze_recording};
pub use slice::{slice, transcription};
pub use transcript::{Transcript, TranscriptFormat};
