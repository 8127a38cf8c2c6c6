//! The packets of one track, decoded and put on the timeline.

use std::collections::VecDeque;

use media_time::MediaTime;
use symphonia::core::audio::AudioSpec;
use symphonia::core::codecs::audio::well_known::{CODEC_ID_AAC, CODEC_ID_MP3};
use symphonia::core::formats::TrackType;
use symphonia::core::packet::Packet;
use symphonia::core::units::Timestamp;

use super::aac::rate_index;
use super::aac_elements::frame_has_sbr;
use super::codec::{Codec, Decoded};
use super::demux::{AudioTrack, Container, Demuxer, Fetched};
use super::presentation::{Presentation, Start, exact_first};
use super::streams;
use crate::clock::Clock;
use crate::decoder::PcmStream;
use crate::timeline::{Span, Timeline};
use crate::{AudioFormat, DecodeError, DecodeStats, FileFormat, Source};

/// A damaged packet becomes silence of its length, but no more than this.
const LONGEST_PACKET: MediaTime = MediaTime::from_millis(1_000);
/// Damaged packets in a row after which they may be sound of another rate or other channels.
const ANOTHER_SOUND: u64 = 8;
/// Damaged packets in a row after which the rest counts as lost.
const MAX_DAMAGED: u64 = 4_096;

/// What opening a file of a native format came to.
pub(crate) enum Opened {
    /// Its audio is decoded here.
    Here { index: usize, stream: Box<PacketStream>, presentation: Presentation },
    /// Its audio stream of that index is not decoded here, because of `what` it is.
    Foreign { index: usize, what: String },
}

/// One track, packet by packet.
pub(crate) struct PacketStream {
    demuxer: Demuxer,
    track: AudioTrack,
    codec: Codec,
    format: AudioFormat,
    /// What was decoded last, interleaved.
    samples: Vec<f32>,
    stats: DecodeStats,
    clock: Clock,
    /// Media position and frames of what is in `samples` and not yet on the timeline.
    undelivered: Option<(i64, usize)>,
    /// Timestamp of the last packet.
    last_pts: Option<Timestamp>,
    damaged_in_a_row: u64,
    only_counts: bool,
    /// Timeline zero on the clock of the container.
    zero: MediaTime,
    is_repaired: bool,
}

impl PacketStream {
    /// Opens the audio stream `wanted`, else the one that is used by default, and decodes its first packet; also which
    /// of its samples are presented when.
    pub(crate) fn open(
        source: Box<dyn Source>,
        format: FileFormat,
        wanted: Option<usize>,
    ) -> Result<Opened, DecodeError> {
        let mut demuxer = Demuxer::open(source, format)?;
        let mut streams = demuxer.audio_streams();
        let symphonias = demuxer.default_audio_id();
        let defaults = streams.iter().map(|stream| stream.is_default);
        let index = streams::choose(defaults, wanted)
            .ok_or_else(|| demuxer.missing_audio_stream(wanted, streams.len()))?;
        if demuxer.changes {
            let what = "audio that changes its sample rate or channels".to_owned();
            return Ok(Opened::Foreign { index, what });
        }
        let stream = streams.swap_remove(index);
        let is_other = wanted.is_none() && stream.track.as_ref().map(|track| track.id) != symphonias;
        let is_repaired = stream.is_repaired || demuxer.is_repaired || is_other;
        let (track, what) = match (stream.track, stream.foreign) {
            (Some(track), None) => (track, stream.codec),
            (_, what) => return Ok(Opened::Foreign { index, what: what.unwrap_or(stream.codec) }),
        };
        let mut codec = match Codec::new(&track.params) {
            Err(DecodeError::Unsupported(_)) => return Ok(Opened::Foreign { index, what }),
            // Encoders write AAC configurations that end too early; ffmpeg reads these.
            Err(DecodeError::Undecodable(_)) if track.params.codec == CODEC_ID_AAC => {
                return Ok(Opened::Foreign { index, what });
            }
            codec => codec?,
        };
        let mut samples = Vec::new();
        let first = FirstSound::find(&mut demuxer, &track, &mut codec, &mut samples)?;
        if let Some(what) = first.foreign {
            return Ok(Opened::Foreign { index, what: what.to_owned() });
        }
        let format = AudioFormat::new(&first.spec, codec.name)?;
        let at = |time: Timestamp| track.to_samples(time, format.rate);
        let start = Start {
            container: demuxer.container,
            track: &track,
            movie: demuxer.movie.as_ref(),
            first: exact_first(demuxer.container, &track, at(first.start), format.rate),
            first_picture: first
                .picture_seconds
                .map(|seconds| (seconds * f64::from(format.rate)).round() as i64),
            rate: format.rate,
        };
        let presentation = start.presentation()?;
        let zero = MediaTime::from_samples(presentation.zero, format.rate);
        let mut clock = Clock::new(format.rate);
        let position = if first.time == first.start { start.first } else { at(first.time) };
        clock.start(position, first.frames);
        let undelivered = Some((position, first.frames));
        let (stats, last_pts) = (first.stats, Some(first.time));
        let stream = Self {
            demuxer,
            track,
            codec,
            format,
            samples,
            stats,
            clock,
            undelivered,
            last_pts,
            damaged_in_a_row: 0,
            only_counts: false,
            zero,
            is_repaired,
        };
        Ok(Opened::Here { index, stream: Box::new(stream), presentation })
    }

    /// Decodes `packet` into `samples`; its media position and frames.
    fn decode(&mut self, mut packet: Packet) -> Result<(i64, usize), DecodeError> {
        let rate = self.format.rate;
        // All frames of a laced Matroska block come with the block's time: they follow each other.
        let is_laced = self.demuxer.container == Container::Matroska && self.last_pts == Some(packet.pts);
        self.last_pts = Some(packet.pts);
        self.is_repaired |= is_laced;
        let stamp = match self.clock.expected().filter(|_| is_laced) {
            Some(expected) => self.clock.stamp(expected),
            None => self.track.to_samples(packet.pts, rate),
        };
        let length = Timestamp::new(i64::try_from(packet.block_dur().get()).unwrap_or(i64::MAX));
        let padding = self.end_padding(&packet);
        let decoded =
            if self.only_counts { None } else { Some(self.codec.decode(&mut packet, &mut self.samples)) };
        let frames = match decoded {
            None => self.declared_frames(length).saturating_sub(padding),
            Some(Decoded::Frames { count, spec, bad_samples }) => {
                self.damaged_in_a_row = 0;
                self.stats.bad_samples += bad_samples;
                if count > 0 {
                    self.check_unchanged(&spec)?;
                }
                count.saturating_sub(padding)
            }
            Some(Decoded::Damaged) => {
                self.damaged_in_a_row += 1;
                self.stats.damaged_packets += 1;
                // Symphonia's decoders refuse what differs from their first packet: a new one tells how.
                if self.damaged_in_a_row.is_multiple_of(ANOTHER_SOUND) {
                    self.codec.rebuild();
                }
                let frames = self.declared_frames(length);
                self.samples.clear();
                self.samples.resize(frames * self.format.channels(), 0.0);
                frames
            }
        };
        let expected = self.clock.expected();
        let position = self.clock.position(stamp, frames);
        // Ogg numbers all that it holds: what is missing was lost.
        if self.demuxer.container == Container::Ogg && expected.is_some_and(|expected| position > expected) {
            self.stats.damaged_packets += 1;
        }
        self.stats.ignored_jumps = self.clock.ignored_jumps();
        self.stats.overlapped_frames = self.clock.overlapped();
        Ok((position, frames))
    }

    /// Frames of a packet of that declared length; as many as the one before where it declares none.
    fn declared_frames(&self, length: Timestamp) -> usize {
        let rate = self.format.rate;
        let declared = match self.demuxer.container {
            // All frames are of one length; what is declared shrinks at the end that the tag declares.
            Container::Mp3 => 0,
            _ => usize::try_from(self.track.to_samples(length, rate)).unwrap_or(0),
        };
        let frames = if declared == 0 { self.clock.last_frames() } else { declared };
        frames.min(LONGEST_PACKET.to_samples(rate).unsigned_abs() as usize)
    }

    /// Does an MP3 end before the number of frames that its tag counts? Nothing else tells a cut from an end. Counts
    /// without a word on padding are often those of another file.
    fn lacks_frames(&self) -> bool {
        let told = self
            .track
            .samples
            .filter(|_| self.demuxer.container == Container::Mp3 && self.track.padding.is_some());
        let held = self.clock.expected().and_then(|end| u64::try_from(end).ok()).unwrap_or(0);
        told.is_some_and(|told| held + self.clock.last_frames() as u64 <= told)
    }

    /// Ogg tells in its last page how much of the last packets is padding.
    fn end_padding(&self, packet: &Packet) -> usize {
        match self.demuxer.container {
            Container::Ogg => usize::try_from(packet.trim_end.get()).unwrap_or(usize::MAX),
            _ => 0,
        }
    }

    fn check_unchanged(&self, spec: &AudioSpec) -> Result<(), DecodeError> {
        let (rate, channels) = (spec.rate(), spec.channels().count());
        if rate == self.format.rate && channels == self.format.channels() {
            return Ok(());
        }
        let (was, were) = (self.format.rate, self.format.channels());
        let change =
            format!("sound that changes from {were} channels of {was} Hz to {channels} of {rate} Hz");
        Err(DecodeError::Unsupported(change))
    }

    /// Chained Ogg: the next recording follows where this one ended.
    fn follow_new_stream(&mut self, timeline: &mut Timeline) -> Result<(), DecodeError> {
        self.track = self.demuxer.audio_track()?;
        self.codec = Codec::new(&self.track.params)?;
        let mut samples = Vec::new();
        let first = FirstSound::find(&mut self.demuxer, &self.track, &mut self.codec, &mut samples)?;
        self.check_unchanged(&first.spec)?;
        self.samples = samples;
        self.stats.damaged_packets += first.stats.damaged_packets;
        self.stats.bad_samples += first.stats.bad_samples;
        let position = self.track.to_samples(first.time, self.format.rate);
        let skipped = i64::from(super::codec::pre_skip(&self.track.params));
        timeline.restart(position.saturating_add(skipped).max(0));
        self.clock.start(position, first.frames);
        self.undelivered = Some((position, first.frames));
        Ok(())
    }
}

impl PcmStream for PacketStream {
    fn format(&self) -> &AudioFormat {
        &self.format
    }

    fn stats(&self) -> DecodeStats {
        self.stats
    }

    fn samples(&self) -> &[f32] {
        &self.samples
    }

    fn expected_duration(&self) -> Option<MediaTime> {
        self.demuxer.duration(Some(&self.track))
    }

    fn declared_duration(&self) -> Option<MediaTime> {
        let Some(movie) = &self.demuxer.movie else {
            // What is declared is the duration of the longest stream.
            let told = self.demuxer.told_duration(Some(&self.track)).filter(|_| !self.demuxer.has_video());
            return Some(told? - self.zero);
        };
        // An edit list presents what it likes of the track.
        let track = movie.tracks.iter().find(|track| track.id == self.track.id && track.edits.is_empty())?;
        Some(MediaTime::from_secs_f64(track.duration as f64 / f64::from(track.timescale.max(1))))
            .filter(|duration| *duration > MediaTime::ZERO)
    }

    fn is_repaired(&self) -> bool {
        self.is_repaired
    }

    fn only_count(&mut self) {
        self.only_counts = true;
    }

    fn advance(&mut self, timeline: &mut Timeline, spans: &mut VecDeque<Span>) -> Result<bool, DecodeError> {
        if let Some((position, frames)) = self.undelivered.take() {
            timeline.place(position, frames, spans);
            return Ok(true);
        }
        if self.damaged_in_a_row >= MAX_DAMAGED
            || self.clock.expected().is_some_and(|at| timeline.is_over(at))
        {
            self.stats.truncated |= self.damaged_in_a_row >= MAX_DAMAGED;
            return Ok(false);
        }
        match self.demuxer.next_packet()? {
            Fetched::Packet(packet) if packet.track_id == self.track.id => {
                let (position, frames) = self.decode(packet)?;
                timeline.place(position, frames, spans);
            }
            Fetched::Packet(_) => {}
            Fetched::End { truncated } => {
                self.stats.truncated |= truncated || self.lacks_frames();
                return Ok(false);
            }
            Fetched::NewStream => self.follow_new_stream(timeline)?,
        }
        Ok(true)
    }
}

/// The first packet of a track that yields sound.
struct FirstSound {
    /// Time of the track's first packet.
    start: Timestamp,
    /// Time of this packet.
    time: Timestamp,
    frames: usize,
    spec: AudioSpec,
    stats: DecodeStats,
    /// When the first picture before it is shown.
    picture_seconds: Option<f64>,
    /// What it is, if it is something else than its container says and symphonia decodes.
    foreign: Option<&'static str>,
}

impl FirstSound {
    fn find(
        demuxer: &mut Demuxer,
        track: &AudioTrack,
        codec: &mut Codec,
        samples: &mut Vec<f32>,
    ) -> Result<Self, DecodeError> {
        let mut stats = DecodeStats::default();
        let (mut start, mut picture_seconds): (_, Option<f64>) = (None, None);
        while stats.damaged_packets < MAX_DAMAGED {
            let Fetched::Packet(mut packet) = demuxer.next_packet()? else {
                break;
            };
            let time = packet.pts;
            if packet.track_id != track.id {
                let shown = demuxer.seconds(&packet, TrackType::Video);
                picture_seconds = shown.into_iter().chain(picture_seconds).min_by(f64::total_cmp);
                continue;
            }
            let foreign = foreign(track, &packet.data);
            if foreign.is_some_and(|what| what != HE_AAC) {
                let spec = AudioSpec::new(0, symphonia::core::audio::Channels::Discrete(0));
                return Ok(Self { start: time, time, frames: 0, spec, stats, picture_seconds, foreign });
            }
            match codec.decode(&mut packet, samples) {
                Decoded::Frames { count, spec, bad_samples } if count > 0 => {
                    stats.bad_samples = bad_samples;
                    let start = start.unwrap_or(time);
                    return Ok(Self { start, time, frames: count, spec, stats, picture_seconds, foreign });
                }
                // The first packet of Vorbis only prepares the next.
                Decoded::Frames { .. } => {}
                Decoded::Damaged => {
                    stats.damaged_packets += 1;
                    start.get_or_insert(time);
                }
            }
        }
        let what = match stats.damaged_packets {
            0 => format!("the {} file holds no sound", demuxer.name),
            count => format!("none of its first {count} packets can be decoded as {}", codec.name),
        };
        Err(DecodeError::Undecodable(what))
    }
}

/// The upper band of HE-AAC, which nothing outside of its frames need signal.
const HE_AAC: &str = "HE-AAC";

/// What a frame is, if it is something else than its container says.
fn foreign(track: &AudioTrack, frame: &[u8]) -> Option<&'static str> {
    match track.params.codec {
        CODEC_ID_AAC => {
            let rate = track.params.sample_rate.and_then(rate_index)?;
            frame_has_sbr(frame, rate).then_some(HE_AAC)
        }
        // MP4 has one name for all layers (ISO/IEC 14496-1, object type 0x6b).
        CODEC_ID_MP3 => match frame {
            [0xff, second, ..] if second & 0xe0 == 0xe0 && second & 0x06 != 0x02 => {
                Some("MPEG audio layer II")
            }
            _ => None,
        },
        _ => None,
    }
}
