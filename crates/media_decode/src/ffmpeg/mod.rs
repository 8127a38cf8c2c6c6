//! Decoding and probing by a confined ffmpeg, for formats and codecs that this process does not decode.
//!
//! ffmpeg reads the same open file that was sniffed, with the one demuxer of its format and no network protocol, with
//! limits on memory and on time without output. It is killed when the decoding thread ends.

mod confinement;
mod layout;
mod report;
mod stream;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use confined_process::blocking_output;

use self::confinement::{LIMITS, OUTPUT_TIMEOUT, confined_to, tool_error, unavailable};
pub(crate) use self::report::{Report, StreamReport};
use self::stream::FfmpegStream;
use crate::native::Presentation;
use crate::{DecodeError, FileFormat, Source};

/// Largest report of ffprobe in bytes; enough for the packets of a day.
const MAX_REPORT: u64 = 128 << 20;

/// The ffmpeg and ffprobe programs of this installation. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Ffmpeg(Arc<Programs>);

#[derive(Debug)]
struct Programs {
    ffmpeg: PathBuf,
    ffprobe: PathBuf,
    release: OnceLock<String>,
}

impl Ffmpeg {
    /// The programs at these paths; neither is run yet.
    #[must_use]
    pub fn new(ffmpeg: PathBuf, ffprobe: PathBuf) -> Self {
        Self(Arc::new(Programs { ffmpeg, ffprobe, release: OnceLock::new() }))
    }

    /// The release of ffmpeg, e.g. `5.1`: the part of the version that can change decoded samples. The program is asked
    /// once and the answer kept. Blocking.
    ///
    /// # Errors
    /// [`DecodeError::FfmpegUnavailable`] when ffmpeg cannot be run.
    pub fn release(&self) -> Result<&str, DecodeError> {
        if let Some(release) = self.0.release.get() {
            return Ok(release);
        }
        let written = blocking_output(&self.0.ffmpeg, ["-version"], LIMITS, OUTPUT_TIMEOUT, 1 << 20)
            .map_err(|error| unavailable("the file", &error))?;
        let release = release_of(&String::from_utf8_lossy(&written));
        Ok(self.0.release.get_or_init(|| release))
    }

    /// The names of ffmpeg's demuxers. Blocking.
    ///
    /// # Errors
    /// [`DecodeError::FfmpegUnavailable`] when ffmpeg cannot be run.
    pub fn demuxers(&self) -> Result<BTreeSet<String>, DecodeError> {
        let written =
            blocking_output(&self.0.ffmpeg, ["-hide_banner", "-demuxers"], LIMITS, OUTPUT_TIMEOUT, 1 << 20)
                .map_err(|error| unavailable("the file", &error))?;
        // ` D  mov,mp4,m4a,3gp,3g2,mj2 QuickTime / MOV`
        let text = String::from_utf8_lossy(&written);
        let rows =
            text.lines().filter_map(|line| line.trim_start().strip_prefix("D ")?.split_whitespace().next());
        Ok(rows.flat_map(|names| names.split(',')).map(str::to_owned).collect())
    }

    /// The ffprobe report of a file, for the entries that `options` select.
    pub(crate) fn report(
        &self,
        source: &dyn Source,
        format: FileFormat,
        options: &[&str],
    ) -> Result<Report, DecodeError> {
        let (path, demuxer) = self.input(source, format)?;
        let arguments = report_arguments(&path, demuxer, options);
        let written = blocking_output(&self.0.ffprobe, arguments, LIMITS, OUTPUT_TIMEOUT, MAX_REPORT);
        let written = written.map_err(|error| tool_error(format.name(), error))?;
        Report::parse(&written).ok_or_else(|| {
            DecodeError::Undecodable(format!("ffprobe reports nothing about the {} file", format.name()))
        })
    }

    /// Starts decoding the audio stream `audio_stream` of a file, or its default one when it is `None`.
    pub(crate) fn decode(
        &self,
        source: &dyn Source,
        format: FileFormat,
        audio_stream: Option<usize>,
    ) -> Result<(usize, FfmpegStream, Presentation), DecodeError> {
        let report = self.report(source, format, &Report::STREAMS)?;
        let (path, demuxer) = self.input(source, format)?;
        FfmpegStream::open(&self.0.ffmpeg, &path, demuxer, format, &report, audio_stream)
    }

    /// The path by which another process opens the file of `source`, and the demuxer that may read it.
    fn input(&self, source: &dyn Source, format: FileFormat) -> Result<(PathBuf, &'static str), DecodeError> {
        let file = source.file().ok_or_else(|| DecodeError::FfmpegUnavailable {
            what: format.name().to_owned(),
            reason: "ffmpeg reads files, and the recording is in memory".to_owned(),
        })?;
        let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
        let demuxer = format.ffmpeg_demuxer().ok_or_else(|| {
            DecodeError::Unsupported(format!("the format {}, which no free decoder reads", format.name()))
        })?;
        Ok((path.into(), demuxer))
    }
}

/// Arguments of ffprobe that report the entries of a file that `options` select.
fn report_arguments(path: &Path, demuxer: &str, options: &[&str]) -> Vec<OsString> {
    let before = ["-v", "error"].into_iter().chain(confined_to(demuxer)).chain(options.iter().copied());
    before.chain(["-of", "json=compact=1", "-i"]).map(OsString::from).chain([path.into()]).collect()
}

/// The release in the output of `-version`: `5.1` from `ffmpeg version 5.1.9-0+deb12u1 Copyright …`, and the revision
/// for a development build.
fn release_of(version: &str) -> String {
    let word = version.split_whitespace().nth(2).unwrap_or("unknown");
    let numbers: Vec<&str> = word.split(['.', '-', '+']).take(2).collect();
    let is_release =
        numbers.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    let release = if is_release && numbers.len() == 2 { numbers.join(".") } else { word.to_owned() };
    release.chars().filter(|c| c.is_ascii_alphanumeric() || ".-_".contains(*c)).take(32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Arguments as text for snapshots: a line for each option with its value.
    pub(super) fn listing(arguments: &[OsString]) -> String {
        let arguments = arguments.iter().map(|argument| argument.to_str().unwrap());
        let line =
            |argument: &str| format!("{}{argument}", if argument.starts_with('-') { "\n" } else { " " });
        arguments.map(line).collect::<String>().trim_start().to_owned()
    }

    #[test]
    fn arguments_of_ffprobe_are_as_reviewed() {
        let arguments = report_arguments(Path::new("{source}"), "mpegts", &Report::STREAMS);
        insta::assert_snapshot!(listing(&arguments));
    }

    #[test]
    fn releases_are_major_and_minor() {
        assert_eq!(release_of("ffmpeg version 5.1.9-0+deb12u1 Copyright (c)"), "5.1");
        assert_eq!(release_of("ffmpeg version 7.0 Copyright"), "7.0");
        assert_eq!(release_of("ffmpeg version N-110000-g1234abc Copyright"), "N-110000-g1234abc");
        assert_eq!(release_of(""), "unknown");
    }
}
