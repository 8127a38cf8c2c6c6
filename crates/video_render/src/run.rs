//! Runs a plan: ffmpeg with limits on time, progress and output.

use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use media_time::MediaTime;
use rustix::process::Signal;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use crate::plan::{Argument, source_name};
use confined_process::{Process, ToolError};

/// Resource limits of a render.
#[derive(Clone, Copy, Debug)]
pub struct RenderLimits {
    /// Longest run time of a render: of ffmpeg, or of all its calls for a film.
    pub time: Duration,
    /// Longest time without a progress report.
    pub stall: Duration,
    /// Largest output file, in bytes.
    pub output_bytes: u64,
}

/// Limit of the address space of a render; a 4K encoder with its frames uses less than 3 GiB.
const MEMORY: confined_process::ProcessLimits = confined_process::ProcessLimits { memory_bytes: 12 << 30 };

/// Number of bytes of progress reports that are kept: more than one report.
const MAX_REPORT: usize = 4_096;

/// The path by which another process of this user opens the same open file as `file`.
pub(crate) fn path_of(file: &impl AsFd) -> PathBuf {
    format!("/proc/{}/fd/{}", std::process::id(), file.as_fd().as_raw_fd()).into()
}

/// Runs ffmpeg on `sources` and writes `output`; `progress` gets the position in the output. Returns the number of video
/// frames that it reported. The process is killed on errors and when the future is dropped.
///
/// # Errors
/// [`ToolError`] when ffmpeg cannot be started, fails or exceeds a limit.
pub(crate) async fn run(
    ffmpeg: &Path,
    arguments: &[Argument],
    sources: &[PathBuf],
    output: &Path,
    limits: RenderLimits,
    progress: &(dyn Fn(MediaTime) + Sync),
) -> Result<i64, ToolError> {
    let arguments = arguments.iter().map(|argument| match argument {
        Argument::Text(text) => OsString::from(with_path(text, sources)),
        // The indices of a plan are those of its sources.
        Argument::Source(index) => sources.get(*index).map(OsString::from).unwrap_or_default(),
        Argument::Output => output.into(),
    });
    let process = Process::start(ffmpeg, arguments, MEMORY)?;
    process.limit_file_size(limits.output_bytes)?;
    let program = process.program().to_owned();
    match timeout(limits.time, watch(process, limits.stall, progress)).await {
        Ok(Err(ToolError::Failed { program, status, .. }))
            if status.signal() == Some(Signal::XFSZ.as_raw()) =>
        {
            Err(ToolError::TooMuchOutput { program, limit_bytes: limits.output_bytes })
        }
        Ok(result) => result,
        Err(_) => Err(ToolError::TimedOut { program, limit: limits.time }),
    }
}

/// A text with the path of the last source, which a filter may read. Such a path has no characters with a meaning in
/// filters, see [`path_of`].
fn with_path(text: &str, sources: &[PathBuf]) -> String {
    match sources.split_last() {
        Some((last, before)) => text.replace(&source_name(before.len()), &last.to_string_lossy()),
        None => text.to_owned(),
    }
}

/// Reads the progress reports of ffmpeg until it ends.
async fn watch(
    mut process: Process,
    stall_limit: Duration,
    progress: &(dyn Fn(MediaTime) + Sync),
) -> Result<i64, ToolError> {
    let Some(mut stdout) = process.stdout() else { return process.finish().await.map(|()| 0) };
    let mut piece = vec![0; 4_096];
    let mut report = Vec::new();
    loop {
        match timeout(stall_limit, stdout.read(&mut piece)).await {
            Ok(Ok(0)) => break,
            Ok(Ok(count)) => {
                // A report may arrive in parts.
                report.extend_from_slice(&piece[..count]);
                report.drain(..report.len().saturating_sub(MAX_REPORT));
                if let Some(position) = last(&report, "out_time_us=") {
                    progress(MediaTime::from_micros(position));
                }
            }
            Ok(Err(source)) if source.kind() == io::ErrorKind::Interrupted => {}
            Ok(Err(source)) => return Err(process.io_error(source)),
            Err(_) => {
                let program = process.program().to_owned();
                return Err(ToolError::Stalled { program, limit: stall_limit });
            }
        }
    }
    let program = process.program().to_owned();
    match timeout(stall_limit, process.finish()).await {
        Ok(result) => result.map(|()| last(&report, "frame=").unwrap_or(0)),
        Err(_) => Err(ToolError::Stalled { program, limit: stall_limit }),
    }
}

/// The value of the last whole line `name` in progress reports, e.g. `frame=`.
fn last(report: &[u8], name: &str) -> Option<i64> {
    let report = std::str::from_utf8(report).ok()?;
    let (whole, _) = report.rsplit_once('\n')?;
    whole.lines().rev().find_map(|line| line.strip_prefix(name))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_name_the_last_source() {
        let sources = ["/proc/1/fd/3", "/proc/1/fd/4"].map(PathBuf::from);
        let named = |text| with_path(text, &sources);
        assert_eq!(named("[0:v]ass=filename={source:1}[v]"), "[0:v]ass=filename=/proc/1/fd/4[v]");
        assert_eq!(named("{source:0}"), "{source:0}");
    }

    #[test]
    fn progress_is_read_from_reports() {
        let report = b"frame=1\nout_time_us=40000\nprogress=continue\nout_time_us=80000\nspeed=2x\n";
        assert_eq!(last(report, "out_time_us="), Some(80_000));
        assert_eq!(last(report, "frame="), Some(1));
        assert_eq!(last(b"frame=12\nframe=13", "frame="), Some(12), "the last line is incomplete");
        assert_eq!(last(b"out_time_us=N/A\n", "out_time_us="), None);
        assert_eq!(last(b"\xff\n", "frame="), None);
    }
}
