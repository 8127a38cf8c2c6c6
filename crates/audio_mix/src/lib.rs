//! Sounds placed in time become one sound, exact to the sample.
//!
//! - [`ClipStore`] holds the needed windows of recordings, each recording decoded once, converted to [`RATE`] and stereo;
//! - [`write_mix()`] adds placed clips, in memory that depends neither on their number nor on the length of the mix;
//! - [`PatternMixer`] renders patterns to WAVE files; [`router`] is its HTTP interface.

mod ceiling;
mod clip_store;
pub mod codes;
mod error;
mod mix;
mod model;
mod pattern;
mod routes;
mod service;
mod store;
mod wave;

pub use ceiling::{CEILING_DBTP, gain_to_ceiling};
pub use clip_store::ClipStore;
pub use error::{Error, MixError};
pub use mix::{MixProgress, PlacedClip, frame_at, gain_factor, windows, write_mix};
pub use model::PatternRender;
pub use routes::router;
pub use service::PatternMixer;

/// Sample rate of every mix, in Hz.
pub const RATE: u32 = 48_000;
/// Channels of every mix: left and right.
pub const CHANNELS: usize = 2;
/// Version of everything that determines the samples of a mix, apart from its clips.
pub const BACKEND_VERSION: &str = "audio_mix_v1";
