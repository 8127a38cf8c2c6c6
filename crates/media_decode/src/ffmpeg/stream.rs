//! Samples decoded by ffmpeg, with the exact timestamp of each packet.
//!
//! ffmpeg writes raw samples, which have no timestamps, and in parallel (`tee`) a line per packet (`framecrc`) with its
//! PTS in samples and its size. The line is flushed before its samples, so reading the two in turn cannot block.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read};
use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;

use confined_process::{BlockingProcess, TimedPipe};
use media_time::MediaTime;
use rustix::pipe::{PipeFlags, pipe_with};

use super::confinement::{LIMITS, OUTPUT_TIMEOUT, confined_to, tool_error};
use super::layout;
use super::report::{Report, StreamReport};
use crate::native::Presentation;
use crate::packet_clock::{MAX_GAPS, PacketClock};
use crate::pcm_stream::PcmStream;
use crate::samples::silence_bad_samples;
use crate::timeline::{Edit, Span, Timeline};
use crate::{AudioFormat, DecodeError, DecodeStats, FileFormat, check_limits};

/// The largest packet of samples, in bytes.
const MAX_PACKET: usize = 64 << 20;
/// The longest line of `framecrc`, in bytes.
const MAX_LINE: u64 = 4 << 10;

/// One audio stream, decoded by ffmpeg.
pub(crate) struct FfmpegStream {
    /// `None` after the process has ended.
    process: Option<BlockingProcess>,
    packets: BufReader<TimedPipe>,
    data: BufReader<TimedPipe>,
    container: &'static str,
    has_timestamps: bool,
    format: AudioFormat,
    expected_duration: Option<MediaTime>,
    bytes: Vec<u8>,
    samples: Vec<f32>,
    stats: DecodeStats,
    clock: PacketClock,
    /// Position and number of the frames in `samples` that are not on the timeline yet.
    undelivered: Option<(i64, usize)>,
}

impl FfmpegStream {
    pub(super) fn open(
        ffmpeg: &Path,
        path: &Path,
        demuxer: &str,
        file_format: FileFormat,
        report: &Report,
        audio_stream: Option<usize>,
    ) -> Result<(usize, Self, Presentation), DecodeError> {
        let container = file_format.name();
        let missing = || DecodeError::missing_audio_stream(container, audio_stream, report.audio().len());
        let (index, stream) = report.chosen_audio(audio_stream).ok_or_else(missing)?;
        let format = audio_format(stream)?;
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).map_err(io::Error::from)?;
        let arguments = arguments(path, demuxer, index, stream, &format, writer.as_raw_fd());
        let process = BlockingProcess::start(ffmpeg, arguments, LIMITS, Some(writer.as_fd()));
        let mut process = process.map_err(|error| tool_error(container, error))?;
        // The reader sees the end of the pipe only after this process has closed its writer.
        drop(writer);
        let stdout = process.stdout().ok_or_else(|| io::Error::from(io::ErrorKind::BrokenPipe))?;
        let mut opened = Self {
            process: Some(process),
            packets: BufReader::new(TimedPipe::new(reader, OUTPUT_TIMEOUT)?),
            data: BufReader::with_capacity(64 << 10, TimedPipe::new(stdout, OUTPUT_TIMEOUT)?),
            container,
            has_timestamps: has_timestamps(file_format),
            expected_duration: report.duration(),
            bytes: Vec::new(),
            samples: Vec::new(),
            stats: DecodeStats::default(),
            clock: PacketClock::new(format.rate),
            format,
            undelivered: None,
        };
        let (first, frames) = opened.next_packet()?.ok_or_else(|| {
            DecodeError::Undecodable(format!("ffmpeg decodes no audio of the {container} file"))
        })?;
        opened.clock.start(first, frames);
        opened.undelivered = Some((first, frames));
        let video = report.chosen_video().and_then(StreamReport::start);
        let video = video.map(|start| start.since_zero().to_samples(opened.format.rate));
        Ok((index, opened, presentation(file_format, first, video, rate_of(stream))?))
    }

    /// Reads the next packet into `samples` and returns its position and number of frames; `None` at the end.
    fn next_packet(&mut self) -> Result<Option<(i64, usize)>, DecodeError> {
        loop {
            let mut line = String::new();
            let read = (&mut self.packets).take(MAX_LINE).read_line(&mut line);
            if read.map_err(|error| self.broken(&error))? == 0 {
                return self.finish().map(|()| None);
            }
            if line.starts_with('#') {
                continue;
            }
            let (position, size) = packet_of(&line).ok_or_else(|| self.unexpected(&line))?;
            let frame_bytes = 4 * self.format.channels();
            if size > MAX_PACKET || size % frame_bytes != 0 {
                return Err(self.unexpected(&line));
            }
            self.read_samples(size)?;
            if size > 0 {
                return Ok(Some((position, size / frame_bytes)));
            }
        }
    }

    fn read_samples(&mut self, size: usize) -> Result<(), DecodeError> {
        self.bytes.resize(size, 0);
        let read = self.data.read_exact(&mut self.bytes);
        read.map_err(|error| self.broken(&error))?;
        self.samples.clear();
        self.samples.extend(self.bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)));
        self.stats.bad_samples += silence_bad_samples(&mut self.samples);
        Ok(())
    }

    /// Waits for ffmpeg to end, and updates the statistics from its standard error.
    fn finish(&mut self) -> Result<(), DecodeError> {
        let Some(process) = self.process.take() else { return Ok(()) };
        let errors = process.finish(OUTPUT_TIMEOUT).map_err(|error| tool_error(self.container, error))?;
        let count = |texts: &[&str]| {
            let lines = errors.lines().filter(|line| texts.iter().any(|text| line.contains(text)));
            u64::try_from(lines.count()).unwrap_or(u64::MAX)
        };
        self.stats.damaged_packets += count(&["Error while decoding", "Error submitting packet"]);
        self.stats.truncated |= count(&["partial file", "File ended prematurely", "Packet corrupt"]) > 0;
        Ok(())
    }

    fn broken(&self, error: &io::Error) -> DecodeError {
        let container = self.container;
        DecodeError::Undecodable(match error.kind() {
            io::ErrorKind::TimedOut => format!("decoding the {container} file makes no progress"),
            _ => format!("ffmpeg stopped while decoding the {container} file"),
        })
    }

    fn unexpected(&self, line: &str) -> DecodeError {
        tracing::debug!(line, "unexpected packet of ffmpeg");
        DecodeError::Undecodable(format!(
            "ffmpeg's output for the {} file is not raw samples",
            self.container
        ))
    }
}

impl PcmStream for FfmpegStream {
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
        self.expected_duration
    }

    /// Always `None`: ffmpeg's stream durations may be estimates.
    fn declared_duration(&self) -> Option<MediaTime> {
        None
    }

    fn is_repaired(&self) -> bool {
        false
    }

    fn only_count(&mut self) {}

    fn advance(&mut self, timeline: &mut Timeline, spans: &mut VecDeque<Span>) -> Result<bool, DecodeError> {
        if let Some((position, frames)) = self.undelivered.take() {
            timeline.place(position, frames, spans);
            return Ok(true);
        }
        let Some((stamp, frames)) = self.next_packet()? else { return Ok(false) };
        // Formats without timestamps are continuous: the timestamps that ffmpeg derives from rates may be wrong.
        let stamp = match self.clock.expected().filter(|_| !self.has_timestamps) {
            Some(expected) => self.clock.stamp(expected),
            None => stamp,
        };
        let position = self.clock.position(stamp, frames);
        self.stats.ignored_jumps = self.clock.ignored_jumps();
        self.stats.overlapped_frames = self.clock.overlapped();
        timeline.place(position, frames, spans);
        Ok(true)
    }
}

/// Whether the format stores presentation timestamps of audio. Elementary streams and AVI do not.
const fn has_timestamps(format: FileFormat) -> bool {
    use FileFormat as F;
    !matches!(
        format,
        F::Avi | F::Mp3 | F::Adts | F::Ac3 | F::Eac3 | F::Dts | F::Amr | F::Loas | F::TrueHd | F::Mlp
    )
}

fn rate_of(stream: &StreamReport) -> u32 {
    stream.rate().unwrap_or(0)
}

fn audio_format(stream: &StreamReport) -> Result<AudioFormat, DecodeError> {
    let codec = stream.codec().unwrap_or("unknown");
    let (rate, channels) = (rate_of(stream), stream.channels.unwrap_or(0));
    if stream.codec().is_none() || rate == 0 || channels == 0 {
        return Err(DecodeError::Unsupported(format!(
            "the audio codec {codec}, which ffmpeg does not decode either"
        )));
    }
    check_limits(rate, channels)?;
    let layout = layout::channels(stream.channel_layout.as_deref(), channels);
    Ok(AudioFormat { rate, layout, codec: codec.to_owned() })
}

/// Arguments of ffmpeg that decode one stream to raw samples of one fixed rate and layout, even when the stream changes
/// its own.
fn arguments(
    path: &Path,
    demuxer: &str,
    index: usize,
    stream: &StreamReport,
    format: &AudioFormat,
    packets: i32,
) -> Vec<OsString> {
    let map = format!("0:a:{index}");
    let layout = stream.channel_layout.as_ref().map(|name| format!(":channel_layouts={name}"));
    let filter =
        format!("aformat=sample_fmts=flt:sample_rates={}{}", format.rate, layout.unwrap_or_default());
    let channels = format.channels().to_string();
    let outputs = format!("[f=framecrc:flush_packets=1]pipe:{packets}|[f=f32le]pipe:1");
    let before = ["-nostdin", "-hide_banner", "-v", "error", "-copyts", "-threads", "1"];
    let before = before.into_iter().chain(confined_to(demuxer)).chain(["-i"]).map(OsString::from);
    let after = ["-map", &map, "-af", &filter, "-ac", &channels, "-c:a", "pcm_f32le", "-f", "tee", &outputs];
    before.chain([path.into()]).chain(after.into_iter().map(OsString::from)).collect()
}

/// PTS and size of the packet in a line `stream, dts, pts, duration, size, checksum`; `None` also without a PTS, which
/// ffmpeg writes as the least integer.
fn packet_of(line: &str) -> Option<(i64, usize)> {
    let mut fields = line.split(',').map(str::trim).skip(2);
    let position = fields.next()?.parse::<i64>().ok().filter(|position| *position != i64::MIN)?;
    Some((position, fields.nth(1)?.parse().ok()?))
}

/// The presentation of audio whose first sample is at `first` and of video that begins at `video`, both in samples on
/// the file's clock. In formats whose clock defines zero, samples before zero are not presented.
fn presentation(
    format: FileFormat,
    first: i64,
    video: Option<i64>,
    rate: u32,
) -> Result<Presentation, DecodeError> {
    use FileFormat as F;
    let has_zero = matches!(format, F::IsoMp4 | F::QuickTime | F::BrandlessMp4 | F::Matroska | F::WebM);
    let audio = if has_zero { first.max(0) } else { first };
    let zero = video.map_or(audio, |video| video.min(audio));
    // Timestamps of damaged files may be anywhere in the range of `i64`.
    let audio_start = audio.saturating_sub(zero);
    let silence = MediaTime::from_samples(audio_start, rate);
    if silence > MAX_GAPS {
        let (found, limit) = (silence.to_string(), MAX_GAPS.to_string());
        return Err(DecodeError::LimitExceeded { what: "the silence before the audio", found, limit });
    }
    let video_start = video.map(|video| video.saturating_sub(zero));
    Ok(Presentation { edits: vec![Edit::from(audio, audio_start)], video_start, zero, first_packet: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ffmpeg::tests::listing;

    #[test]
    fn arguments_of_decoding_are_as_reviewed() {
        let report = br#"{"streams": [
            {"codec_type": "audio", "codec_name": "ac3", "sample_rate": "48000", "channels": 6,
                "channel_layout": "5.1(side)"},
            {"codec_type": "audio", "codec_name": "pcm_bluray", "sample_rate": "96000", "channels": 3}
        ]}"#;
        let report = Report::parse(report).unwrap();
        for (name, stream) in [("stream_with_a_layout", 0), ("stream_without_a_layout", 1)] {
            let (index, stream) = report.chosen_audio(Some(stream)).unwrap();
            let format = audio_format(stream).unwrap();
            let arguments = arguments(Path::new("{source}"), "mpegts", index, stream, &format, 3);
            insta::assert_snapshot!(name, listing(&arguments));
        }
    }

    #[test]
    fn framecrc_lines_are_parsed() {
        let line = "0,     -1024,     -1024,     1024,     8192, 0x1d5b3f7a\n";
        assert_eq!(packet_of(line), Some((-1_024, 8_192)));
        assert_eq!(packet_of("0, NOPTS"), None);
        assert_eq!(packet_of(&format!("0, 0, {}, 1024, 8192, 0x1d5b3f7a", i64::MIN)), None);
    }

    #[test]
    fn timeline_zero_is_the_start_of_the_earlier_stream() {
        let starts = |format, first, video| {
            let presentation = presentation(format, first, video, 48_000).unwrap();
            let edit = &presentation.edits[0];
            (edit.media.start, edit.at, presentation.video_start)
        };
        assert_eq!(starts(FileFormat::MpegTs, 67_200, Some(68_160)), (67_200, 0, Some(960)));
        assert_eq!(starts(FileFormat::MpegTs, 67_200, Some(66_240)), (67_200, 960, Some(0)));
        assert_eq!(starts(FileFormat::Avi, -500, None), (-500, 0, None));
        assert_eq!(starts(FileFormat::Matroska, -312, Some(0)), (0, 0, Some(0)));
        assert!(presentation(FileFormat::MpegTs, 48_000 * 90_000, Some(0), 48_000).is_err());
        assert_eq!(
            starts(FileFormat::MpegTs, i64::MIN + 1, Some(i64::MAX)),
            (i64::MIN + 1, 0, Some(i64::MAX))
        );
        assert!(presentation(FileFormat::MpegTs, i64::MAX, Some(i64::MIN), 48_000).is_err());
    }
}
