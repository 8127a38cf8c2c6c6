//! Parses ffprobe's reports and selects the streams that are used.

use media_time::{FileTime, MediaTime};
use serde::Deserialize;

use crate::Error;
use crate::container::Container;
use crate::frame_format::{FrameFormat, FrameTags, MAX_PIXELS};
use crate::packet::Packet;
use crate::source::{AudioStream, ChannelMix, ProbedSource, StreamInfo, TimeBase, VideoStream};

/// The largest width or height of a frame that is decoded, in pixels.
const MAX_SIDE: u32 = 16_384;
/// Most audio channels that ffmpeg mixes.
const MAX_CHANNELS: u32 = 64;
/// Most channels that are mixed as surround audio when the file declares no layout.
const MAX_SURROUND_CHANNELS: u32 = 8;

#[derive(Debug, Deserialize)]
pub(crate) struct Report {
    #[serde(default)]
    format: Format,
    #[serde(default)]
    streams: Vec<Stream>,
    #[serde(default)]
    pub(crate) packets: Vec<RawPacket>,
    #[serde(default)]
    pub(crate) frames: Vec<RawFrame>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct RawFrame {
    pts: Option<i64>,
    #[serde(default)]
    nb_samples: u32,
}

#[derive(Debug, Default, Deserialize)]
struct Format {
    start_time: Option<String>,
    duration: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Stream {
    index: u32,
    codec_type: Option<String>,
    codec_name: Option<String>,
    width: Option<u32>,
    height: Option<u32>,
    time_base: Option<String>,
    start_pts: Option<i64>,
    duration_ts: Option<i64>,
    avg_frame_rate: Option<String>,
    channels: Option<u32>,
    channel_layout: Option<String>,
    sample_rate: Option<String>,
    #[serde(default)]
    disposition: Disposition,
    #[serde(flatten)]
    frames: FrameTags,
}

#[derive(Debug, Default, Deserialize)]
struct Disposition {
    #[serde(default)]
    attached_pic: u8,
    #[serde(default)]
    default: u8,
}

#[derive(Debug, Deserialize)]
pub(crate) struct RawPacket {
    pub(crate) pts: Option<i64>,
    dts: Option<i64>,
    #[serde(default)]
    duration: i64,
    #[serde(default)]
    flags: String,
}

impl RawPacket {
    pub(crate) fn read(&self, time_base: TimeBase) -> Option<Packet> {
        let pts = self.pts.or(self.dts)?;
        let dts = self.dts.unwrap_or(pts).min(pts);
        // Decoded as a reference for other frames, but not presented.
        let is_discarded = self.flags.contains('D');
        let instant = |ticks| time_base.instant(ticks);
        (!is_discarded).then(|| Packet {
            pts: instant(pts),
            dts: instant(dts),
            end: instant(pts.saturating_add(self.duration)),
            is_keyframe: self.flags.starts_with('K'),
        })
    }
}

impl Report {
    pub(crate) fn source(
        &self,
        container: Container,
        audio_index: Option<usize>,
    ) -> Result<ProbedSource, Error> {
        let time = |text: &Option<String>| {
            text.as_ref().and_then(|text| text.parse().ok()).map(MediaTime::from_secs_f64)
        };
        let video = self.chosen_video();
        let start = time(&self.format.start_time).map(FileTime::at).unwrap_or_default();
        if self.format.start_time.is_none() && self.format.duration.is_none() && self.streams.is_empty() {
            return Err(Error::UndecodableMedia("it has neither video nor audio".to_owned()));
        }
        let source = ProbedSource {
            container,
            start,
            seek_zero: start,
            audio_lag: MediaTime::ZERO,
            duration: time(&self.format.duration),
            video: video.map(|stream| stream.video(container)).transpose()?.flatten(),
            audio: self.chosen_audio(audio_index).and_then(|stream| stream.audio(container)),
        };
        self.check(&source)?;
        Ok(source)
    }

    /// The packets of one stream. In a transport or program stream, a keyframe without a PTS is not one from which decoding
    /// begins: ffmpeg would estimate the times of the frames after it, and it may be presented after the wanted frame.
    pub(crate) fn packets(&self, container: Container, time_base: TimeBase) -> Vec<Packet> {
        let is_exact = container.seeks_to_keyframes();
        let packets = self.packets.iter().filter_map(|raw| {
            let packet = raw.read(time_base)?;
            let is_keyframe = packet.is_keyframe && (is_exact || raw.pts.is_some());
            Some(Packet { is_keyframe, ..packet })
        });
        packets.collect()
    }

    /// Start of the first audio frame. When all frames are a whole number of ticks long, the timestamps of all but the
    /// first are rounded alike, and ffmpeg seeks by them. This is the case for Opus in Matroska, whose first frame
    /// lacks the encoder delay.
    pub(crate) fn first_frame(&self, time_base: TimeBase, rate: u32) -> Option<FileTime> {
        let mut timed =
            self.frames.iter().filter_map(|frame| Some((time_base.instant(frame.pts?), frame.nb_samples)));
        let (first, samples) = timed.next()?;
        let length = |samples: u32| MediaTime::from_samples(i64::from(samples), rate);
        let tick = time_base.tick();
        let drift = timed.next().filter(|(_, samples)| is_whole(length(*samples), tick));
        let drift = drift.map_or(MediaTime::ZERO, |(second, _)| second - first - length(samples));
        Some(if drift.max(MediaTime::ZERO - drift) <= tick { first + drift } else { first })
    }

    fn of_type(&self, codec_type: &'static str) -> impl Iterator<Item = &Stream> {
        self.streams.iter().filter(move |stream| stream.codec_type.as_deref() == Some(codec_type))
    }

    /// The default video stream, else the first; attached cover art (attached_pic) is not video.
    fn chosen_video(&self) -> Option<&Stream> {
        let mut video = self.of_type("video").filter(|stream| stream.disposition.attached_pic == 0);
        let usable: Vec<&Stream> = video.by_ref().filter(|stream| stream.is_decodable()).collect();
        usable.iter().find(|stream| stream.disposition.default != 0).or(usable.first()).copied()
    }

    /// The audio stream of that index if it can be decoded, else the default one, else the first.
    fn chosen_audio(&self, index: Option<usize>) -> Option<&Stream> {
        let wanted = index.and_then(|index| self.of_type("audio").nth(index));
        let usable: Vec<&Stream> = self.of_type("audio").filter(|stream| stream.is_decodable()).collect();
        let default =
            || usable.iter().find(|stream| stream.disposition.default != 0).or(usable.first()).copied();
        wanted.filter(|stream| stream.is_decodable()).or_else(default)
    }

    /// Rejects sources that have only streams of unknown codecs, and audio with too many channels.
    fn check(&self, source: &ProbedSource) -> Result<(), Error> {
        let has_any = source.video.is_some() || source.audio.is_some();
        let unknown = self.streams.iter().find_map(|stream| {
            let kind = stream.codec_type.as_deref().filter(|kind| matches!(*kind, "video" | "audio"))?;
            (!stream.is_decodable()).then_some((kind, stream.index))
        });
        if let Some((kind, index)) = unknown.filter(|_| !has_any) {
            return Err(Error::UndecodableMedia(format!(
                "the codec of its {kind} stream {index} is unknown"
            )));
        }
        match source.audio.as_ref().map(|audio| audio.channels).filter(|channels| *channels > MAX_CHANNELS) {
            Some(channels) => Err(Error::UndecodableMedia(format!(
                "its audio has {channels} channels, more than the {MAX_CHANNELS} that can be mixed"
            ))),
            None => Ok(()),
        }
    }
}

/// Whether a length is a whole number of ticks.
fn is_whole(length: MediaTime, tick: MediaTime) -> bool {
    length.as_micros().checked_rem(tick.as_micros()) == Some(0)
}

impl Stream {
    fn video(&self, container: Container) -> Result<Option<VideoStream>, Error> {
        let size = self.width.zip(self.height).filter(|(width, height)| *width.min(height) > 0);
        let Some((width, height)) = size.filter(|size| !is_too_large(*size)) else {
            let size = size.map_or_else(|| "an unknown size".to_owned(), |(w, h)| format!("{w}×{h} pixels"));
            let detail = format!(
                "frames of its video stream {} have {size}: at most {MAX_PIXELS} pixels, and {MAX_SIDE} a side, \
                 are rendered",
                self.index
            );
            return Err(Error::UndecodableMedia(detail));
        };
        Ok(self.info(container).map(|info| VideoStream {
            info,
            codec: self.codec(),
            fps: self.avg_frame_rate.as_deref().and_then(fraction),
            format: FrameFormat::new(&self.frames, &self.codec(), (width, height)),
        }))
    }

    fn audio(&self, container: Container) -> Option<AudioStream> {
        let channels = self.channels.filter(|channels| *channels > 0)?;
        Some(AudioStream {
            info: self.info(container)?,
            codec: self.codec(),
            channels,
            mix: channel_mix(channels, self.channel_layout.as_deref()),
            sample_rate: self.sample_rate.as_ref()?.parse().ok().filter(|rate| *rate > 0)?,
        })
    }

    fn info(&self, container: Container) -> Option<StreamInfo> {
        let time_base = TimeBase::parse(self.time_base.as_deref()?)?;
        let start = self.start_pts.map(|ticks| time_base.instant(ticks));
        let end = self.start_pts.zip(self.duration_ts);
        // In other containers ffprobe estimates the end from the size of the file.
        let end = end.filter(|_| container == Container::MOV);
        let end = end.map(|(start, duration)| time_base.instant(start.saturating_add(duration)));
        Some(StreamInfo { index: self.index, time_base, start, end })
    }

    /// Whether ffprobe knows the codec.
    fn is_decodable(&self) -> bool {
        !matches!(self.codec_name.as_deref(), None | Some("unknown" | "none"))
    }

    fn codec(&self) -> String {
        self.codec_name.clone().unwrap_or_else(|| "unknown".to_owned())
    }
}

fn is_too_large((width, height): (u32, u32)) -> bool {
    width.max(height) > MAX_SIDE || u64::from(width) * u64::from(height) > u64::from(MAX_PIXELS)
}

fn channel_mix(channels: u32, layout: Option<&str>) -> ChannelMix {
    // ffprobe writes `9 channels` for a count without a layout.
    let is_named = |layout: &str| layout != "unknown" && !layout.contains("channels");
    let is_ambisonic = layout.is_some_and(|layout| layout.starts_with("ambisonic"));
    match channels > MAX_SURROUND_CHANNELS && !layout.is_some_and(is_named) || is_ambisonic {
        true => ChannelMix::FirstTwo,
        false => ChannelMix::ByLayout,
    }
}

/// A fraction such as `30000/1001` as a number; `None` unless it is positive.
fn fraction(text: &str) -> Option<f64> {
    let (numerator, denominator) = text.split_once('/')?;
    let value = numerator.parse::<f64>().ok()? / denominator.parse::<f64>().ok()?;
    Some(value).filter(|value| value.is_finite() && *value > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ProbedSource, Error> {
        serde_json::from_str::<Report>(text).unwrap().source(Container { demuxer: "mov" }, None)
    }

    #[test]
    fn attached_cover_art_is_skipped() {
        let source = read(
            r#"{"streams": [
                {"index": 0, "codec_type": "video", "codec_name": "mjpeg", "width": 600, "height": 600,
                 "time_base": "1/90000", "disposition": {"attached_pic": 1}},
                {"index": 1, "codec_type": "audio", "codec_name": "aac", "time_base": "1/48000",
                 "channels": 6, "sample_rate": "48000"},
                {"index": 2, "codec_type": "data"}],
               "format": {"start_time": "1.400000", "duration": "60.000000"}}"#,
        )
        .unwrap();
        assert_eq!(source.video, None);
        assert_eq!(source.audio.unwrap().channels, 6);
        assert_eq!(source.start, FileTime::from_millis(1_400));
    }

    #[test]
    fn keyframes_of_program_streams_need_a_pts() {
        let report: Report = serde_json::from_str(
            r#"{"packets": [{"pts": 900, "dts": 900, "flags": "K_"}, {"dts": 4500, "flags": "K_"}]}"#,
        )
        .unwrap();
        let keyframes = |demuxer| {
            let packets = report.packets(Container { demuxer }, TimeBase::parse("1/90000").unwrap());
            packets.iter().filter(|packet| packet.is_keyframe).map(|packet| packet.pts).collect::<Vec<_>>()
        };
        let ms = FileTime::from_millis;
        assert_eq!(keyframes("mpeg"), [ms(10)]);
        // AVI files store no PTS.
        assert_eq!(keyframes("avi"), [ms(10), ms(50)]);
    }

    #[test]
    fn frames_beyond_the_pixel_limit_are_refused() {
        let sized = |(width, height): (u32, u32)| {
            read(&format!(
                r#"{{"streams": [{{"index": 0, "codec_type": "video", "codec_name": "h264", "width": {width},
                    "height": {height}, "time_base": "1/25"}}], "format": {{"duration": "1"}}}}"#
            ))
        };
        for size in [(65_535, 8), (16_000, 16_000), (8_192, 4_322), (u32::MAX, u32::MAX)] {
            let error = sized(size).unwrap_err().to_string();
            assert!(error.contains("35389440"), "{size:?}: {error}");
        }
        for size in [(8_192, 4_320), (4_320, 8_192), (7_680, 4_320), (16_384, 2_160)] {
            assert!(sized(size).unwrap().video.is_some(), "{size:?}");
        }
        // ffprobe reports no size for frames that its decoder rejected.
        assert!(matches!(sized((0, 0)), Err(Error::UndecodableMedia(_))));
    }

    #[test]
    fn streams_of_unknown_codecs_are_skipped_or_named() {
        let video = r#"{"index": 0, "codec_type": "video", "width": 160, "height": 90, "time_base": "1/25"}"#;
        let audio = r#"{"index": 1, "codec_type": "audio", "codec_name": "unknown", "channels": 2,
            "sample_rate": "48000", "time_base": "1/48000"}"#;
        let known = audio.replace("unknown", "aac");
        let file =
            |streams: &str| read(&format!(r#"{{"streams": [{streams}], "format": {{"duration": "1"}}}}"#));
        let source = file(&format!("{video},{known}")).unwrap();
        assert_eq!((source.video, source.audio.unwrap().codec.as_str()), (None, "aac"));
        for (streams, named) in [
            (video.to_owned(), "video stream 0"),
            (audio.to_owned(), "audio stream 1"),
            (format!(r#"{{"index": 7, "codec_type": "data"}},{audio}"#), "audio stream 1"),
        ] {
            let error = file(&streams).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn many_channels_without_a_layout_are_not_mixed() {
        for (channels, layout, expected) in [
            (2, Some("stereo"), ChannelMix::ByLayout),
            (6, None, ChannelMix::ByLayout),
            (8, Some("unknown"), ChannelMix::ByLayout),
            (9, None, ChannelMix::FirstTwo),
            (27, Some("27 channels"), ChannelMix::FirstTwo),
            (24, Some("22.2"), ChannelMix::ByLayout),
            (16, Some("hexadecagonal"), ChannelMix::ByLayout),
            (4, Some("ambisonic 1"), ChannelMix::FirstTwo),
        ] {
            assert_eq!(channel_mix(channels, layout), expected, "{channels} {layout:?}");
        }
        let many = r#"{"streams": [{"index": 0, "codec_type": "audio", "codec_name": "pcm_s16le",
            "channels": 65, "sample_rate": "48000", "time_base": "1/48000"}], "format": {"duration": "1"}}"#;
        let error = read(many).unwrap_err().to_string();
        assert!(error.contains("65 channels, more than the 64"), "{error}");
    }
}
