//! From the bytes of a recording to samples on one timeline, whatever the container.
//!
//! - [`sniff()`] names the format of a file by its first bytes: one table for upload, probe, analysis and renderer;
//! - [`Decoders::probe`] reads what is in a file, and which streams of it are used;
//! - [`Decoder`] decodes its audio: in this process (symphonia) where that is right, else through a confined ffmpeg.
//!
//! A library over readable bytes: no database, no HTTP, no configuration.

mod clock;
mod decoder;
mod decoders;
mod error;
mod ffmpeg;
mod format;
mod input;
mod native;
mod probe;
mod samples;
mod sniff;
mod source;
mod timeline;

pub use decoder::{Block, DecodeStats, Decoder};
pub use decoders::{DecoderKind, Decoders};
pub use error::DecodeError;
pub use ffmpeg::Ffmpeg;
pub use format::{AudioFormat, check_limits};
pub use input::MediaInput;
pub use probe::{AudioInfo, Probe, VideoInfo};
pub use sniff::{FileFormat, MediaKind, sniff, sniff_head};
pub use source::{Source, reopen_file};

/// Counted up when [`Decoders::probe`] finds something else of the same file.
pub const PROBER_VERSION: i32 = 2;

/// The decoder of this process, as `name version`.
pub const NATIVE_DECODER: &str = "symphonia 0.6.1";
