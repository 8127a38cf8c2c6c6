//! What a source holds, as ffprobe tells it.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use media_time::MediaTime;
use serde::Deserialize;

use crate::Error;
use crate::container::Container;
use confined_process::{Limits, ToolError};

/// How long ffprobe may take, and how much it may say: two hours of packets at 60 pictures a second are 20 MB.
const TIME_LIMIT: Duration = Duration::from_secs(120);
const MAX_OUTPUT: u64 = 64 << 20;
/// What looking at a file may use: headers and packets, no frames.
pub(crate) const LIMITS: Limits = Limits { memory_bytes: 4 << 30 };
/// The largest picture that is decoded, in pixels a side: four times 4K.
const MAX_SIDE: u32 = 16_384;

/// What is known of a source before it is rendered. Times here are the file's own: `start` is where it begins.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Source {
    pub(crate) container: Container,
    /// The file's own time at its begin: time zero of the asset.
    pub(crate) start: MediaTime,
    pub(crate) duration: Option<MediaTime>,
    pub(crate) video: Option<VideoStream>,
    pub(crate) audio: Option<AudioStream>,
}

impl Source {
    /// The file's own time at its end, as far as it is told.
    pub(crate) fn end(&self) -> Option<MediaTime> {
        Some(self.start + self.duration?)
    }
}

/// What is needed to find the packets of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Track {
    pub(crate) index: u32,
    pub(crate) time_base: TimeBase,
    /// When it ends in the file's own time, by the file's index of all packets; none without such an index.
    pub(crate) end: Option<MediaTime>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct VideoStream {
    pub(crate) track: Track,
    pub(crate) codec: String,
    /// Mean rate, pictures a second.
    pub(crate) fps: Option<f64>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AudioStream {
    pub(crate) track: Track,
    pub(crate) codec: String,
    pub(crate) channels: u32,
    pub(crate) sample_rate: u32,
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
    /// What the file at `path` holds.
    ///
    /// # Errors
    /// [`Error::UndecodableMedia`] for a file that ffprobe cannot read; [`Error::Tool`].
    pub(crate) async fn probe(&self, path: &Path, container: Container) -> Result<Source, Error> {
        const ENTRIES: &str = "format=start_time,duration:stream=index,codec_type,codec_name,width,height,\
            time_base,start_pts,duration_ts,avg_frame_rate,channels,sample_rate:stream_disposition=attached_pic";
        let report: Report = self.run(path, container, &["-show_entries", ENTRIES]).await?;
        report.source(container)
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
        let arguments = ["-v", "error"].into_iter().chain(confined(container)).chain(options.iter().copied());
        let arguments = arguments.chain(["-of", "json=compact=1", "-i"]);
        let arguments = arguments.map(Path::new).chain([path]);
        let written =
            match confined_process::output(&self.ffprobe, arguments, LIMITS, TIME_LIMIT, MAX_OUTPUT).await {
                Err(ToolError::Failed { errors, status, .. }) if status.code().is_some() => {
                    tracing::debug!(errors, "ffprobe refused a file");
                    return Err(Error::UndecodableMedia("its container cannot be read".to_owned()));
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
    sample_rate: Option<String>,
    #[serde(default)]
    disposition: Disposition,
}

#[derive(Debug, Default, Deserialize)]
struct Disposition {
    #[serde(default)]
    attached_pic: u8,
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
    fn source(&self, container: Container) -> Result<Source, Error> {
        let time = |text: &Option<String>| {
            text.as_ref().and_then(|text| text.parse().ok()).map(MediaTime::from_secs_f64)
        };
        let of_kind = |kind: &'static str| {
            self.streams.iter().filter(move |stream| stream.codec_type.as_deref() == Some(kind))
        };
        // The picture on a record's sleeve is no film.
        let video = of_kind("video").find(|stream| stream.disposition.attached_pic == 0);
        if self.format.start_time.is_none() && self.format.duration.is_none() {
            return Err(Error::UndecodableMedia("it holds neither pictures nor sound".to_owned()));
        }
        Ok(Source {
            container,
            start: time(&self.format.start_time).unwrap_or_default(),
            duration: time(&self.format.duration),
            video: video.map(|stream| stream.video(container)).transpose()?.flatten(),
            audio: of_kind("audio").find_map(|stream| stream.audio(container)),
        })
    }
}

impl Stream {
    fn video(&self, container: Container) -> Result<Option<VideoStream>, Error> {
        let size = self.width.zip(self.height);
        if let Some((width, height)) = size.filter(|(width, height)| *width.max(height) > MAX_SIDE) {
            let detail = format!("its pictures have {width}×{height} pixels, more than {MAX_SIDE} a side");
            return Err(Error::UndecodableMedia(detail));
        }
        let known = size.filter(|(width, height)| *width.min(height) > 0);
        Ok(known.and(self.track(container)).map(|track| VideoStream {
            track,
            codec: self.codec(),
            fps: self.avg_frame_rate.as_deref().and_then(fraction),
        }))
    }

    fn audio(&self, container: Container) -> Option<AudioStream> {
        Some(AudioStream {
            track: self.track(container)?,
            codec: self.codec(),
            channels: self.channels.filter(|channels| *channels > 0)?,
            sample_rate: self.sample_rate.as_ref()?.parse().ok().filter(|rate| *rate > 0)?,
        })
    }

    fn track(&self, container: Container) -> Option<Track> {
        let time_base = TimeBase::parse(self.time_base.as_deref()?)?;
        let end = self.start_pts.zip(self.duration_ts);
        // Elsewhere it is estimated from the size of the file.
        let end = end.filter(|_| container == Container::MOV);
        let end = end.map(|(start, duration)| time_base.instant(start.saturating_add(duration)));
        Some(Track { index: self.index, time_base, end })
    }

    fn codec(&self) -> String {
        self.codec_name.clone().unwrap_or_else(|| "unknown".to_owned())
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
        serde_json::from_str::<Report>(text).unwrap().source(Container { demuxer: "mov" })
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
    fn giant_pictures_are_refused() {
        let giant = r#"{"streams": [{"index": 0, "codec_type": "video", "width": 65535, "height": 8,
            "time_base": "1/25"}]}"#;
        assert!(matches!(read(giant), Err(Error::UndecodableMedia(_))));
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
