//! What a source holds, as ffprobe tells it.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use media_decode::{Decoder, DecoderKind};
use media_time::MediaTime;
use serde::Deserialize;

use crate::container::Container;
use crate::frame_format::{FrameFormat, FrameTags};
use crate::{Error, fault};
use confined_process::{Limits, ToolError};

/// How long ffprobe may take, and how much it may say: two hours of packets at 60 pictures a second are 20 MB.
const TIME_LIMIT: Duration = Duration::from_secs(120);
const MAX_OUTPUT: u64 = 64 << 20;
/// What looking at a file may use: headers and packets, no frames.
pub(crate) const LIMITS: Limits = Limits { memory_bytes: 4 << 30 };
/// The longest side of a frame that is decoded, in pixels.
const MAX_SIDE: u32 = 16_384;
/// The largest frame that is decoded, in pixels: 8K DCI. ffmpeg holds a dozen of them at once.
pub(crate) const MAX_PIXELS: u32 = 8_192 * 4_320;
/// The most audio channels that ffmpeg mixes.
const MAX_CHANNELS: u32 = 64;
/// The most channels that are mixed as surround sound where the file names no layout.
const MAX_SURROUND_CHANNELS: u32 = 8;

/// What is known of a source before it is rendered. Times here are the file's own: those that ffmpeg reports.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Source {
    pub(crate) container: Container,
    /// Time zero of the asset.
    pub(crate) start: MediaTime,
    /// Where ffmpeg counts seek positions from: the begin of the earliest stream of any kind.
    pub(crate) seek_zero: MediaTime,
    /// How much later than the video's the audio's own times are: containers round them, or leave encoder delay to the
    /// decoder.
    pub(crate) audio_lag: MediaTime,
    pub(crate) duration: Option<MediaTime>,
    pub(crate) video: Option<VideoStream>,
    pub(crate) audio: Option<AudioStream>,
}

impl Source {
    /// The file's own time at its end, as far as it is declared.
    pub(crate) fn end(&self) -> Option<MediaTime> {
        Some(self.start + self.duration?)
    }

    /// How the audio is found in the file.
    pub(crate) fn audio_access(&self) -> AudioAccess {
        let codec = self.audio.as_ref().map_or("", |audio| audio.codec.as_str());
        match (self.container.demuxer, codec) {
            ("wav", codec) if codec.starts_with("adpcm") => AudioAccess::FromBeginning,
            ("mpeg", "pcm_dvd") | ("avi", "dts") => AudioAccess::Counted,
            _ => AudioAccess::Seeking,
        }
    }

    /// Aligns the file's own times with the timeline of the asset, as the decoder defines it.
    /// `first` is when the unit of audio that [`Alignment::first`] is about begins.
    pub(crate) fn align(&mut self, alignment: &Alignment, first: Option<MediaTime>) {
        let end = self.end();
        self.start = alignment.zero;
        self.duration = end.map(|end| end - self.start);
        // Further apart, they are of different clocks.
        const FURTHEST: MediaTime = MediaTime::from_millis(250);
        let lag = first.zip(alignment.first.time()).map(|(first, time)| first - time - self.start);
        let lag = lag.unwrap_or_default();
        self.audio_lag = if lag.max(MediaTime::ZERO - lag) <= FURTHEST { lag } else { MediaTime::ZERO };
    }

    /// Without audio, the video alone begins at zero.
    pub(crate) fn align_to_video(&mut self) {
        let Some(start) = self.video.as_ref().and_then(|video| video.track.start) else { return };
        let end = self.end();
        self.start = start;
        self.duration = end.map(|end| end - start);
    }
}

/// Where the audio of an asset is on its timeline, and which stream it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Alignment {
    /// Its index among the audio streams.
    pub(crate) audio_index: usize,
    /// Timeline zero on the clock of the container.
    pub(crate) zero: MediaTime,
    /// What of its audio is known, from timeline zero.
    pub(crate) first: First,
}

/// How ffmpeg finds an instant of the audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AudioAccess {
    /// By seeking and timestamps.
    Seeking,
    /// From the beginning on: it delivers other audio after seeking.
    FromBeginning,
    /// From the beginning on, and by counting samples: its timestamps are wrong.
    Counted,
}

/// Which unit of audio tells how far ffmpeg's clock is off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum First {
    /// The first packet; ffmpeg may or may not drop what its encoder put before the audio.
    Packet(MediaTime),
    /// The first decoded frame, where ffmpeg leaves out packets before an edit.
    Frame(MediaTime),
    /// None: ffmpeg's own clock was used.
    Same,
}

impl First {
    const fn time(self) -> Option<MediaTime> {
        match self {
            Self::Packet(time) | Self::Frame(time) => Some(time),
            Self::Same => None,
        }
    }
}

impl Alignment {
    /// As `decoder` decodes it.
    pub(crate) fn of(decoder: &Decoder) -> Self {
        Self {
            audio_index: decoder.audio_index(),
            zero: decoder.zero(),
            first: match (decoder.kind(), decoder.first_packet()) {
                (DecoderKind::Ffmpeg(_), _) => First::Same,
                (DecoderKind::Native, Some(first)) => First::Packet(first),
                (DecoderKind::Native, None) => First::Frame(decoder.audio_start()),
            },
        }
    }
}

/// What is needed to find the packets of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Track {
    pub(crate) index: u32,
    pub(crate) time_base: TimeBase,
    /// When it begins in the file's own time.
    pub(crate) start: Option<MediaTime>,
    /// When it ends in the file's own time, by the file's index of all packets; none without such an index.
    pub(crate) end: Option<MediaTime>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct VideoStream {
    pub(crate) track: Track,
    pub(crate) codec: String,
    /// Mean rate, pictures a second.
    pub(crate) fps: Option<f64>,
    pub(crate) format: FrameFormat,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AudioStream {
    pub(crate) track: Track,
    pub(crate) codec: String,
    pub(crate) channels: u32,
    pub(crate) sample_rate: u32,
    pub(crate) mix: ChannelMix,
}

/// How channels become stereo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChannelMix {
    /// By the channel layout, or by ffmpeg's default layout for so many channels.
    ByLayout,
    /// The first two: many channels without a layout are separate microphones, which ffmpeg refuses to mix.
    FirstTwo,
}

/// Seconds of one tick of a stream's clock: a positive fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeBase {
    pub(crate) numerator: NonZeroU32,
    pub(crate) denominator: NonZeroU32,
}

impl TimeBase {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (numerator, denominator) = text.split_once('/')?;
        Some(Self { numerator: numerator.parse().ok()?, denominator: denominator.parse().ok()? })
    }

    /// The instant of `ticks`, rounded to the microsecond as ffmpeg's `settb` does: halves away from zero.
    pub(crate) fn instant(self, ticks: i64) -> MediaTime {
        let (numerator, denominator) = (i128::from(self.numerator.get()), i128::from(self.denominator.get()));
        let scaled = i128::from(ticks.unsigned_abs()) * numerator * 1_000_000;
        let micros = (2 * scaled + denominator) / (2 * denominator);
        let micros = i64::try_from(micros).unwrap_or(i64::MAX);
        MediaTime::from_micros(if ticks < 0 { -micros } else { micros })
    }

    /// How far apart two instants may be told because each is rounded to a tick.
    pub(crate) fn tick(self) -> MediaTime {
        self.instant(1)
    }
}

/// The programs that look at media and make them.
#[derive(Clone, Debug)]
pub(crate) struct Prober {
    pub(crate) ffprobe: PathBuf,
}

/// One packet of pictures or sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Packet {
    /// When its picture is shown.
    pub(crate) shown: MediaTime,
    /// When it is decoded, never after it is shown.
    pub(crate) decoded: MediaTime,
    /// Until when its picture is shown, as far as the file tells; else when it begins to be.
    pub(crate) end: MediaTime,
    pub(crate) is_key: bool,
}

/// Options that hold ffmpeg and ffprobe to one file and one demuxer.
pub(crate) fn confined(container: Container) -> [&'static str; 6] {
    ["-protocol_whitelist", "file,pipe", "-format_whitelist", container.demuxer, "-f", container.demuxer]
}

impl Prober {
    /// What the file at `path` holds; `audio_index` is the audio stream that is used, else the default one.
    ///
    /// # Errors
    /// [`Error::UndecodableMedia`] for a file that ffprobe cannot read; [`Error::Tool`].
    pub(crate) async fn probe(
        &self,
        path: &Path,
        container: Container,
        audio_index: Option<usize>,
    ) -> Result<Source, Error> {
        const ENTRIES: &str = "format=start_time,duration:stream=index,codec_type,codec_name,width,height,\
            time_base,start_pts,duration_ts,avg_frame_rate,channels,channel_layout,sample_rate";
        let entries = format!(
            "{ENTRIES},{}:stream_disposition=attached_pic,default:stream_tags={}",
            FrameTags::STREAM_ENTRIES,
            FrameTags::TAG_ENTRIES
        );
        let report: Report = self.run(path, container, &["-show_entries", &entries]).await?;
        report.source(container, audio_index)
    }

    /// When the first unit of a track begins in the file's own time.
    ///
    /// # Errors
    /// As [`Prober::probe`].
    pub(crate) async fn first(
        &self,
        path: &Path,
        container: Container,
        track: Track,
        unit: First,
    ) -> Result<Option<MediaTime>, Error> {
        let stream = track.index.to_string();
        let (interval, entry) = match unit {
            First::Packet(_) => ("%+#1", "packet=pts"),
            // Whole frames may be encoder delay.
            First::Frame(_) => ("%+#32", "frame=pts"),
            First::Same => return Ok(None),
        };
        let options = [["-select_streams", &stream], ["-read_intervals", interval], ["-show_entries", entry]];
        let report: Report = self.run(path, container, options.as_flattened()).await?;
        let packets = report.packets.iter().map(|packet| packet.pts);
        let first = packets.chain(report.frames.iter().map(|frame| frame.pts)).flatten().next();
        Ok(first.map(|pts| track.time_base.instant(pts)))
    }

    /// The packets of a track from the key packet at or before `from` until `until`, in order of decoding.
    ///
    /// # Errors
    /// As [`Prober::probe`].
    pub(crate) async fn packets(
        &self,
        path: &Path,
        source: &Source,
        track: Track,
        from: MediaTime,
        until: MediaTime,
    ) -> Result<Vec<Packet>, Error> {
        let interval = format!("{:.6}%{:.6}", from.as_secs_f64(), until.as_secs_f64());
        let stream = track.index.to_string();
        let options = [
            ["-select_streams", &stream],
            ["-read_intervals", &interval],
            ["-show_entries", "packet=pts,dts,duration,flags"],
        ];
        let report: Report = self.run(path, source.container, options.as_flattened()).await?;
        Ok(report.packets.iter().filter_map(|packet| packet.read(track.time_base)).collect())
    }

    async fn run(&self, path: &Path, container: Container, options: &[&str]) -> Result<Report, Error> {
        let max_pixels = MAX_PIXELS.to_string();
        let limits = ["-v", "error", "-max_pixels", &max_pixels];
        let arguments = limits.into_iter().chain(confined(container)).chain(options.iter().copied());
        let arguments = arguments.chain(["-of", "json=compact=1", "-i"]);
        let arguments = arguments.map(Path::new).chain([path]);
        let written =
            match confined_process::output(&self.ffprobe, arguments, LIMITS, TIME_LIMIT, MAX_OUTPUT).await {
                Err(ToolError::Failed { errors, status, .. }) if status.code().is_some() => {
                    tracing::debug!(errors, "ffprobe refused a file");
                    let detail = match fault::is_over_pixel_limit(&errors) {
                        true => format!("its frames have more than {MAX_PIXELS} pixels"),
                        false => "its container cannot be read".to_owned(),
                    };
                    return Err(Error::UndecodableMedia(detail));
                }
                written => written?,
            };
        serde_json::from_slice(&written).map_err(|source| Error::ProbeReport { source })
    }
}

#[derive(Debug, Deserialize)]
struct Report {
    #[serde(default)]
    format: Format,
    #[serde(default)]
    streams: Vec<Stream>,
    #[serde(default)]
    packets: Vec<RawPacket>,
    #[serde(default)]
    frames: Vec<RawFrame>,
}

#[derive(Debug, Deserialize)]
struct RawFrame {
    pts: Option<i64>,
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
struct RawPacket {
    pts: Option<i64>,
    dts: Option<i64>,
    #[serde(default)]
    duration: i64,
    #[serde(default)]
    flags: String,
}

impl RawPacket {
    fn read(&self, time_base: TimeBase) -> Option<Packet> {
        let shown = self.pts.or(self.dts)?;
        let decoded = self.dts.unwrap_or(shown).min(shown);
        // Decoded for the sake of others, and not shown.
        let is_discarded = self.flags.contains('D');
        let instant = |ticks| time_base.instant(ticks);
        (!is_discarded).then(|| Packet {
            shown: instant(shown),
            decoded: instant(decoded),
            end: instant(shown.saturating_add(self.duration)),
            is_key: self.flags.starts_with('K'),
        })
    }
}

impl Report {
    fn source(&self, container: Container, audio_index: Option<usize>) -> Result<Source, Error> {
        let time = |text: &Option<String>| {
            text.as_ref().and_then(|text| text.parse().ok()).map(MediaTime::from_secs_f64)
        };
        let video = self.chosen_video();
        let start = time(&self.format.start_time).unwrap_or_default();
        if self.format.start_time.is_none() && self.format.duration.is_none() && self.streams.is_empty() {
            return Err(Error::UndecodableMedia("it holds neither pictures nor sound".to_owned()));
        }
        let source = Source {
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

    fn of_type(&self, codec_type: &'static str) -> impl Iterator<Item = &Stream> {
        self.streams.iter().filter(move |stream| stream.codec_type.as_deref() == Some(codec_type))
    }

    /// The default video stream, else the first; attached cover art (attached_pic) is not video.
    fn chosen_video(&self) -> Option<&Stream> {
        let mut video = self.of_type("video").filter(|stream| stream.disposition.attached_pic == 0);
        let usable: Vec<&Stream> = video.by_ref().filter(|stream| stream.is_decodable()).collect();
        usable.iter().find(|stream| stream.disposition.default != 0).or(usable.first()).copied()
    }

    /// The audio stream of that index, where it can be decoded, else the default one, else the first.
    fn chosen_audio(&self, index: Option<usize>) -> Option<&Stream> {
        let wanted = index.and_then(|index| self.of_type("audio").nth(index));
        let usable: Vec<&Stream> = self.of_type("audio").filter(|stream| stream.is_decodable()).collect();
        let default =
            || usable.iter().find(|stream| stream.disposition.default != 0).or(usable.first()).copied();
        wanted.filter(|stream| stream.is_decodable()).or_else(default)
    }

    /// Refuses sources of unknown codecs alone, and too many channels.
    fn check(&self, source: &Source) -> Result<(), Error> {
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
        Ok(self.track(container).map(|track| VideoStream {
            track,
            codec: self.codec(),
            fps: self.avg_frame_rate.as_deref().and_then(fraction),
            format: FrameFormat::new(&self.frames, &self.codec(), (width, height)),
        }))
    }

    fn audio(&self, container: Container) -> Option<AudioStream> {
        let channels = self.channels.filter(|channels| *channels > 0)?;
        Some(AudioStream {
            track: self.track(container)?,
            codec: self.codec(),
            channels,
            mix: channel_mix(channels, self.channel_layout.as_deref()),
            sample_rate: self.sample_rate.as_ref()?.parse().ok().filter(|rate| *rate > 0)?,
        })
    }

    fn track(&self, container: Container) -> Option<Track> {
        let time_base = TimeBase::parse(self.time_base.as_deref()?)?;
        let start = self.start_pts.map(|ticks| time_base.instant(ticks));
        let end = self.start_pts.zip(self.duration_ts);
        // Elsewhere it is estimated from the size of the file.
        let end = end.filter(|_| container == Container::MOV);
        let end = end.map(|(start, duration)| time_base.instant(start.saturating_add(duration)));
        Some(Track { index: self.index, time_base, start, end })
    }

    /// Does ffprobe know its codec?
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

/// `30000/1001` as a number, when it is positive.
fn fraction(text: &str) -> Option<f64> {
    let (numerator, denominator) = text.split_once('/')?;
    let value = numerator.parse::<f64>().ok()? / denominator.parse::<f64>().ok()?;
    Some(value).filter(|value| value.is_finite() && *value > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Source, Error> {
        serde_json::from_str::<Report>(text).unwrap().source(Container { demuxer: "mov" }, None)
    }

    #[test]
    fn a_sleeve_is_no_film_and_the_first_streams_count() {
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
        assert_eq!(source.start, MediaTime::from_millis(1_400));
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
        // ffprobe reports no size for frames that its decoder refused.
        assert!(matches!(sized((0, 0)), Err(Error::UndecodableMedia(_))));
    }

    #[test]
    fn streams_of_unknown_codecs_are_skipped_or_named() {
        let video = r#"{"index": 0, "codec_type": "video", "width": 160, "height": 90, "time_base": "1/25"}"#;
        let sound = r#"{"index": 1, "codec_type": "audio", "codec_name": "unknown", "channels": 2,
            "sample_rate": "48000", "time_base": "1/48000"}"#;
        let known = sound.replace("unknown", "aac");
        let file =
            |streams: &str| read(&format!(r#"{{"streams": [{streams}], "format": {{"duration": "1"}}}}"#));
        let source = file(&format!("{video},{known}")).unwrap();
        assert_eq!((source.video, source.audio.unwrap().codec.as_str()), (None, "aac"));
        for (streams, named) in [
            (video.to_owned(), "video stream 0"),
            (sound.to_owned(), "audio stream 1"),
            (format!(r#"{{"index": 7, "codec_type": "data"}},{sound}"#), "audio stream 1"),
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

    #[test]
    fn ticks_are_rounded_to_the_microsecond() {
        let ntsc = TimeBase::parse("1001/30000").unwrap();
        assert_eq!(ntsc.instant(1).as_micros(), 33_367);
        assert_eq!(ntsc.instant(-1).as_micros(), -33_367);
        assert_eq!(ntsc.instant(240).as_micros(), 8_008_000);
        assert!(TimeBase::parse("0/1").is_none());
    }
}
