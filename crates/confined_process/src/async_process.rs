//! Processes for async callers.
//!
//! A program is killed when the *thread* that started it ends. The runtime's worker threads, and the thread that waits
//! in `block_on`, live as long as the runtime. Threads of `spawn_blocking` do not and must use [`BlockingProcess`],
//! whose caller waits for the program.
//!
//! [`BlockingProcess`]: crate::BlockingProcess

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process_group, prlimit};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, ChildStdout, Command};
use tokio::task::JoinHandle;

use crate::command::{MAX_ERROR_BYTES, confined, span_of};
use crate::{ProcessLimits, ToolError};

/// A running program and all processes that it started. Dropping this value kills them.
#[derive(Debug)]
pub struct Process {
    program: String,
    child: Child,
    group: Option<Pid>,
    errors: JoinHandle<Vec<u8>>,
    _span: tracing::Span,
}

impl Process {
    /// Starts `program` with `arguments` within `limits`: without input and shell, with an empty environment.
    ///
    /// # Errors
    /// [`ToolError::Unavailable`] when the program cannot be started.
    pub fn start<A: AsRef<OsStr>>(
        program: &Path,
        arguments: impl IntoIterator<Item = A>,
        limits: ProcessLimits,
    ) -> Result<Self, ToolError> {
        let name = program.display().to_string();
        let mut command = Command::from(confined(program, arguments, limits, None));
        command.kill_on_drop(true);
        let mut child =
            command.spawn().map_err(|source| ToolError::Unavailable { program: name.clone(), source })?;
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let errors = tokio::spawn(tail(child.stderr.take()));
        Ok(Self { program: name, child, group, errors, _span: span_of(program) })
    }

    /// Limits every file that the program writes to `bytes`; the kernel kills the program when a file exceeds that.
    ///
    /// # Errors
    /// [`ToolError::Broken`] when the limit cannot be set.
    pub fn limit_file_size(&self, bytes: u64) -> Result<(), ToolError> {
        // The program has been killed. Without a process id, `prlimit` would limit the calling process.
        let Some(group) = self.group else { return Ok(()) };
        let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
        match prlimit(Some(group), Resource::Fsize, limit) {
            // The program has already ended; waiting for it reports its status.
            Ok(_) | Err(Errno::SRCH) => Ok(()),
            Err(error) => Err(self.io_error(error.into())),
        }
    }

    /// Takes the program's standard output; `None` on later calls.
    pub fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Waits for the program to end.
    ///
    /// # Errors
    /// [`ToolError::Failed`] when the exit status is not success, [`ToolError::Broken`] when waiting fails.
    pub async fn finish(mut self) -> Result<(), ToolError> {
        let status = self.child.wait().await.map_err(|source| self.io_error(source))?;
        // Any process left in the group holds the pipe of standard error open.
        self.kill_group();
        if status.success() {
            return Ok(());
        }
        let errors = (&mut self.errors).await.unwrap_or_default();
        let errors = String::from_utf8_lossy(&errors).trim().to_owned();
        Err(ToolError::Failed { program: self.program.clone(), status, errors })
    }

    /// Path of the program, as passed to [`Process::start`].
    #[must_use]
    pub fn program(&self) -> &str {
        &self.program
    }

    /// A [`ToolError::Broken`] for this program.
    #[must_use]
    pub fn io_error(&self, source: io::Error) -> ToolError {
        ToolError::Broken { program: self.program.clone(), source }
    }

    fn kill_group(&mut self) {
        if let Some(group) = self.group.take() {
            // Fails only when the group has no process left.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill_group();
        self.errors.abort();
    }
}

/// The last [`MAX_ERROR_BYTES`] bytes of a pipe. The whole pipe is read so that the writer never blocks.
async fn tail(pipe: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let Some(mut pipe) = pipe else { return Vec::new() };
    let (mut kept, mut piece) = (Vec::new(), vec![0; MAX_ERROR_BYTES]);
    while let Ok(count @ 1..) = pipe.read(&mut piece).await {
        kept.extend_from_slice(&piece[..count]);
        kept.drain(..kept.len().saturating_sub(MAX_ERROR_BYTES));
    }
    kept
}

/// Runs `program` for at most `time` and returns its standard output, at most `max_bytes`.
///
/// # Examples
///
/// ```
/// use std::path::Path;
/// use std::time::Duration;
///
/// use confined_process::{ProcessLimits, ToolError, output};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), ToolError> {
/// let limits = ProcessLimits { memory_bytes: 1 << 30 };
/// let written = output(Path::new("/bin/echo"), ["a b", "$HOME"], limits, Duration::from_secs(10), 100).await?;
/// assert_eq!(written, b"a b $HOME\n", "no shell reads the arguments");
///
/// let late = output(Path::new("/bin/sleep"), ["20"], limits, Duration::from_millis(50), 100).await;
/// assert!(matches!(late, Err(ToolError::TimedOut { .. })));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`ToolError`] when the program cannot be started, fails or exceeds a limit.
pub async fn output<A: AsRef<OsStr>>(
    program: &Path,
    arguments: impl IntoIterator<Item = A>,
    limits: ProcessLimits,
    time: Duration,
    max_bytes: u64,
) -> Result<Vec<u8>, ToolError> {
    let mut process = Process::start(program, arguments, limits)?;
    let name = process.program().to_owned();
    let all = async {
        let mut written = Vec::new();
        if let Some(stdout) = process.stdout() {
            let read = stdout.take(max_bytes.saturating_add(1)).read_to_end(&mut written).await;
            read.map_err(|source| process.io_error(source))?;
        }
        if written.len() as u64 > max_bytes {
            let program = process.program().to_owned();
            return Err(ToolError::TooMuchOutput { program, limit_bytes: max_bytes });
        }
        process.finish().await.map(|()| written)
    };
    match tokio::time::timeout(time, all).await {
        Ok(result) => result,
        Err(_) => Err(ToolError::TimedOut { program: name, limit: time }),
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::{WaitOptions, getrlimit, waitpid};

    use super::*;

    const LIMITS: ProcessLimits = ProcessLimits { memory_bytes: 1 << 30 };

    #[tokio::test]
    async fn file_size_limit_of_a_killed_process_does_not_limit_the_caller() {
        let mut process = Process::start(Path::new("/bin/sleep"), ["20"], LIMITS).unwrap();
        process.kill_group();
        let own = getrlimit(Resource::Fsize);
        process.limit_file_size(1 << 40).unwrap();
        assert_eq!(getrlimit(Resource::Fsize), own);
    }

    #[tokio::test]
    async fn output_may_have_the_largest_limit() {
        let written =
            output(Path::new("/bin/echo"), ["text"], LIMITS, Duration::from_secs(20), u64::MAX).await;
        assert_eq!(written.unwrap(), b"text\n");
    }

    #[test]
    fn process_is_killed_when_its_parent_thread_ends() {
        let start = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let process = Process::start(Path::new("/bin/sleep"), ["20"], LIMITS).unwrap();
                let id = process.group.unwrap();
                // A killed parent runs no destructors.
                std::mem::forget(process);
                id
            })
        };
        let id = std::thread::spawn(start).join().unwrap();
        let (_, status) = waitpid(Some(id), WaitOptions::empty()).unwrap().unwrap();
        assert_eq!(status.terminating_signal(), Some(Signal::KILL.as_raw()));
    }
}
