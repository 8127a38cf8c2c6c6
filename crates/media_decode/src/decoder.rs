//! Decoding: from the bytes of a recording to samples on one timeline.
//!
//! # Timeline
//!
//! Position 0 is timeline zero: where the earlier of the audio and the video that are used begins, the instant that
//! `ffmpeg -i FILE` and a player call zero. What an encoder put before the audio (AAC priming, MP3 delay, Opus
//! pre-skip) and what an edit list leaves out is not part of it. Audio that begins later than the video begins with
//! silence; gaps inside (lost pages, holes in the timestamps) are silence too. So sample `n` is presented at
//! `n / rate` seconds, in every container.
//!
//! # Damage
//!
//! A packet that cannot be decoded becomes silence of its length, and is counted in [`DecodeStats`]; a file that ends
//! too early yields what was there (but AIFF and CAF, whose chunks symphonia wants to see to the end). A file of which
//! nothing can be decoded is an error.
//!
//! # Bounds
//!
//! Memory does not grow with the recording: one packet is held at a time, and no header or packet may be larger than a
//! fixed limit. Length is bounded by [`Decoder::MAX_DURATION`].

use std::collections::VecDeque;

use media_time::MediaTime;

use crate::native::Presentation;
use crate::timeline::{Span, Timeline};
use crate::{AudioFormat, DecodeError, DecoderKind, Decoders, Source};

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
    /// Frames by which packets begin before the end of those before them, together.
    pub overlapped_frames: u64,
    /// Did the file end before its content did?
    pub truncated: bool,
}

/// A stream of decoded audio: by symphonia, or by ffmpeg.
pub(crate) trait PcmStream: Send {
    fn format(&self) -> &AudioFormat;

    /// What went wrong so far.
    fn stats(&self) -> DecodeStats;

    /// What was decoded last, interleaved.
    fn samples(&self) -> &[f32];

    /// The duration that the container declares or lets estimate, if any.
    fn expected_duration(&self) -> Option<MediaTime>;

    /// The duration of this stream, as far as the container declares it for a fact.
    fn declared_duration(&self) -> Option<MediaTime>;

    /// Is what was decoded so far decoded otherwise than symphonia by itself would?
    fn is_repaired(&self) -> bool;

    /// From here on only counts samples, where packets tell how many they hold.
    fn only_count(&mut self);

    /// Decodes more and places it; `false` at the end.
    fn advance(&mut self, timeline: &mut Timeline, spans: &mut VecDeque<Span>) -> Result<bool, DecodeError>;
}

/// Decodes a recording as a stream of blocks.
pub struct Decoder {
    kind: DecoderKind,
    audio_index: usize,
    stream: Box<dyn PcmStream>,
    audio_start: MediaTime,
    video_start: Option<MediaTime>,
    zero: MediaTime,
    first_packet: Option<MediaTime>,
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

    /// Opens a recording and decodes its first packet, in this process only. The format is detected from the
    /// content, not from names or extensions.
    ///
    /// # Errors
    /// [`DecodeError::FfmpegUnavailable`] for what is not decoded in this process; [`DecodeError::NoAudioStream`], and
    /// every other way in which a recording can be unfit; only [`DecodeError::Io`] is not about the recording.
    pub fn open(source: impl Source + 'static) -> Result<Self, DecodeError> {
        Decoders::native().open(Box::new(source), None)
    }

    /// Presents `stream` as `presentation` says.
    pub(crate) fn new(
        kind: DecoderKind,
        audio_index: usize,
        stream: Box<dyn PcmStream>,
        presentation: Presentation,
    ) -> Self {
        let format = stream.format();
        let at = |samples: i64| MediaTime::from_samples(samples, format.rate);
        let audio_start = at(presentation.edits.first().map_or(0, |edit| edit.at));
        let (video_start, zero) = (presentation.video_start.map(at), at(presentation.zero));
        let first_packet = presentation.first_packet.map(at);
        let silence = vec![0.0; SILENT_BLOCK * format.channels()];
        let (timeline, spans) = (Timeline::new(presentation.edits), VecDeque::new());
        Self {
            kind,
            audio_index,
            stream,
            audio_start,
            video_start,
            zero,
            first_packet,
            timeline,
            spans,
            silence,
            position: 0,
            ended: false,
        }
    }

    /// Which decoder it is.
    #[must_use]
    pub fn kind(&self) -> &DecoderKind {
        &self.kind
    }

    /// The audio stream that is decoded: its index among the audio streams of the file.
    #[must_use]
    pub const fn audio_index(&self) -> usize {
        self.audio_index
    }

    /// What the samples are.
    #[must_use]
    pub fn format(&self) -> &AudioFormat {
        self.stream.format()
    }

    /// When the audio begins, from timeline zero.
    #[must_use]
    pub const fn audio_start(&self) -> MediaTime {
        self.audio_start
    }

    /// When the first video frame is presented, from timeline zero; none where there is no video that begins with the
    /// audio.
    #[must_use]
    pub const fn video_start(&self) -> Option<MediaTime> {
        self.video_start
    }

    /// Timeline zero on the clock of the container.
    #[must_use]
    pub const fn zero(&self) -> MediaTime {
        self.zero
    }

    /// Is what was decoded so far decoded otherwise than symphonia by itself, which earlier versions relied on, would?
    #[must_use]
    pub fn is_repaired(&self) -> bool {
        self.stream.is_repaired()
    }

    /// When the first packet of the audio would be presented, from timeline zero, if all of it were: before
    /// [`Decoder::audio_start`] by the encoder's delay. Of fragmented MP4 only, whose edit lists not every demuxer applies.
    #[must_use]
    pub const fn first_packet(&self) -> Option<MediaTime> {
        self.first_packet
    }

    /// What went wrong so far.
    #[must_use]
    pub fn stats(&self) -> DecodeStats {
        self.stream.stats()
    }

    /// The duration that the container declares, if any: for progress, not exact.
    #[must_use]
    pub fn expected_duration(&self) -> Option<MediaTime> {
        self.stream.expected_duration()
    }

    /// The duration of the audio, as far as the container declares it for a fact.
    #[must_use]
    pub fn declared_duration(&self) -> Option<MediaTime> {
        self.stream.declared_duration()
    }

    /// How much was decoded so far; after the end, the exact duration.
    #[must_use]
    pub fn position(&self) -> MediaTime {
        MediaTime::from_samples(i64::try_from(self.position).unwrap_or(i64::MAX), self.format().rate)
    }

    /// The duration of what is left of the recording and was decoded: the exact one of an intact file, without decoding
    /// more of it where its packets tell their lengths. `cancelled` is asked between packets.
    ///
    /// # Errors
    /// Those of [`Decoder::next_block`]; [`DecodeError::Cancelled`].
    pub fn count_duration(mut self, cancelled: &dyn Fn() -> bool) -> Result<MediaTime, DecodeError> {
        self.stream.only_count();
        while self.stream.advance(&mut self.timeline, &mut self.spans)? {
            let frames = self.spans.drain(..).map(|span| match span {
                Span::Silence(frames) => frames,
                Span::Sound(frames) => frames.len() as u64,
            });
            self.position += frames.sum::<u64>();
            self.check_duration()?;
            if cancelled() {
                return Err(DecodeError::Cancelled);
            }
        }
        Ok(self.position())
    }

    /// The next block, directly behind the one before; `None` at the end. Never empty.
    ///
    /// # Errors
    /// [`DecodeError::Io`] when the source fails; [`DecodeError::LimitExceeded`] beyond
    /// [`Decoder::MAX_DURATION`]; [`DecodeError::Unsupported`] when rate or channels change on the way.
    pub fn next_block(&mut self) -> Result<Option<Block<'_>>, DecodeError> {
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
        let channels = self.stream.format().channels();
        let samples = match self.spans.pop_front()? {
            Span::Sound(frames) => {
                self.stream.samples().get(frames.start * channels..frames.end * channels).unwrap_or_default()
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

    fn check_duration(&self) -> Result<(), DecodeError> {
        if self.position() <= Self::MAX_DURATION {
            return Ok(());
        }
        let (found, limit) = (format!("more than {}", Self::MAX_DURATION), Self::MAX_DURATION.to_string());
        Err(DecodeError::LimitExceeded { what: "the duration", found, limit })
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
