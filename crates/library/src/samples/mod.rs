//! Samples of all recordings.

mod cursor;
mod index;
pub(crate) mod listing;
mod model;
pub(crate) mod similar;
pub(crate) mod store;

pub use index::{IndexedArtifact, SampleBatch, index_samples};
pub use model::{LibrarySample, SampleKind, SampleQuery, SampleRole, SampleSort};

pub(crate) use cursor::SampleKey;
pub(crate) use store::SampleFilter;
