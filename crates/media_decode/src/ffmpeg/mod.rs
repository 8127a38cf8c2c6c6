//! Decoding and probing by a confined ffmpeg: what this process does not decode.
//!
//! ffmpeg reads the very file that was sniffed, with the one demuxer of its format and no network protocol, under limits
//! of memory and silence, and dies with the thread that decodes.

mod layout;
mod report;
mod stream;

use std::collections::BTreeSet;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use confined_process::{Limits, ToolError, blocking_output};

pub(crate) use self::report::{Report, StreamReport};
use self::stream::FfmpegStream;
use crate::native::Presentation;
use crate::{DecodeError, FileFormat, Source};

/// What decoding or probing one file may use.
const LIMITS: Limits = Limits { memory_bytes: 4 << 30 };
/// How long ffmpeg may be silent.
const SILENCE: Duration = Duration::from_secs(60);
/// The longest report of ffprobe: a day of packets.
const MAX_REPORT: u64 = 128 << 20;

/// ffmpeg and ffprobe of this installation. Cheap to clone.
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

    /// Its release, e.g. `5.1`: what changes decoded samples. Asked for once. Blocking.
    ///
    /// # Errors
    /// [`DecodeError::FfmpegUnavailable`].
    pub fn release(&self) -> Result<&str, DecodeError> {
        if let Some(release) = self.0.release.get() {
            return Ok(release);
        }
        let written = blocking_output(&self.0.ffmpeg, ["-version"], LIMITS, SILENCE, 1 << 20)
            .map_err(|error| unavailable("the file", &error))?;
        let release = release_of(&String::from_utf8_lossy(&written));
        Ok(self.0.release.get_or_init(|| release))
    }

    /// The names of its demuxers. Blocking.
    ///
    /// # Errors
    /// [`DecodeError::FfmpegUnavailable`].
    pub fn demuxers(&self) -> Result<BTreeSet<String>, DecodeError> {
        let written =
            blocking_output(&self.0.ffmpeg, ["-hide_banner", "-demuxers"], LIMITS, SILENCE, 1 << 20)
                .map_err(|error| unavailable("the file", &error))?;
        // ` D  mov,mp4,m4a,3gp,3g2,mj2 QuickTime / MOV`
        let text = String::from_utf8_lossy(&written);
        let rows =
            text.lines().filter_map(|line| line.trim_start().strip_prefix("D ")?.split_whitespace().next());
        Ok(rows.flat_map(|names| names.split(',')).map(str::to_owned).collect())
    }

    /// What ffprobe reports of a file, with `entries` beyond the usual ones.
    pub(crate) fn report(
        &self,
        source: &dyn Source,
        format: FileFormat,
        options: &[&str],
    ) -> Result<Report, DecodeError> {
        let (path, demuxer) = self.input(source, format)?;
        let arguments =
            ["-v", "error"].into_iter().chain(confined_to(demuxer)).chain(options.iter().copied());
        let arguments =
            arguments.chain(["-of", "json=compact=1", "-i"]).map(Path::new).chain([path.as_path()]);
        let written = blocking_output(&self.0.ffprobe, arguments, LIMITS, SILENCE, MAX_REPORT);
        let written = written.map_err(|error| tool_error(format.name(), error))?;
        Report::parse(&written).ok_or_else(|| {
            DecodeError::Undecodable(format!("ffprobe reports nothing of the {} file", format.name()))
        })
    }

    /// Decodes the audio stream `audio_stream` of a file, else its default one.
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

    /// The path under which another process opens the file behind `source`, and the demuxer that may read it.
    fn input(&self, source: &dyn Source, format: FileFormat) -> Result<(PathBuf, &'static str), DecodeError> {
        let file = source.file().ok_or_else(|| DecodeError::FfmpegUnavailable {
            what: format.name().to_owned(),
            reason: "it reads files, and these are bytes in memory".to_owned(),
        })?;
        let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
        let demuxer = format.ffmpeg_demuxer().ok_or_else(|| {
            DecodeError::Unsupported(format!("the format {}, which no free decoder reads", format.name()))
        })?;
        Ok((path.into(), demuxer))
    }
}

/// Options that limit ffmpeg and ffprobe to one file and one demuxer.
pub(crate) fn confined_to(demuxer: &str) -> [&str; 6] {
    ["-protocol_whitelist", "file,pipe", "-format_whitelist", demuxer, "-f", demuxer]
}

/// `5.1` of `ffmpeg version 5.1.9-0+deb12u1 Copyright …`; of a development build, its revision.
fn release_of(version: &str) -> String {
    let word = version.split_whitespace().nth(2).unwrap_or("unknown");
    let numbers: Vec<&str> = word.split(['.', '-', '+']).take(2).collect();
    let is_release =
        numbers.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    let release = if is_release && numbers.len() == 2 { numbers.join(".") } else { word.to_owned() };
    release.chars().filter(|c| c.is_ascii_alphanumeric() || ".-_".contains(*c)).take(32).collect()
}

fn unavailable(what: &str, error: &ToolError) -> DecodeError {
    DecodeError::FfmpegUnavailable { what: what.to_owned(), reason: error.to_string() }
}

/// What a failure of ffmpeg or ffprobe says about the file.
fn tool_error(what: &str, error: ToolError) -> DecodeError {
    match error {
        ToolError::Unavailable { .. } => unavailable(what, &error),
        ToolError::Failed { errors, .. } if errors.contains("Input/output error") => {
            DecodeError::Io(std::io::Error::other("ffmpeg could not read the file"))
        }
        ToolError::Failed { errors, status, .. } => {
            tracing::debug!(errors, %status, "ffmpeg refused a file");
            DecodeError::Undecodable(format!("ffmpeg cannot decode the {what} file"))
        }
        ToolError::TimedOut { .. } | ToolError::Stalled { .. } => {
            DecodeError::Undecodable(format!("decoding the {what} file makes no progress"))
        }
        ToolError::TooMuchOutput { limit_bytes, .. } => DecodeError::LimitExceeded {
            what: "the index of the file",
            found: "larger".to_owned(),
            limit: format!("{} MiB", limit_bytes >> 20),
        },
        ToolError::Broken { source, .. } => DecodeError::Io(source),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_major_and_minor() {
        assert_eq!(release_of("ffmpeg version 5.1.9-0+deb12u1 Copyright (c)"), "5.1");
        assert_eq!(release_of("ffmpeg version 7.0 Copyright"), "7.0");
        assert_eq!(release_of("ffmpeg version N-110000-g1234abc Copyright"), "N-110000-g1234abc");
        assert_eq!(release_of(""), "unknown");
    }
}
