//! Processes for worker threads. The thread that starts a program must outlive it: the kernel kills the program when
//! that thread ends.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::process::{Child, ChildStdout};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::command::{MAX_ERROR_BYTES, confined, span_of};
use crate::{ProcessLimits, ToolError};

/// Intervals at which the end of a program is polled: programs usually end soon after their output.
const FIRST_PAUSE: Duration = Duration::from_micros(100);
const MAX_PAUSE: Duration = Duration::from_millis(20);

/// A running program and all processes that it started. Dropping this value kills them.
#[derive(Debug)]
pub struct BlockingProcess {
    program: String,
    child: Child,
    group: Option<Pid>,
    errors: Option<JoinHandle<Vec<u8>>>,
    _span: tracing::Span,
}

impl BlockingProcess {
    /// Starts `program`, which inherits the file descriptor `kept` under the same number.
    ///
    /// # Errors
    /// [`ToolError::Unavailable`] when the program cannot be started.
    pub fn start<A: AsRef<OsStr>>(
        program: &Path,
        arguments: impl IntoIterator<Item = A>,
        limits: ProcessLimits,
        kept: Option<BorrowedFd<'_>>,
    ) -> Result<Self, ToolError> {
        let name = program.display().to_string();
        let spawned = confined(program, arguments, limits, kept).spawn();
        let mut child = spawned.map_err(|source| ToolError::Unavailable { program: name.clone(), source })?;
        let group = Pid::from_raw(child.id().cast_signed());
        let errors = child.stderr.take().map(|pipe| std::thread::spawn(move || tail(pipe)));
        Ok(Self { program: name, child, group, errors, _span: span_of(program) })
    }

    /// Takes the program's standard output; `None` on later calls.
    pub fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Path of the program, as passed to [`BlockingProcess::start`].
    #[must_use]
    pub fn program(&self) -> &str {
        &self.program
    }

    /// Waits up to `limit` for the program to end and returns the end of its standard error. Read its output first: a
    /// program that blocks on its output does not end.
    ///
    /// # Errors
    /// [`ToolError::Stalled`] when the program has not ended within `limit`; it is then killed. [`ToolError::Failed`]
    /// when the exit status is not success, [`ToolError::Broken`] when waiting fails.
    pub fn finish(mut self, limit: Duration) -> Result<String, ToolError> {
        let begun = Instant::now();
        let mut pause = FIRST_PAUSE;
        let status = loop {
            match self.child.try_wait() {
                Ok(Some(status)) => break status,
                // Dropping `self` kills the program.
                Ok(None) if begun.elapsed() >= limit => {
                    return Err(ToolError::Stalled { program: self.program.clone(), limit });
                }
                Ok(None) => std::thread::sleep(pause),
                Err(source) => return Err(ToolError::Broken { program: self.program.clone(), source }),
            }
            pause = (pause * 2).min(MAX_PAUSE);
        };
        let errors = self.kill();
        if status.success() {
            return Ok(errors);
        }
        Err(ToolError::Failed { program: self.program.clone(), status, errors })
    }

    /// Kills the process group and returns the end of standard error.
    fn kill(&mut self) -> String {
        if let Some(group) = self.group.take() {
            // Fails only when the group has no process left.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let errors = self.errors.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        String::from_utf8_lossy(&errors).trim().to_owned()
    }
}

impl Drop for BlockingProcess {
    fn drop(&mut self) {
        self.kill();
        // Reaps the killed process.
        let _ = self.child.wait();
    }
}

/// The last [`MAX_ERROR_BYTES`] bytes of a pipe. The whole pipe is read so that the writer never blocks.
fn tail(mut pipe: impl Read) -> Vec<u8> {
    let (mut kept, mut piece) = (Vec::new(), vec![0; MAX_ERROR_BYTES]);
    while let Ok(count @ 1..) = pipe.read(&mut piece) {
        kept.extend_from_slice(&piece[..count]);
        kept.drain(..kept.len().saturating_sub(MAX_ERROR_BYTES));
    }
    kept
}

/// A pipe whose reads each have a time limit.
///
/// # Examples
///
/// ```
/// use std::io::{ErrorKind, Read};
/// use std::path::Path;
/// use std::time::Duration;
///
/// use confined_process::{BlockingProcess, ProcessLimits, TimedPipe};
///
/// let limits = ProcessLimits { memory_bytes: 1 << 30 };
/// let mut process =
///     BlockingProcess::start(Path::new("/bin/sh"), ["-c", "echo first; exec sleep 20"], limits, None)?;
/// let stdout = process.stdout().expect("taken once");
/// let mut pipe = TimedPipe::new(stdout, Duration::from_millis(500))?;
/// let mut buffer = [0; 16];
/// let count = pipe.read(&mut buffer)?;
/// assert_eq!(&buffer[..count], b"first\n");
/// assert_eq!(pipe.read(&mut buffer).unwrap_err().kind(), ErrorKind::TimedOut);
/// drop(process); // kills the program
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct TimedPipe {
    file: File,
    limit: Timespec,
}

impl TimedPipe {
    /// Wraps `pipe` with `limit` as the timeout of each read.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] when `limit` is out of range.
    pub fn new(pipe: impl Into<OwnedFd>, limit: Duration) -> io::Result<Self> {
        let limit = Timespec::try_from(limit).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(Self { file: File::from(pipe.into()), limit })
    }
}

impl Read for TimedPipe {
    /// Fails with [`io::ErrorKind::TimedOut`] when no data arrives within the limit.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut ready = [PollFd::new(&self.file, PollFlags::IN)];
        match poll(&mut ready, Some(&self.limit)) {
            Ok(0) => Err(io::ErrorKind::TimedOut.into()),
            Ok(_) => self.file.read(buffer),
            Err(error) => Err(error.into()),
        }
    }
}

impl AsFd for TimedPipe {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// Runs `program` and returns its standard output, at most `max_bytes`. The program is stopped after writing nothing
/// for `stall_limit`, or when it has not ended `stall_limit` after the end of its output.
///
/// # Examples
///
/// ```
/// use std::path::Path;
/// use std::time::Duration;
///
/// use confined_process::{ProcessLimits, ToolError, blocking_output};
///
/// let run = |script: &str| {
///     let limits = ProcessLimits { memory_bytes: 1 << 30 };
///     blocking_output(Path::new("/bin/sh"), ["-c", script], limits, Duration::from_secs(10), 1_000)
/// };
/// assert_eq!(run("echo text")?, b"text\n");
/// assert_eq!(run("echo \"$HOME\"")?, b"\n", "the environment is empty");
/// assert!(matches!(run("exec yes"), Err(ToolError::TooMuchOutput { limit_bytes: 1_000, .. })));
/// match run("echo reason >&2; exit 3") {
///     Err(ToolError::Failed { status, errors, .. }) => assert_eq!((status.code(), errors.as_str()), (Some(3), "reason")),
///     other => panic!("{other:?}"),
/// }
/// # Ok::<(), ToolError>(())
/// ```
///
/// # Errors
/// [`ToolError`] when the program cannot be started, fails or exceeds a limit.
pub fn blocking_output<A: AsRef<OsStr>>(
    program: &Path,
    arguments: impl IntoIterator<Item = A>,
    limits: ProcessLimits,
    stall_limit: Duration,
    max_bytes: u64,
) -> Result<Vec<u8>, ToolError> {
    let mut process = BlockingProcess::start(program, arguments, limits, None)?;
    let program = process.program().to_owned();
    let mut written = Vec::new();
    if let Some(stdout) = process.stdout() {
        let read = TimedPipe::new(stdout, stall_limit)
            .and_then(|pipe| pipe.take(max_bytes.saturating_add(1)).read_to_end(&mut written));
        match read {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                return Err(ToolError::Stalled { program, limit: stall_limit });
            }
            Err(source) => return Err(ToolError::Broken { program, source }),
        }
    }
    if written.len() as u64 > max_bytes {
        return Err(ToolError::TooMuchOutput { program, limit_bytes: max_bytes });
    }
    process.finish(stall_limit).map(|_| written)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: ProcessLimits = ProcessLimits { memory_bytes: 1 << 30 };

    fn sh(script: &str, stall_limit: Duration) -> Result<Vec<u8>, ToolError> {
        blocking_output(Path::new("/bin/sh"), ["-c", script], LIMITS, stall_limit, 1_000)
    }

    #[test]
    fn output_is_limited_in_size_and_time_without_output() {
        let long = Duration::from_secs(20);
        assert_eq!(sh("echo text; echo more >&2", long).unwrap(), b"text\n");
        assert!(matches!(sh("exec yes", long), Err(ToolError::TooMuchOutput { .. })));
        let short = Duration::from_millis(50);
        assert!(matches!(sh("exec sleep 20", short), Err(ToolError::Stalled { .. })));
        let closed = sh("exec >&-; exec sleep 20", short);
        assert!(
            matches!(closed, Err(ToolError::Stalled { .. })),
            "its output has ended, it has not: {closed:?}"
        );
        match sh("echo why >&2; exit 3", long) {
            Err(ToolError::Failed { errors, .. }) => assert_eq!(errors, "why"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn memory_is_limited_and_the_environment_is_empty() {
        let seen = sh("ulimit -v; echo \"[$HOME]\"", Duration::from_secs(20)).unwrap();
        assert_eq!(String::from_utf8(seen).unwrap(), format!("{}\n[]\n", (1 << 30) / 1_024));
    }
}
