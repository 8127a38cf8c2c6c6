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

use crate::plan::Argument;
use confined_process::{Process, ToolError};

/// Resource limits of a render.
#[derive(Clone, Copy, Debug)]
pub struct RenderLimits {
    /// Longest run time of ffmpeg.
    pub time: Duration,
    /// Longest time without a progress report.
    pub stall: Duration,
    /// Largest output file, in bytes.
    pub output_bytes: u64,
}

/// Limit of the address space of a render; a 4K encoder with its frames uses less than 3 GiB.
const MEMORY: confined_process::ProcessLimits = confined_process::ProcessLimits { memory_bytes: 12 << 30 };

/// The path by which another process of this user opens the same open file as `file`.
pub(crate) fn path_of(file: &impl AsFd) -> PathBuf {
    format!("/proc/{}/fd/{}", std::process::id(), file.as_fd().as_raw_fd()).into()
}

/// Runs ffmpeg on `sources` and writes `output`; `progress` gets the position in the output. The process is killed on
/// errors and when the future is dropped.
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
) -> Result<(), ToolError> {
    let arguments = arguments.iter().map(|argument| match argument {
        Argument::Text(text) => OsString::from(text),
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

/// Reads the progress reports of ffmpeg until it ends.
async fn watch(
    mut process: Process,
    stall_limit: Duration,
    progress: &(dyn Fn(MediaTime) + Sync),
) -> Result<(), ToolError> {
    let Some(mut stdout) = process.stdout() else { return process.finish().await };
    let mut piece = vec![0; 4_096];
    loop {
        match timeout(stall_limit, stdout.read(&mut piece)).await {
            Ok(Ok(0)) => break,
            Ok(Ok(count)) => {
                if let Some(position) = position(&piece[..count]) {
                    progress(position);
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
        Ok(result) => result,
        Err(_) => Err(ToolError::Stalled { program, limit: stall_limit }),
    }
}

/// Position of the render in the output, by the last `out_time_us=` of a progress report.
fn position(report: &[u8]) -> Option<MediaTime> {
    let report = std::str::from_utf8(report).ok()?;
    let (_, rest) = report.rsplit_once("out_time_us=")?;
    let digits = rest.lines().next()?;
    digits.parse().ok().map(MediaTime::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_read_from_reports() {
        let report = b"frame=1\nout_time_us=40000\nprogress=continue\nout_time_us=80000\nspeed=2x\n";
        assert_eq!(position(report), Some(MediaTime::from_millis(80)));
        assert_eq!(position(b"out_time_us=N/A\n"), None);
        assert_eq!(position(b"\xff"), None);
    }
}
