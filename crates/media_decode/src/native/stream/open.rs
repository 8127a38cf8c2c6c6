//! Opens a stream: chooses the track and its decoder, decodes the first packet and computes the presentation.

use symphonia::core::codecs::audio::well_known::CODEC_ID_AAC;
use symphonia::core::units::Timestamp;

use super::PacketStream;
use super::first_packet::FirstAudioPacket;
use crate::native::codec::Codec;
use crate::native::demux::Demuxer;
use crate::native::presentation::{Presentation, StartTimes, exact_first};
use crate::native::streams;
use crate::packet_clock::PacketClock;
use crate::{AudioFormat, DecodeError, FileFormat, Source};

/// The result of opening a file of a native format.
pub(crate) enum Opened {
    /// The audio is decoded in this process.
    Native { index: usize, stream: Box<PacketStream>, presentation: Presentation },
    /// The audio stream of that index needs ffmpeg; `what` names its codec or format.
    NeedsFfmpeg { index: usize, what: String },
}

impl PacketStream {
    /// Opens the audio stream `wanted`, or the default one when it is `None`, decodes its first packet and computes its
    /// presentation.
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
            return Ok(Opened::NeedsFfmpeg { index, what });
        }
        let stream = streams.swap_remove(index);
        let is_other = wanted.is_none() && stream.track.as_ref().map(|track| track.id) != symphonias;
        let is_repaired = stream.is_repaired || demuxer.is_repaired || is_other;
        let (track, what) = match (stream.track, stream.ffmpeg_only) {
            (Some(track), None) => (track, stream.codec),
            (_, what) => return Ok(Opened::NeedsFfmpeg { index, what: what.unwrap_or(stream.codec) }),
        };
        let mut codec = match Codec::new(&track.params) {
            Err(DecodeError::Unsupported(_)) => return Ok(Opened::NeedsFfmpeg { index, what }),
            // Some encoders write truncated AAC configurations; ffmpeg reads these.
            Err(DecodeError::Undecodable(_)) if track.params.codec == CODEC_ID_AAC => {
                return Ok(Opened::NeedsFfmpeg { index, what });
            }
            codec => codec?,
        };
        let mut samples = Vec::new();
        let first = FirstAudioPacket::find(&mut demuxer, &track, &mut codec, &mut samples)?;
        if let Some(what) = first.ffmpeg_only {
            return Ok(Opened::NeedsFfmpeg { index, what: what.to_owned() });
        }
        let format = AudioFormat::new(&first.spec, codec.name)?;
        let at = |time: Timestamp| track.to_samples(time, format.rate);
        let start = StartTimes {
            container: demuxer.container,
            track: &track,
            movie: demuxer.movie.as_ref(),
            first: exact_first(demuxer.container, &track, at(first.start), format.rate),
            first_video_frame: first
                .video_seconds
                .map(|seconds| (seconds * f64::from(format.rate)).round() as i64),
            rate: format.rate,
        };
        let presentation = start.presentation()?;
        let zero = presentation.zero_at(format.rate);
        let mut clock = PacketClock::new(format.rate);
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
        Ok(Opened::Native { index, stream: Box::new(stream), presentation })
    }
}
