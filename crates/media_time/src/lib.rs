//! Time on a media timeline, in integer microseconds.
//!
//! Floats drift: `0.1 + 0.2` is not `0.3`, and a cut that is one sample off clicks. Every instant
//! and every window inside harkback is a [`MediaTime`]; milliseconds appear on the wire only.
//!
//! - [`MediaTime`]: an instant or a signed distance, with checked arithmetic;
//! - [`TimeIn`]: an instant in a frame of time, of a [file](FileTime), an [asset](AssetTime), a
//!   [timeline](TimelineTime) or a [window](LocalTime); frames do not mix;
//! - [`Window`]: a half-open span `[start, end)`;
//! - [`Bpm`]: a tempo, and the lengths of beats, bars and steps under it;
//! - [`limits`]: the longest recordings and latest instants.

mod frame;
pub mod limits;
mod tempo;
mod time;
mod window;

pub use frame::{
    Asset, AssetTime, File, FileTime, Instant, Local, LocalTime, TimeIn, Timeline, TimelineTime,
};
pub use tempo::{Bpm, InvalidBpm};
pub use time::{InvalidMillis, MediaTime};
pub use window::{InvalidWindow, Window};
