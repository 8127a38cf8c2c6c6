//! Finds the recordings of an owner in which audio occurs: [`audio_fingerprint`] with an index in Postgres.
//!
//! - `recording` decodes assets and artifacts to mono samples at 16 kHz;
//! - [`Aligner`] aligns recordings of one event, [`Conformer`] finds the edit list of a finished edit; both compare decoded
//!   recordings (`comparison`) with an index in memory.

mod align;
pub mod codes;
mod comparison;
mod conform;
mod error;
mod recording;

use media_time::MediaTime;

pub use align::{
    AlignRequest, AlignResult, AlignedSequence, Aligner, AlignmentPart, NewAlignedSequence,
    RecordingAlignment, align_router,
};
pub use conform::{
    ConformRequest, Conformer, MAX_EDIT, MAX_SOURCES, MAX_SOURCES_LENGTH, SourceSearch, conform_router,
};
pub use error::Error;

/// Longest audio that is identified at once.
pub const MAX_QUERY: MediaTime = MediaTime::from_millis(6 * 3_600_000);
