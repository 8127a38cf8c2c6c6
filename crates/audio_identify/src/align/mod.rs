//! Recordings of one event, aligned to one of them.

mod model;
mod routes;
mod sequence;
mod service;

pub use model::{AlignRequest, AlignedSequence, AlignmentPart, NewAlignedSequence, RecordingAlignment};
pub use routes::align_router;
pub use service::Aligner;
