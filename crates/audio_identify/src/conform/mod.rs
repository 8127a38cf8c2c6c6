//! The edit list of a finished edit, by its sources.

mod model;
mod routes;
mod search;
mod service;
mod shots;

pub use model::ConformRequest;
pub use routes::conform_router;
pub use service::{Conformer, SourceSearch};

use media_time::MediaTime;

/// Longest edit that is conformed.
pub const MAX_EDIT: MediaTime = MediaTime::from_millis(3 * 3_600_000);
/// Maximum number of sources of an edit.
pub const MAX_SOURCES: usize = 100;
/// Greatest length of the sources of an edit together.
pub const MAX_SOURCES_LENGTH: MediaTime = MediaTime::from_millis(24 * 3_600_000);
