//! The first packet of a track that decodes to samples, and what it shows about the codec.

use symphonia::core::audio::AudioSpec;
use symphonia::core::codecs::audio::well_known::{CODEC_ID_AAC, CODEC_ID_MP3};
use symphonia::core::formats::TrackType;
use symphonia::core::units::Timestamp;

use super::MAX_DAMAGED;
use crate::native::aac::rate_index;
use crate::native::aac_elements::frame_has_sbr;
use crate::native::audio_track::AudioTrack;
use crate::native::codec::{Codec, Decoded};
use crate::native::demux::{Demuxer, ReadResult};
use crate::{DecodeError, DecodeStats};

/// The first packet of a track that decodes to samples.
pub(super) struct FirstAudioPacket {
    /// PTS of the track's first packet.
    pub(super) start: Timestamp,
    /// PTS of this packet.
    pub(super) time: Timestamp,
    pub(super) frames: usize,
    pub(super) spec: AudioSpec,
    pub(super) stats: DecodeStats,
    /// Smallest PTS of the video packets before it, in seconds.
    pub(super) video_seconds: Option<f64>,
    /// The actual codec, if it differs from the declared one and symphonia does not decode it.
    pub(super) ffmpeg_only: Option<&'static str>,
}

impl FirstAudioPacket {
    pub(super) fn find(
        demuxer: &mut Demuxer,
        track: &AudioTrack,
        codec: &mut Codec,
        samples: &mut Vec<f32>,
    ) -> Result<Self, DecodeError> {
        let mut stats = DecodeStats::default();
        let (mut start, mut video_seconds): (_, Option<f64>) = (None, None);
        while stats.damaged_packets < MAX_DAMAGED {
            let ReadResult::Packet(mut packet) = demuxer.next_packet()? else {
                break;
            };
            let time = packet.pts;
            if packet.track_id != track.id {
                let pts = demuxer.seconds(&packet, TrackType::Video);
                video_seconds = pts.into_iter().chain(video_seconds).min_by(f64::total_cmp);
                continue;
            }
            let ffmpeg_only = ffmpeg_only(track, &packet.data);
            if ffmpeg_only.is_some_and(|what| what != HE_AAC) {
                let spec = AudioSpec::new(0, symphonia::core::audio::Channels::Discrete(0));
                return Ok(Self { start: time, time, frames: 0, spec, stats, video_seconds, ffmpeg_only });
            }
            match codec.decode(&mut packet, samples) {
                Decoded::Frames { count, spec, bad_samples } if count > 0 => {
                    stats.bad_samples = bad_samples;
                    let start = start.unwrap_or(time);
                    return Ok(Self { start, time, frames: count, spec, stats, video_seconds, ffmpeg_only });
                }
                // The first packet of Vorbis yields no samples: it only prepares the overlap with the next.
                Decoded::Frames { .. } => {}
                Decoded::Damaged => {
                    stats.damaged_packets += 1;
                    start.get_or_insert(time);
                }
            }
        }
        let what = match stats.damaged_packets {
            0 => format!("the {} file contains no audio", demuxer.name),
            count => format!("none of its first {count} packets can be decoded as {}", codec.name),
        };
        Err(DecodeError::Undecodable(what))
    }
}

/// HE-AAC, whose upper band need not be signalled outside of its frames.
const HE_AAC: &str = "HE-AAC";

/// The actual codec of a frame, if it differs from the one that the container declares.
fn ffmpeg_only(track: &AudioTrack, frame: &[u8]) -> Option<&'static str> {
    match track.params.codec {
        CODEC_ID_AAC => {
            let rate = track.params.sample_rate.and_then(rate_index)?;
            frame_has_sbr(frame, rate).then_some(HE_AAC)
        }
        // MP4 has one object type for all layers (ISO/IEC 14496-1, 0x6b).
        CODEC_ID_MP3 => match frame {
            [0xff, second, ..] if second & 0xe0 == 0xe0 && second & 0x06 != 0x02 => {
                Some("MPEG audio layer II")
            }
            _ => None,
        },
        _ => None,
    }
}
