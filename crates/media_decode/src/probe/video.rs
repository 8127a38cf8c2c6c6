//! The video of a file, as its container describes it.

use std::cmp::Ordering;

use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::video::{VideoCodecParameters, well_known as id};
use symphonia::core::formats::TrackType;

use crate::DecodeError;
use crate::native::{Demuxer, Movie, MovieTrack, Mp4TrackKind, ReadResult};

/// A video stream, as its container describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct VideoInfo {
    /// Short name of the codec, e.g. `h264`.
    pub codec: String,
    /// Width in pixels, if declared.
    pub width: Option<u32>,
    /// Height in pixels, if declared.
    pub height: Option<u32>,
    /// Mean frame rate in frames per second, if known.
    pub fps: Option<f64>,
}

impl VideoInfo {
    /// The video stream of an open container that is used.
    pub(super) fn of(demuxer: &mut Demuxer) -> Result<Option<Self>, DecodeError> {
        match &demuxer.movie {
            Some(movie) => Ok(movie_video(movie).map(Self::of_movie)),
            None => Self::of_stream(demuxer),
        }
    }

    fn of_movie(track: &MovieTrack) -> Self {
        let size = |pixels: u32| Some(pixels).filter(|pixels| *pixels > 0);
        let codec = match &track.codec {
            b"avc1" | b"avc3" => "h264".to_owned(),
            b"hvc1" | b"hev1" | b"dvh1" | b"dvhe" => "hevc".to_owned(),
            b"av01" => "av1".to_owned(),
            b"vp08" => "vp8".to_owned(),
            b"vp09" => "vp9".to_owned(),
            b"mp4v" => "mpeg4".to_owned(),
            b"jpeg" | b"mjpa" | b"mjpb" => "mjpeg".to_owned(),
            [b'a', b'p', ..] => "prores".to_owned(),
            other => String::from_utf8_lossy(other).trim().to_lowercase(),
        };
        Self { codec, width: size(track.width), height: size(track.height), fps: movie_fps(track) }
    }

    fn of_stream(demuxer: &mut Demuxer) -> Result<Option<Self>, DecodeError> {
        let found = demuxer.tracks().iter().find(|track| track.track_type() == Some(TrackType::Video));
        let Some((track, Some(CodecParameters::Video(params)))) =
            found.map(|track| (track.id, track.codec_params.clone()))
        else {
            return Ok(None);
        };
        let declared = demuxer.default_frame_duration(track).map(|ns| 1e9 / ns as f64).map(standard_rate);
        let fps = match declared {
            Some(fps) => Some(fps),
            None => measure_fps(demuxer, track)?,
        };
        let size = |pixels: Option<u16>| pixels.map(u32::from).filter(|pixels| *pixels > 0);
        let codec = codec_name(&params).to_owned();
        Ok(Some(Self { codec, width: size(params.width), height: size(params.height), fps }))
    }
}

/// The video track of an MP4 file that is used: the first that is enabled, else the first.
pub(super) fn movie_video(movie: &Movie) -> Option<&MovieTrack> {
    let video = || movie.tracks.iter().filter(|track| track.kind == Mp4TrackKind::Video);
    video().find(|track| track.is_enabled).or_else(|| video().next())
}

fn movie_fps(track: &MovieTrack) -> Option<f64> {
    let seconds = track.duration as f64 / f64::from(track.timescale);
    Some(track.samples as f64 / seconds).filter(|fps| fps.is_finite() && *fps > 0.0)
}

/// Measures the frame rate from the PTS of some seconds of frames, because Matroska need not declare it.
fn measure_fps(demuxer: &mut Demuxer, track: u32) -> Result<Option<f64>, DecodeError> {
    const PACKETS: usize = 1_024;
    const FRAMES: usize = 300;
    /// Frames that may be presented later than frames that follow them in the file.
    const REORDERED: usize = 32;
    let mut times = Vec::with_capacity(FRAMES);
    let mut is_whole = false;
    for _ in 0..PACKETS {
        let ReadResult::Packet(packet) = demuxer.next_packet()? else {
            is_whole = true;
            break;
        };
        if packet.track_id == track {
            times.extend(demuxer.seconds(&packet, TrackType::Video));
        }
        if times.len() == FRAMES {
            break;
        }
    }
    times.sort_by(f64::total_cmp);
    // Among the last frames read, some that are presented earlier may still be missing.
    let complete = if is_whole { times.len() } else { times.len().saturating_sub(REORDERED) };
    let [first, .., last] = &times[..complete] else { return Ok(None) };
    let fps = (complete - 1) as f64 / (last - first);
    Ok(Some(standard_rate(fps)).filter(|fps| fps.is_finite() && *fps > 0.0))
}

/// The standard frame rate that equals `fps` within the rounding of millisecond timestamps, else `fps`.
fn standard_rate(fps: f64) -> f64 {
    const USUAL: [f64; 9] =
        [24_000.0 / 1_001.0, 24.0, 25.0, 30_000.0 / 1_001.0, 30.0, 50.0, 60_000.0 / 1_001.0, 60.0, 15.0];
    let distance = |usual: &f64| (fps / usual - 1.0).abs();
    let nearest =
        USUAL.into_iter().min_by(|a, b| distance(a).partial_cmp(&distance(b)).unwrap_or(Ordering::Equal));
    nearest.filter(|usual| distance(usual) < 4e-4).unwrap_or(fps)
}

fn codec_name(params: &VideoCodecParameters) -> &'static str {
    match params.codec {
        id::CODEC_ID_H264 => "h264",
        id::CODEC_ID_HEVC => "hevc",
        id::CODEC_ID_AV1 => "av1",
        id::CODEC_ID_VP8 => "vp8",
        id::CODEC_ID_VP9 => "vp9",
        id::CODEC_ID_THEORA => "theora",
        id::CODEC_ID_MPEG1 => "mpeg1video",
        id::CODEC_ID_MPEG2 => "mpeg2video",
        id::CODEC_ID_MPEG4 => "mpeg4",
        id::CODEC_ID_MJPEG => "mjpeg",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_rates_are_rounded_to_close_standard_rates() {
        assert_eq!(standard_rate(29.968), 30_000.0 / 1_001.0);
        assert_eq!(standard_rate(30.002), 30.0);
        assert_eq!(standard_rate(12.3), 12.3);
    }
}
