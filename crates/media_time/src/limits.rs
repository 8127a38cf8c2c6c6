//! Limits of time that several crates share.

use crate::MediaTime;

/// Tolerance of recording lengths: the decoded length, which timelines use, exceeds the container's length by at most
/// this, which is a few packets.
pub const LENGTH_TOLERANCE: MediaTime = MediaTime::from_millis(100);

/// The longest recording that is decoded, two days. Small files can declare endless silence.
pub const MAX_DECODED_LENGTH: MediaTime = MediaTime::from_millis(48 * HOUR_MS);

/// The latest instant of a recording that a request may name, thirty days: recordings need not be decoded here.
pub const MAX_INSTANT: MediaTime = MediaTime::from_millis(30 * 24 * HOUR_MS);

const HOUR_MS: i64 = 3_600_000;
