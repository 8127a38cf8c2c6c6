//! Parses the reports of ffprobe.

use media_time::{FileTime, MediaTime};
use serde::Deserialize;

use crate::SourceTimecode;
use crate::native::{choose, declared_language};

/// The parts of ffprobe's report that are used.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Report {
    #[serde(default)]
    format: FormatReport,
    #[serde(default)]
    pub(crate) streams: Vec<StreamReport>,
    #[serde(default)]
    packets: Vec<PacketReport>,
}

#[derive(Debug, Default, Deserialize)]
struct FormatReport {
    duration: Option<String>,
    #[serde(default)]
    tags: Tags,
}

/// The tags of the file or of a stream that are used.
#[derive(Clone, Debug, Default, Deserialize)]
struct Tags {
    timecode: Option<String>,
    language: Option<String>,
}

/// One stream of the report.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct StreamReport {
    codec_type: Option<String>,
    codec_name: Option<String>,
    start_time: Option<String>,
    duration: Option<String>,
    time_base: Option<String>,
    sample_rate: Option<String>,
    pub(crate) channels: Option<usize>,
    pub(crate) channel_layout: Option<String>,
    pub(crate) width: Option<u32>,
    pub(crate) height: Option<u32>,
    avg_frame_rate: Option<String>,
    #[serde(default)]
    disposition: Disposition,
    #[serde(default)]
    tags: Tags,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Disposition {
    #[serde(default)]
    default: u8,
    #[serde(default)]
    attached_pic: u8,
}

#[derive(Debug, Deserialize)]
struct PacketReport {
    pts: Option<i64>,
    #[serde(default)]
    duration: i64,
}

impl Report {
    /// Options of ffprobe that select the streams.
    pub(crate) const STREAMS: [&str; 2] = [
        "-show_entries",
        "format=duration:stream=codec_type,codec_name,start_time,duration,time_base,sample_rate,\
         channels,channel_layout,width,height,avg_frame_rate:stream_disposition=default,attached_pic:\
         format_tags=timecode:stream_tags=timecode,language",
    ];

    pub(super) fn parse(written: &[u8]) -> Option<Self> {
        serde_json::from_slice(written).ok()
    }

    /// The audio streams, in file order.
    pub(crate) fn audio(&self) -> Vec<&StreamReport> {
        self.of_type("audio").collect()
    }

    /// The audio stream `wanted`, or the default one when it is `None`, with its index among the audio streams.
    pub(crate) fn chosen_audio(&self, wanted: Option<usize>) -> Option<(usize, &StreamReport)> {
        let audio = self.audio();
        let index = choose(audio.iter().map(|stream| stream.is_default()), wanted)?;
        audio.get(index).map(|stream| (index, *stream))
    }

    /// The default video stream; attached cover art is not video.
    pub(crate) fn chosen_video(&self) -> Option<&StreamReport> {
        let video: Vec<&StreamReport> =
            self.of_type("video").filter(|stream| stream.disposition.attached_pic == 0).collect();
        let index = choose(video.iter().map(|stream| stream.is_default()), None)?;
        video.get(index).copied()
    }

    fn of_type(&self, codec_type: &'static str) -> impl Iterator<Item = &StreamReport> {
        self.streams.iter().filter(move |stream| stream.codec_type.as_deref() == Some(codec_type))
    }

    /// The declared or estimated duration of the whole file.
    pub(crate) fn duration(&self) -> Option<MediaTime> {
        seconds(self.format.duration.as_ref()).filter(|duration| *duration > MediaTime::ZERO)
    }

    /// The source timecode of the file, else of the first stream that declares one. It counts frames of the video.
    pub(crate) fn source_timecode(&self) -> Option<SourceTimecode> {
        let rate = self.chosen_video()?.frame_rate()?;
        let tags = std::iter::once(&self.format.tags).chain(self.streams.iter().map(|stream| &stream.tags));
        let mut labels = tags.filter_map(|tags| tags.timecode.as_deref());
        labels.find_map(|label| SourceTimecode::parse(label, rate))
    }

    /// The duration from the first packet to the end of the last. The report must list the packets of `stream` only.
    pub(crate) fn packets_duration(&self, stream: &StreamReport) -> Option<MediaTime> {
        let (numerator, denominator) = fraction(stream.time_base.as_ref()?)?;
        let start = self.packets.iter().filter_map(|packet| packet.pts).min()?;
        let end = self
            .packets
            .iter()
            .filter_map(|packet| Some(packet.pts?.saturating_add(packet.duration)))
            .max()?;
        let micros = i128::from(end.saturating_sub(start)) * i128::from(numerator) * 1_000_000;
        let micros = i64::try_from(micros / i128::from(denominator.max(1))).ok()?;
        Some(MediaTime::from_micros(micros)).filter(|duration| *duration > MediaTime::ZERO)
    }
}

impl StreamReport {
    pub(crate) const fn is_default(&self) -> bool {
        self.disposition.default != 0
    }

    /// Short name of the codec; `None` when ffmpeg does not know it.
    pub(crate) fn codec(&self) -> Option<&str> {
        self.codec_name.as_deref().filter(|name| !matches!(*name, "unknown" | "none"))
    }

    /// Language as the file declares it; `None` for none and for an undetermined one.
    pub(crate) fn language(&self) -> Option<String> {
        declared_language(self.tags.language.as_deref()?)
    }

    /// Sample rate in Hz.
    pub(crate) fn rate(&self) -> Option<u32> {
        self.sample_rate.as_ref()?.parse().ok().filter(|rate| *rate > 0)
    }

    /// When the stream begins, on the file's clock.
    pub(crate) fn start(&self) -> Option<FileTime> {
        seconds(self.start_time.as_ref()).map(FileTime::at)
    }

    /// When the stream ends, on the file's clock.
    pub(crate) fn end(&self) -> Option<FileTime> {
        Some(self.start().unwrap_or_default() + seconds(self.duration.as_ref())?)
    }

    /// Mean frames per second, as a fraction.
    fn frame_rate(&self) -> Option<(u32, u32)> {
        fraction(self.avg_frame_rate.as_ref()?)
    }

    /// Mean frames per second.
    pub(crate) fn fps(&self) -> Option<f64> {
        let (numerator, denominator) = self.frame_rate()?;
        Some(f64::from(numerator) / f64::from(denominator)).filter(|fps| fps.is_finite() && *fps > 0.0)
    }
}

fn seconds(text: Option<&String>) -> Option<MediaTime> {
    text?.parse().ok().filter(|seconds: &f64| seconds.is_finite()).map(MediaTime::from_secs_f64)
}

fn fraction(text: &str) -> Option<(u32, u32)> {
    let (numerator, denominator) = text.split_once('/')?;
    Some((numerator.parse().ok()?, denominator.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_streams_are_chosen() {
        let report = Report::parse(
            br#"{"format": {"duration": "60.0"}, "streams": [
                {"index": 0, "codec_type": "video", "codec_name": "mjpeg", "disposition": {"attached_pic": 1}},
                {"index": 1, "codec_type": "audio", "codec_name": "ac3", "sample_rate": "48000"},
                {"index": 2, "codec_type": "audio", "codec_name": "aac", "disposition": {"default": 1}},
                {"index": 3, "codec_type": "video", "codec_name": "h264", "avg_frame_rate": "30000/1001"}]}"#,
        )
        .unwrap();
        let audio =
            |wanted| report.chosen_audio(wanted).map(|(index, stream)| (index, stream.codec().unwrap()));
        assert_eq!((audio(None), audio(Some(0)), audio(Some(2))), (Some((1, "aac")), Some((0, "ac3")), None));
        let video = report.chosen_video().unwrap();
        assert_eq!((video.codec(), video.fps().map(f64::round)), (Some("h264"), Some(30.0)));
        assert_eq!(report.duration(), Some(MediaTime::from_millis(60_000)));
    }

    #[test]
    fn timecode_of_the_file_counts_frames_of_its_video() {
        let timecode = |format: &str, stream: &str| {
            let report = format!(
                r#"{{"format": {{"tags": {{{format}}}}}, "streams": [
                    {{"codec_type": "video", "avg_frame_rate": "25/1", "tags": {{{stream}}}}}]}}"#
            );
            let timecode = Report::parse(report.as_bytes()).unwrap().source_timecode();
            timecode.map(|timecode| (timecode.count, timecode.rate))
        };
        assert_eq!(timecode(r#""timecode": "10:00:00:01""#, ""), Some((900_001, (25, 1))));
        assert_eq!(timecode("", r#""timecode": "00:00:01:00""#), Some((25, (25, 1))));
        assert_eq!(timecode(r#""timecode": "noon""#, ""), None);
        let audio =
            br#"{"format": {"tags": {"timecode": "00:00:01:00"}}, "streams": [{"codec_type": "audio"}]}"#;
        assert_eq!(Report::parse(audio).unwrap().source_timecode(), None);
    }

    #[test]
    fn packets_duration_spans_from_first_pts_to_last_end() {
        let report = Report::parse(
            br#"{"packets": [{"pts": 100, "duration": 20}, {"pts": 120, "duration": 20}, {"duration": 20}]}"#,
        )
        .unwrap();
        let stream = StreamReport { time_base: Some("1/1000".to_owned()), ..StreamReport::default() };
        assert_eq!(report.packets_duration(&stream), Some(MediaTime::from_millis(40)));
    }
}
