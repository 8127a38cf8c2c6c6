//! The library: questions over all recordings of an owner.
//!
//! - [`Library`] is the service, [`router`] its HTTP interface;
//! - `samples` lists hits, loops and phrases by their measured values, and finds similar ones;
//! - `words` searches what was said: [`SearchHit`] is a window with its words and times;
//! - [`index_samples`] fills the table of samples for artifacts that are older than it.
//!
//! Both read tables that are made for them, `samples` and `spoken_windows`, whose rows derive from artifacts and are
//! written in the transactions of these: samples by a trigger, words by [`audio_semantic_timeline::spoken`].

mod error;
mod routes;
mod samples;
mod service;
mod words;

pub use error::Error;
pub use routes::router;
pub use samples::{
    IndexedArtifact, LibrarySample, SampleBatch, SampleKind, SampleQuery, SampleRole, SampleSort,
    index_samples,
};
pub use service::Library;
pub use words::{Place, SearchHit, SearchMatch, SearchQuery, SpokenWord};
