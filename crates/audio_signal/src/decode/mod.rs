//! Decoding: from the bytes of a recording to samples on one timeline.
//!
//! # Timeline
//!
//! Position 0 is presentation zero: where the earliest of sound and pictures is presented, the place that
//! `ffmpeg -i FILE` and a player call zero. What an encoder put before the sound (AAC priming, MP3 delay, Opus
//! pre-skip) and what an edit list leaves out is not part of it. Sound that begins later than the pictures
//! begins with silence; gaps inside (lost pages, holes in the timestamps) are silence too. So sample `n` is
//! heard at `n / rate` seconds, in every container.
//!
//! # Damage
//!
//! A packet that cannot be decoded becomes silence of its length, and is counted in [`DecodeStats`]; a file
//! that ends too early yields what was there (but AIFF and CAF, whose chunks symphonia wants to see to the end). A
//! file of which nothing can be decoded is an error, and so is sound whose rate or channels change on the way.
//!
//! # Bounds
//!
//! Memory does not grow with the recording: one packet is held at a time, and no header or packet may be larger
//! than a fixed limit. Length is bounded by [`Decoder::MAX_DURATION`].

mod aac;
mod aac_elements;
mod boxes;
mod clock;
pub(crate) mod codec;
pub(crate) mod demux;
mod format;
mod guard;
mod matroska;
pub(crate) mod mp4;
mod presentation;
mod source;
mod stream;
mod timeline;
mod vorbis;
mod wave;

use std::collections::VecDeque;

use media_time::MediaTime;

pub use self::format::AudioFormat;
pub(crate) use self::format::check_limits;
pub use self::source::Source;
use self::stream::PacketStream;
use self::timeline::{Span, Timeline};
use crate::SignalError;

/// Frames of one block of silence.
const SILENT_BLOCK: usize = 4_096;

/// A stretch of sound on the timeline.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// Position of its first frame, in samples from presentation zero.
    pub start: u64,
    /// Its samples, channels interleaved: a multiple of [`Block::channels`], full scale 1, all finite.
    pub samples: &'a [f32],
    /// Channels per frame, at least 1.
    pub channels: usize,
}

impl<'a> Block<'a> {
    /// Samples per channel.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.samples.len() / self.channels
    }

    /// The samples of one channel (from 0), in order; nothing for a channel there is not.
    pub fn channel(&self, channel: usize) -> impl Iterator<Item = f32> + use<'a> {
        let from = if channel < self.channels { channel } else { self.samples.len() };
        self.samples.get(from..).unwrap_or_default().iter().step_by(self.channels).copied()
    }
}

/// What went wrong on the way, without stopping it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DecodeStats {
    /// Packets that could not be decoded and became silence.
    pub damaged_packets: u64,
    /// Samples that were no numbers and became zero.
    pub bad_samples: u64,
    /// Jumps in the timestamps that were too large to believe.
    pub ignored_jumps: u64,
    /// Did the file end before its content did?
    pub truncated: bool,
}

/// Decodes a recording as a stream of blocks.
pub struct Decoder {
    stream: PacketStream,
    timeline: Timeline,
    spans: VecDeque<Span>,
    silence: Vec<f32>,
    /// Position of the next block.
    position: u64,
    ended: bool,
}

impl Decoder {
    /// The longest recording that is accepted. Small files can tell of endless silence.
    pub const MAX_DURATION: MediaTime = MediaTime::from_millis(48 * 3_600 * 1_000);

    /// Opens a recording and decodes up to its first sound. What it is, is told from its content; file names
    /// and extensions play no part.
    ///
    /// # Errors
    /// [`SignalError::NoAudioStream`], and every other way in which a recording can be unfit; only
    /// [`SignalError::Io`] is not about the recording.
    pub fn open(source: impl Source + 'static) -> Result<Self, SignalError> {
        let (stream, edits) = PacketStream::open(Box::new(source))?;
        let silence = vec![0.0; SILENT_BLOCK * stream.format.channels()];
        let (timeline, spans) = (Timeline::new(edits), VecDeque::new());
        Ok(Self { stream, timeline, spans, silence, position: 0, ended: false })
    }

    /// What the samples are.
    #[must_use]
    pub fn format(&self) -> &AudioFormat {
        &self.stream.format
    }

    /// What went wrong so far.
    #[must_use]
    pub fn stats(&self) -> DecodeStats {
        self.stream.stats
    }

    /// The duration that the container tells, if any: for progress, not exact.
    #[must_use]
    pub fn expected_duration(&self) -> Option<MediaTime> {
        self.stream.expected_duration()
    }

    /// How much was decoded so far; after the end, the exact duration.
    #[must_use]
    pub fn position(&self) -> MediaTime {
        MediaTime::from_samples(i64::try_from(self.position).unwrap_or(i64::MAX), self.format().rate)
    }

    /// The next block, directly behind the one before; `None` at the end. Never empty.
    ///
    /// # Errors
    /// [`SignalError::Io`] when the source fails; [`SignalError::LimitExceeded`] beyond
    /// [`Decoder::MAX_DURATION`]; [`SignalError::Unsupported`] when rate or channels change on the way.
    pub fn next_block(&mut self) -> Result<Option<Block<'_>>, SignalError> {
        while self.spans.is_empty() {
            if self.ended || !self.stream.advance(&mut self.timeline, &mut self.spans)? {
                self.ended = true;
                return Ok(None);
            }
        }
        self.check_duration()?;
        Ok(self.take_block())
    }

    fn take_block(&mut self) -> Option<Block<'_>> {
        let channels = self.stream.format.channels();
        let samples = match self.spans.pop_front()? {
            Span::Sound(frames) => {
                self.stream.samples.get(frames.start * channels..frames.end * channels).unwrap_or_default()
            }
            Span::Silence(frames) => {
                let now = frames.min(SILENT_BLOCK as u64);
                if frames > now {
                    self.spans.push_front(Span::Silence(frames - now));
                }
                // At most `SILENT_BLOCK`.
                &self.silence[..now as usize * channels]
            }
        };
        let start = self.position;
        self.position += (samples.len() / channels) as u64;
        Some(Block { start, samples, channels })
    }

    fn check_duration(&self) -> Result<(), SignalError> {
        if self.position() <= Self::MAX_DURATION {
            return Ok(());
        }
        let (found, limit) = (format!("more than {}", Self::MAX_DURATION), Self::MAX_DURATION.to_string());
        Err(SignalError::LimitExceeded { what: "the duration", found, limit })
    }
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder")
            .field("format", self.format())
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}
