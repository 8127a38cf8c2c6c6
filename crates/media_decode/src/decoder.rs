//! Decoding of a recording's bytes into samples on one timeline.
//!
//! # Timeline
//!
//! Position 0 is timeline zero: the start of the earlier of the used audio and video streams, which is also zero for
//! `ffmpeg -i FILE` and for players. Samples that an encoder put before the audio (AAC priming, MP3 delay, Opus
//! pre-skip) or that an edit list leaves out are not part of the timeline. Audio that begins later than the video
//! begins with silence; gaps inside (lost pages, holes in the timestamps) are silence too. So sample `n` is presented
//! at `n / rate` seconds, in every container.
//!
//! # Damage
//!
//! A packet that cannot be decoded becomes silence of its length, and is counted in [`DecodeStats`]. A truncated file
//! yields the audio before the cut, except AIFF and CAF, whose chunks symphonia requires to be complete. A file without
//! any decodable packet is an error.
//!
//! # Bounds
//!
//! Memory does not grow with the recording: one packet is held at a time, and no header or packet may exceed a fixed
//! limit. The duration is limited to [`Decoder::MAX_DURATION`].

use std::collections::VecDeque;

use media_time::limits::MAX_DECODED_LENGTH;
use media_time::{AssetTime, FileTime, MediaTime};

use crate::native::Presentation;
use crate::pcm_stream::PcmStream;
use crate::timeline::{Span, Timeline};
use crate::{AudioFormat, DecodeError, DecodeStats, DecoderKind};

/// Number of frames of one block of silence.
const SILENT_BLOCK: usize = 4_096;

/// A contiguous stretch of audio on the timeline.
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
    /// Number of frames, that is, of samples per channel.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.samples.len() / self.channels
    }

    /// The samples of one channel (counted from 0), in order; empty when the channel does not exist.
    pub fn channel(&self, channel: usize) -> impl Iterator<Item = f32> + use<'a> {
        let from = if channel < self.channels { channel } else { self.samples.len() };
        self.samples.get(from..).unwrap_or_default().iter().step_by(self.channels).copied()
    }
}

/// Decodes a recording as a stream of blocks.
///
/// # Examples
///
/// ```
/// use std::io::Cursor;
///
/// use media_decode::{DecodeError, Decoder};
/// use media_time::MediaTime;
///
/// # /// A WAVE file of mono samples, 16 bit.
/// # fn wav(rate: u32, samples: &[i16]) -> Vec<u8> {
/// #     let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
/// #     let [length, rate, bytes_a_second] = [data.len() as u32, rate, 2 * rate].map(u32::to_le_bytes);
/// #     let riff = (36 + data.len() as u32).to_le_bytes();
/// #     let format = b"WAVEfmt \x10\0\0\0\x01\0\x01\0";
/// #     [b"RIFF".as_slice(), &riff, format, &rate, &bytes_a_second, b"\x02\0\x10\0data", &length, &data].concat()
/// # }
/// let mut decoder = Decoder::open(Cursor::new(wav(8_000, &[16_384; 8_000])))?;
/// assert_eq!((decoder.format().rate, decoder.format().channels()), (8_000, 1));
/// let mut frames = 0;
/// while let Some(block) = decoder.next_block()? {
///     assert_eq!(block.start, frames, "blocks follow each other without gaps");
///     assert!(block.channel(0).all(|sample| sample == 0.5), "full scale is 1");
///     frames += block.frames() as u64;
/// }
/// assert_eq!(decoder.position(), MediaTime::from_millis(1_000));
///
/// let refused = Decoder::open(Cursor::new(b"plain text"));
/// assert!(matches!(refused, Err(DecodeError::Unrecognised(_))));
/// # Ok::<(), DecodeError>(())
/// ```
pub struct Decoder {
    kind: DecoderKind,
    audio_index: usize,
    stream: Box<dyn PcmStream>,
    audio_start: AssetTime,
    video_start: Option<AssetTime>,
    zero: FileTime,
    first_packet: Option<AssetTime>,
    timeline: Timeline,
    spans: VecDeque<Span>,
    silence: Vec<f32>,
    /// Position of the next block, in samples from timeline zero.
    position: u64,
    ended: bool,
}

impl Decoder {
    /// The longest recording that is accepted.
    pub const MAX_DURATION: MediaTime = MAX_DECODED_LENGTH;

    /// A decoder that places `stream` on the timeline by `presentation`.
    pub(crate) fn new(
        kind: DecoderKind,
        audio_index: usize,
        stream: Box<dyn PcmStream>,
        presentation: Presentation,
    ) -> Self {
        let format = stream.format();
        let at = |samples: i64| AssetTime::at(MediaTime::from_samples(samples, format.rate));
        let audio_start = at(presentation.edits.first().map_or(0, |edit| edit.at));
        let (video_start, zero) = (presentation.video_start.map(at), presentation.zero_at(format.rate));
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

    /// The decoder in use: symphonia or ffmpeg with its version.
    #[must_use]
    pub fn kind(&self) -> &DecoderKind {
        &self.kind
    }

    /// Index of the decoded audio stream among the audio streams of the file.
    #[must_use]
    pub const fn audio_index(&self) -> usize {
        self.audio_index
    }

    /// Sample rate, channel layout and codec of the audio.
    #[must_use]
    pub fn format(&self) -> &AudioFormat {
        self.stream.format()
    }

    /// When the audio begins.
    #[must_use]
    pub const fn audio_start(&self) -> AssetTime {
        self.audio_start
    }

    /// When the first video frame is presented. `None` without video; for containers without
    /// an index also when no video packet comes before the first audio packet.
    #[must_use]
    pub const fn video_start(&self) -> Option<AssetTime> {
        self.video_start
    }

    /// Timeline zero, on the container's clock.
    #[must_use]
    pub const fn zero(&self) -> FileTime {
        self.zero
    }

    /// Whether the audio decoded so far differs from what symphonia alone would decode, as in earlier versions.
    #[must_use]
    pub fn is_repaired(&self) -> bool {
        self.stream.is_repaired()
    }

    /// When the first audio packet would be presented without the edit list: earlier than
    /// [`Decoder::audio_start`] by the encoder delay. Only for fragmented MP4, whose edit lists some demuxers ignore.
    #[must_use]
    pub const fn first_packet(&self) -> Option<AssetTime> {
        self.first_packet
    }

    /// Counts of problems so far.
    #[must_use]
    pub fn stats(&self) -> DecodeStats {
        self.stream.stats()
    }

    /// The duration that the container declares, if any. It is not exact; use it for progress only.
    #[must_use]
    pub fn expected_duration(&self) -> Option<MediaTime> {
        self.stream.expected_duration()
    }

    /// The duration of the audio, if the container declares it exactly.
    #[must_use]
    pub fn declared_duration(&self) -> Option<MediaTime> {
        self.stream.declared_duration()
    }

    /// The duration decoded so far; after the end, the exact duration.
    #[must_use]
    pub fn position(&self) -> MediaTime {
        MediaTime::from_frames(self.position, self.format().rate)
    }

    /// Reads the rest of the recording and returns its duration, which is exact for an intact file. Packets that
    /// declare their length are counted without decoding them. `cancelled` is called between packets.
    ///
    /// # Errors
    /// The errors of [`Decoder::next_block`]; [`DecodeError::Cancelled`].
    pub fn count_duration(mut self, cancelled: &dyn Fn() -> bool) -> Result<MediaTime, DecodeError> {
        self.stream.only_count();
        while self.stream.advance(&mut self.timeline, &mut self.spans)? {
            let frames = self.spans.drain(..).map(|span| match span {
                Span::Silence(frames) => frames,
                Span::Audio(frames) => frames.len() as u64,
            });
            self.position += frames.sum::<u64>();
            self.check_duration()?;
            if cancelled() {
                return Err(DecodeError::Cancelled);
            }
        }
        Ok(self.position())
    }

    /// The next block, which starts where the last one ended; `None` at the end. A block is never empty.
    ///
    /// # Errors
    /// [`DecodeError::Io`] when the source fails; [`DecodeError::LimitExceeded`] beyond
    /// [`Decoder::MAX_DURATION`]; [`DecodeError::Unsupported`] when the rate or the channels change.
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
            Span::Audio(frames) => {
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
