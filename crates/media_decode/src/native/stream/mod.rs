//! Decodes the packets of one track and places them on the timeline.

mod first_packet;
mod open;

use std::collections::VecDeque;

use media_time::{FileTime, MediaTime};
use symphonia::core::audio::AudioSpec;
use symphonia::core::packet::Packet;
use symphonia::core::units::Timestamp;

use super::audio_track::AudioTrack;
use super::codec::{Codec, Decoded};
use super::demux::{ContainerFamily, Demuxer, ReadResult};
use crate::packet_clock::PacketClock;
use crate::pcm_stream::PcmStream;
use crate::timeline::{Span, Timeline};
use crate::{AudioFormat, DecodeError, DecodeStats};
use first_packet::FirstAudioPacket;
pub(crate) use open::Opened;

/// Limit of the silence that replaces a damaged packet.
const MAX_PACKET: MediaTime = MediaTime::from_millis(1_000);
/// Number of consecutive damaged packets after which the decoder is rebuilt: their rate or channels may have changed.
const REBUILD_AFTER: u64 = 8;
/// Number of consecutive damaged packets after which the rest counts as lost.
const MAX_DAMAGED: u64 = 4_096;

/// Decoder of one track, packet by packet.
pub(crate) struct PacketStream {
    demuxer: Demuxer,
    track: AudioTrack,
    codec: Codec,
    format: AudioFormat,
    /// The most recently decoded samples, interleaved.
    samples: Vec<f32>,
    stats: DecodeStats,
    clock: PacketClock,
    /// Media position and number of the frames in `samples` that are not on the timeline yet.
    undelivered: Option<(i64, usize)>,
    /// PTS of the last packet.
    last_pts: Option<Timestamp>,
    damaged_in_a_row: u64,
    only_counts: bool,
    /// Timeline zero, on the container's clock.
    zero: FileTime,
    is_repaired: bool,
}

impl PacketStream {
    /// Decodes `packet` into `samples` and returns its media position and number of frames.
    fn decode(&mut self, mut packet: Packet) -> Result<(i64, usize), DecodeError> {
        let rate = self.format.rate;
        // All frames of a laced Matroska block have the block's PTS: they are consecutive.
        let is_laced =
            self.demuxer.container == ContainerFamily::Matroska && self.last_pts == Some(packet.pts);
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
                // Symphonia's decoders reject packets that differ from their first one: a new decoder accepts them.
                if self.damaged_in_a_row.is_multiple_of(REBUILD_AFTER) {
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
        // Ogg's positions are continuous: a gap means lost packets.
        if self.demuxer.container == ContainerFamily::Ogg
            && expected.is_some_and(|expected| position > expected)
        {
            self.stats.damaged_packets += 1;
        }
        self.stats.ignored_jumps = self.clock.ignored_jumps();
        self.stats.overlapped_frames = self.clock.overlapped();
        Ok((position, frames))
    }

    /// Number of frames of a packet of that declared length; that of the packet before when none is declared.
    fn declared_frames(&self, length: Timestamp) -> usize {
        let rate = self.format.rate;
        let declared = match self.demuxer.container {
            // All frames have one length; the declared length shrinks at the end that the tag declares.
            ContainerFamily::Mp3 => 0,
            _ => usize::try_from(self.track.to_samples(length, rate)).unwrap_or(0),
        };
        let frames = if declared == 0 { self.clock.last_frames() } else { declared };
        frames.min(MAX_PACKET.to_samples(rate).unsigned_abs() as usize)
    }

    /// Whether an MP3 file ends before the number of frames that its tag declares. Nothing else distinguishes a
    /// truncated file from a complete one. A count without padding often belongs to another file and is ignored.
    fn is_missing_frames(&self) -> bool {
        let declared = self
            .track
            .samples
            .filter(|_| self.demuxer.container == ContainerFamily::Mp3 && self.track.padding.is_some());
        let held = self.clock.expected().and_then(|end| u64::try_from(end).ok()).unwrap_or(0);
        declared.is_some_and(|declared| held + self.clock.last_frames() as u64 <= declared)
    }

    /// Number of padding frames in a packet, which Ogg declares in its last page.
    fn end_padding(&self, packet: &Packet) -> usize {
        match self.demuxer.container {
            ContainerFamily::Ogg => usize::try_from(packet.trim_end.get()).unwrap_or(usize::MAX),
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
            format!("audio that changes from {were} channels of {was} Hz to {channels} of {rate} Hz");
        Err(DecodeError::Unsupported(change))
    }

    /// Continues with the next recording of a chained Ogg file, which starts where the last one ended.
    fn follow_new_stream(&mut self, timeline: &mut Timeline) -> Result<(), DecodeError> {
        self.track = self.demuxer.audio_track()?;
        self.codec = Codec::new(&self.track.params)?;
        let mut samples = Vec::new();
        let first = FirstAudioPacket::find(&mut self.demuxer, &self.track, &mut self.codec, &mut samples)?;
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
            // The declared duration is that of the longest stream.
            let declared =
                self.demuxer.declared_duration(Some(&self.track)).filter(|_| !self.demuxer.has_video());
            return Some(FileTime::at(declared?) - self.zero);
        };
        // An edit list may present any part of the track.
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
            ReadResult::Packet(packet) if packet.track_id == self.track.id => {
                let (position, frames) = self.decode(packet)?;
                timeline.place(position, frames, spans);
            }
            ReadResult::Packet(_) => {}
            ReadResult::End { truncated } => {
                self.stats.truncated |= truncated || self.is_missing_frames();
                return Ok(false);
            }
            ReadResult::NewStream => self.follow_new_stream(timeline)?,
        }
        Ok(true)
    }
}
