//! Finds the recordings of an owner in which audio occurs: [`audio_fingerprint`] with an index in Postgres.
//!
//! - [`Identify`] is the service, [`router`] its HTTP interface, [`model`] has the wire types;
//! - [`AnalysisIndex`] indexes recordings when they are analysed, [`index_recordings`] those stored before;
//! - `query` is the audio of a request, `search_job` the heavy part of a call: `search` looks the landmarks of its blocks up,
//!   `refinement` confirms what was found by samples, `candidate` joins it over blocks; `registration` stores origin maps;
//! - [`Aligner`] aligns recordings of one event, [`Conformer`] finds the edit list of a finished edit; both compare decoded
//!   recordings (`comparison`) with an index in memory;
//! - `recording` decodes assets and artifacts to mono samples at 16 kHz;
//! - `form` reads uploads.
//!
//! Methods, accuracy and limits: `docs/identify.md`.

mod align;
mod candidate;
pub mod codes;
mod comparison;
mod conform;
mod error;
mod form;
mod index;
pub mod model;
mod query;
mod recording;
mod refinement;
mod registration;
mod routes;
mod search;
mod search_job;
mod service;
mod store;

use media_time::MediaTime;

pub use align::{
    AlignRequest, AlignedSequence, Aligner, AlignmentPart, NewAlignedSequence, RecordingAlignment,
    align_router,
};
pub use conform::{
    ConformRequest, Conformer, MAX_EDIT, MAX_SOURCES, MAX_SOURCES_LENGTH, SourceSearch, conform_router,
};
pub use error::Error;
pub use index::{AnalysisIndex, FingerprintBatch, IndexOptions, IndexedRecording, index_recordings};
pub use routes::router;
pub use service::Identify;

/// Name and version of what finds origin maps, as their `meta.found_by`.
pub const VERSION: &str = "audio_identify@1";
/// Longest audio that is identified at once.
pub const MAX_QUERY: MediaTime = MediaTime::from_millis(6 * 3_600_000);
/// Longest audio of a form, which is never a job: its file is not stored.
pub const MAX_FORM_QUERY: MediaTime = MediaTime::from_millis(5 * 60_000);
