//! Finds the recordings of an owner in which audio occurs: [`audio_fingerprint`] with an index in Postgres.
//!
//! - `recording` decodes assets and artifacts to mono samples at 16 kHz.

pub mod codes;
mod error;
mod recording;

use media_time::MediaTime;

pub use error::Error;

/// Longest audio that is identified at once.
pub const MAX_QUERY: MediaTime = MediaTime::from_millis(6 * 3_600_000);
