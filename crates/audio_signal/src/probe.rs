//! What a file is, told from its content without decoding it.

use std::io::{self, Read, Seek};

use media_time::MediaTime;
use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::video::{VideoCodecParameters, well_known as id};
use symphonia::core::formats::TrackType;

use crate::SignalError;
use crate::decode::Source;
use crate::decode::codec::codec_name;
use crate::decode::demux::{AudioTrack, Demuxer, Fetched};
use crate::decode::mp4::{Movie, MovieTrack, TrackKind};

/// What a file is.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// Pictures that move, sound, one picture, or anything else.
    pub kind: MediaKind,
    /// Short name of the container, e.g. `isomp4`, `matroska`, `wave`; `None` for one that is not read here.
    pub container: Option<String>,
    /// The duration its header tells; `None` when there is none, or only an estimate (MP3, ADTS, Ogg). Decoding
    /// tells the exact one.
    pub duration: Option<MediaTime>,
    /// The sound that [`crate::decode::Decoder`] would decode; its codec may be one that is not supported.
    pub audio: Option<AudioInfo>,
    /// The first track of pictures.
    pub video: Option<VideoInfo>,
}

/// The kind of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaKind {
    /// Sound only.
    Audio,
    /// Moving pictures, with or without sound.
    Video,
    /// One picture.
    Image,
    /// Anything else.
    Other,
}

/// A track of sound, as its header describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioInfo {
    /// Short name of the codec, e.g. `aac`.
    pub codec: String,
    /// Hz.
    pub rate: Option<u32>,
    /// Number of channels.
    pub channels: Option<u16>,
}

/// A track of pictures, as its header describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct VideoInfo {
    /// Short name of the codec, e.g. `h264`.
    pub codec: String,
    /// Pixels.
    pub width: Option<u32>,
    /// Pixels.
    pub height: Option<u32>,
    /// Mean rate of pictures, per second.
    pub fps: Option<f64>,
}

/// Tells what `source` is. Reads headers, and of a Matroska file some seconds of pictures to count them.
///
/// # Errors
/// [`SignalError::Io`] when the source fails. A file that cannot be read as a recording is no error: its kind
/// is then told from its first bytes, and nothing else of it is known.
pub fn probe(mut source: impl Source + 'static) -> Result<Probe, SignalError> {
    let signature = Signature::read(&mut source)?;
    source.rewind()?;
    if signature.kind == Some(MediaKind::Image) {
        return Ok(signature.unread());
    }
    match Demuxer::open(Box::new(source)) {
        Ok(demuxer) => read_tracks(demuxer),
        Err(error @ SignalError::Io(_)) => Err(error),
        Err(_) => Ok(signature.unread()),
    }
}

fn read_tracks(mut demuxer: Demuxer) -> Result<Probe, SignalError> {
    let track = demuxer.audio_track().ok();
    let video = match &demuxer.movie {
        Some(movie) => movie_pictures(movie),
        None => stream_pictures(&mut demuxer)?,
    };
    let kind = match (&video, &track) {
        (Some(_), _) => MediaKind::Video,
        (None, Some(_)) => MediaKind::Audio,
        (None, None) => MediaKind::Other,
    };
    Ok(Probe {
        kind,
        container: Some(demuxer.name.to_owned()),
        duration: demuxer.told_duration(track.as_ref()),
        audio: track.as_ref().map(AudioInfo::new),
        video,
    })
}

impl AudioInfo {
    fn new(track: &AudioTrack) -> Self {
        let channels = track.params.channels.as_ref().map(symphonia::core::audio::Channels::count);
        Self {
            codec: codec_name(&track.params),
            rate: track.params.sample_rate,
            channels: channels.and_then(|count| u16::try_from(count).ok()).filter(|count| *count > 0),
        }
    }
}

fn movie_pictures(movie: &Movie) -> Option<VideoInfo> {
    let track = movie.tracks.iter().find(|track| track.kind == TrackKind::Video)?;
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
    Some(VideoInfo { codec, width: size(track.width), height: size(track.height), fps: movie_fps(track) })
}

fn movie_fps(track: &MovieTrack) -> Option<f64> {
    let seconds = track.duration as f64 / f64::from(track.timescale);
    Some(track.samples as f64 / seconds).filter(|fps| fps.is_finite() && *fps > 0.0)
}

fn stream_pictures(demuxer: &mut Demuxer) -> Result<Option<VideoInfo>, SignalError> {
    let found = demuxer.tracks().iter().find(|track| track.track_type() == Some(TrackType::Video));
    let Some((track, Some(CodecParameters::Video(params)))) =
        found.map(|track| (track.id, track.codec_params.clone()))
    else {
        return Ok(None);
    };
    let fps = measure_fps(demuxer, track)?;
    let size = |pixels: Option<u16>| pixels.map(u32::from).filter(|pixels| *pixels > 0);
    let codec = video_codec_name(&params).to_owned();
    Ok(Some(VideoInfo { codec, width: size(params.width), height: size(params.height), fps }))
}

/// Counts pictures over some seconds: Matroska need not tell their rate.
fn measure_fps(demuxer: &mut Demuxer, track: u32) -> Result<Option<f64>, SignalError> {
    const PACKETS: usize = 1_024;
    const PICTURES: usize = 300;
    let mut times = Vec::with_capacity(PICTURES);
    for _ in 0..PACKETS {
        let Fetched::Packet(packet) = demuxer.next_packet()? else {
            break;
        };
        if packet.track_id == track {
            times.extend(demuxer.seconds(&packet, TrackType::Video));
        }
        if times.len() == PICTURES {
            break;
        }
    }
    let first = times.iter().copied().min_by(f64::total_cmp);
    let last = times.iter().copied().max_by(f64::total_cmp);
    let Some(length) = first.zip(last).map(|(first, last)| last - first).filter(|length| *length > 0.0)
    else {
        return Ok(None);
    };
    Ok(Some(standard_rate((times.len() - 1) as f64 / length)))
}

/// The usual rate within the rounding of millisecond timestamps of `fps`, else `fps`.
fn standard_rate(fps: f64) -> f64 {
    const USUAL: [f64; 9] =
        [24_000.0 / 1_001.0, 24.0, 25.0, 30_000.0 / 1_001.0, 30.0, 50.0, 60_000.0 / 1_001.0, 60.0, 15.0];
    USUAL.into_iter().find(|usual| (fps / usual - 1.0).abs() < 4e-4).unwrap_or(fps)
}

fn video_codec_name(params: &VideoCodecParameters) -> &'static str {
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

/// What the first bytes of a file say.
struct Signature {
    kind: Option<MediaKind>,
}

impl Signature {
    fn read(source: &mut (impl Read + Seek)) -> io::Result<Self> {
        let mut bytes = Vec::new();
        source.take(512).read_to_end(&mut bytes)?;
        Ok(Self { kind: kind_of(&bytes) })
    }

    /// All that is known of a file that no demuxer reads.
    fn unread(self) -> Probe {
        let kind = self.kind.unwrap_or(MediaKind::Other);
        Probe { kind, container: None, duration: None, audio: None, video: None }
    }
}

/// Kinds of files that begin with a signature, whether or not they are decoded here.
fn kind_of(bytes: &[u8]) -> Option<MediaKind> {
    let at = |offset: usize, magic: &[u8]| bytes.get(offset..).is_some_and(|rest| rest.starts_with(magic));
    let is_image = at(0, b"\x89PNG\r\n\x1a\n")
        || at(0, b"\xff\xd8\xff")
        || at(0, b"GIF8")
        || at(0, b"BM") && at(6, &[0; 4])
        || at(0, b"II*\0")
        || at(0, b"MM\0*")
        || at(0, b"RIFF") && at(8, b"WEBP")
        || at(4, b"ftyp") && [b"avif", b"avis", b"heic", b"heix", b"mif1"].iter().any(|brand| at(8, *brand));
    let is_video = at(0, b"RIFF") && at(8, b"AVI ")
        || at(0, b"FLV\x01")
        || at(0, b"\x00\x00\x01\xba")
        || at(0, b"\x00\x00\x01\xb3")
        || at(0, b"\x47") && at(188, b"\x47") && at(376, b"\x47")
        || at(4, b"ftyp")
        || at(0, b"\x1a\x45\xdf\xa3");
    let is_audio = at(0, b"RIFF") && at(8, b"WAVE")
        || at(0, b"RF64")
        || at(0, b"FORM") && at(8, b"AIF")
        || at(0, b"fLaC")
        || at(0, b"OggS")
        || at(0, b"caff")
        || at(0, b"ID3")
        || at(0, b"#!AMR");
    match (is_image, is_video, is_audio) {
        (true, _, _) => Some(MediaKind::Image),
        (_, true, _) => Some(MediaKind::Video),
        (_, _, true) => Some(MediaKind::Audio),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(bytes: &[u8]) -> MediaKind {
        probe(io::Cursor::new(bytes.to_vec())).unwrap().kind
    }

    #[test]
    fn pictures_and_anything_else_are_told_by_their_bytes() {
        assert_eq!(kind(b"\x89PNG\r\n\x1a\n and so on"), MediaKind::Image);
        assert_eq!(kind(b"\xff\xd8\xff\xe0..JFIF"), MediaKind::Image);
        assert_eq!(kind(b""), MediaKind::Other);
        assert_eq!(kind(b"plain text"), MediaKind::Other);
        assert_eq!(kind(b"RIFF....AVI LIST"), MediaKind::Video);
    }

    #[test]
    fn rates_are_those_of_the_standards_when_close() {
        assert_eq!(standard_rate(29.968), 30_000.0 / 1_001.0);
        assert_eq!(standard_rate(30.002), 30.0);
        assert_eq!(standard_rate(12.3), 12.3);
    }
}
