//! The interface of both decoders: symphonia in this process, and ffmpeg.

use std::collections::VecDeque;

use media_time::MediaTime;

use crate::timeline::{Span, Timeline};
use crate::{AudioFormat, DecodeError};

/// Counts of problems that did not stop decoding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DecodeStats {
    /// Packets that could not be decoded and were replaced by silence.
    pub damaged_packets: u64,
    /// Samples that were NaN, infinite or far beyond full scale, and were set to zero.
    pub bad_samples: u64,
    /// Timestamp jumps that were too large and were ignored.
    pub ignored_jumps: u64,
    /// Total number of frames by which packets overlap the packets before them.
    pub overlapped_frames: u64,
    /// Whether the file ends before its declared content does.
    pub truncated: bool,
}

/// A stream of audio, decoded by symphonia or by ffmpeg.
pub(crate) trait PcmStream: Send {
    fn format(&self) -> &AudioFormat;

    /// Counts of problems so far.
    fn stats(&self) -> DecodeStats;

    /// The most recently decoded samples, interleaved.
    fn samples(&self) -> &[f32];

    /// The duration that the container declares, or an estimate of it, if available.
    fn expected_duration(&self) -> Option<MediaTime>;

    /// The duration of this stream, if the container declares it exactly.
    fn declared_duration(&self) -> Option<MediaTime>;

    /// Whether the audio decoded so far differs from what symphonia alone would decode.
    fn is_repaired(&self) -> bool;

    /// Switches to counting samples without decoding, where packets declare their number of samples.
    fn only_count(&mut self);

    /// Decodes the next packet and places it on `timeline`; returns `false` at the end.
    fn advance(&mut self, timeline: &mut Timeline, spans: &mut VecDeque<Span>) -> Result<bool, DecodeError>;
}
