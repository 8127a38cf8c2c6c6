//! The semantic timeline of a recording: speech, music, silence, words, beats and loudness, made once per recording and
//! parameters, stored, and cut to clips.
//!
//! - [`SemanticTimelines`] is the service, [`router`] its HTTP interface;
//! - [`model`] has the request and response types, [`Summary`](model::Summary) is the stored one;
//! - [`backend`] analyses a recording: [`Backends`](backend::Backends) chooses the backend;
//! - [`Transcript`] contains the words of a timeline, which [`interchange`] formats as captions by [`CaptionParameters`];
//! - [`annotations()`] converts a timeline for the writers of [`interchange::notes`];
//! - [`plot`] draws a timeline as SVG;
//! - [`corrections`] applies edits of a person to a timeline;
//! - [`openai`] transcribes uploads with a route compatible with OpenAI's API;
//! - [`spoken`] indexes the words of timelines for searches over recordings;
//! - [`cache_key()`] identifies a timeline, [`slice()`] cuts it to a clip, [`stub`] replaces a missing backend.
//!
//! `docs/engines/media_program/PHASE_A02_audio_semantic_upgrade.md` documents the guarantees for callers.

mod annotations;
pub mod backend;
mod cache_key;
mod caption_parameters;
pub mod codes;
pub mod corrections;
mod error;
#[cfg(test)]
mod example_meta;
pub mod model;
pub mod openai;
mod params;
pub mod plot;
mod registered;
mod routes;
mod service;
mod slice;
mod speaker_labels;
mod speaker_turns;
pub mod speakers;
pub mod spoken;
pub mod store;
mod stored;
pub mod stub;
mod summary;
pub mod tempo_curve;
mod transcript;
pub mod voice_store;
pub mod voices;

pub use annotations::annotations;
pub use cache_key::cache_key;
pub use caption_parameters::{CaptionParameters, OutOfRange};
pub use error::Error;
pub use params::EffectiveParams;
pub use registered::RegisteredDocuments;
pub use routes::router;
pub use service::{
    AnalysedRecording, AnalysisCompanion, ArtifactOrigins, SemanticTimelines, analyze_recording,
};
pub use slice::{slice, transcription};
pub use speaker_labels::SpeakerLabels;
pub use stored::{in_force, stored_summary};
pub use transcript::{Transcript, TranscriptFormat};
