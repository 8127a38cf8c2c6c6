//! Decodes recordings in any supported container into samples on one timeline.
//!
//! - [`sniff()`] detects the format of a file by its first bytes: one table for upload, probe, analysis and renderer;
//! - [`Decoders::probe`] reads the contents of a file and selects the streams that are used;
//! - [`Decoder`] decodes the audio: in this process (symphonia) where that is correct, else through a confined ffmpeg.
//!
//! The library needs readable bytes only: no database, no HTTP, no configuration.

mod decoder;
mod decoder_kind;
mod decoders;
mod error;
mod ffmpeg;
mod format;
mod input;
mod native;
mod packet_clock;
mod pcm_stream;
mod probe;
mod samples;
mod sniff;
mod source;
mod source_timecode;
mod timeline;

pub use decoder::{Block, Decoder};
pub use decoder_kind::DecoderKind;
pub use decoders::Decoders;
pub use error::DecodeError;
pub use ffmpeg::Ffmpeg;
pub use format::{AudioFormat, check_limits};
pub use input::MediaInput;
pub use pcm_stream::DecodeStats;
pub use probe::{AudioInfo, Probe, VideoInfo};
pub use sniff::{FileFormat, MediaKind, sniff, sniff_head};
pub use source::{Source, reopen_file};
pub use source_timecode::SourceTimecode;

/// Version of the prober, incremented when [`Decoders::probe`] reports something different for the same file.
pub const PROBER_VERSION: i32 = 4;

/// Name and version of the decoder in this process, as `name version`.
pub const NATIVE_DECODER: &str = "symphonia 0.6.1";
