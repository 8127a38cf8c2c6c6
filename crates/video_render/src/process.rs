//! Other programs: no shell, nothing of our environment, and no process that outlives who waits for it.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{
    Pid, Resource, Rlimit, Signal, getpid, getppid, kill_process_group, prlimit,
    set_parent_process_death_signal,
};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, ChildStdout, Command};
use tokio::task::JoinHandle;

/// How much of what a program complains about is kept: the end of it, in bytes.
const KEPT_ERRORS: usize = 8 << 10;

/// Why a program did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// It is not there, or is not a program.
    #[error("{program} cannot be run: {source}")]
    Unavailable {
        /// Its path.
        program: String,
        /// Why not.
        source: io::Error,
    },
    /// It ran longer than it may.
    #[error("{program} was stopped after {limit:?}")]
    TimedOut {
        /// Its path.
        program: String,
        /// How long it may run.
        limit: Duration,
    },
    /// It made no progress for too long.
    #[error("{program} made no progress for {limit:?} and was stopped")]
    Stalled {
        /// Its path.
        program: String,
        /// How long it may be silent.
        limit: Duration,
    },
    /// It wrote more than it may.
    #[error("{program} wrote more than {limit_bytes} bytes")]
    TooMuchOutput {
        /// Its path.
        program: String,
        /// How much it may write.
        limit_bytes: u64,
    },
    /// It ended with a failure.
    #[error("{program} ended with {status}: {errors}")]
    Failed {
        /// Its path.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// The end of what it wrote to standard error.
        errors: String,
    },
    /// Waiting for it, or reading from it, failed.
    #[error("talking to {program} failed")]
    Broken {
        /// Its path.
        program: String,
        /// Why.
        source: io::Error,
    },
}

/// A running program, and all processes that it started. Dropped, they are killed.
#[derive(Debug)]
pub(crate) struct Process {
    program: String,
    child: Child,
    group: Option<Pid>,
    errors: JoinHandle<Vec<u8>>,
}

impl Process {
    /// Starts `program` in a process group of its own, with an empty environment and no input.
    pub(crate) fn start<A: AsRef<OsStr>>(
        program: &Path,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Self, ToolError> {
        let name = program.display().to_string();
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        end_with_us(&mut command);
        let mut child =
            command.spawn().map_err(|source| ToolError::Unavailable { program: name.clone(), source })?;
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let errors = tokio::spawn(tail(child.stderr.take()));
        Ok(Self { program: name, child, group, errors })
    }

    /// Holds every file that it writes to `bytes`; the kernel ends it beyond that.
    pub(crate) fn limit_file_size(&self, bytes: u64) -> Result<(), ToolError> {
        let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
        match prlimit(self.group, Resource::Fsize, limit) {
            // It ended already; how, is told when it is waited for.
            Ok(_) | Err(Errno::SRCH) => Ok(()),
            Err(error) => Err(self.broken(error.into())),
        }
    }

    pub(crate) fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Waits for its end.
    pub(crate) async fn finish(mut self) -> Result<(), ToolError> {
        let status = self.child.wait().await.map_err(|source| self.broken(source))?;
        // Whoever is left of the group holds the pipe of errors open.
        self.kill_group();
        if status.success() {
            return Ok(());
        }
        let errors = (&mut self.errors).await.unwrap_or_default();
        let errors = String::from_utf8_lossy(&errors).trim().to_owned();
        Err(ToolError::Failed { program: self.program.clone(), status, errors })
    }

    pub(crate) fn program(&self) -> &str {
        &self.program
    }

    pub(crate) fn broken(&self, source: io::Error) -> ToolError {
        ToolError::Broken { program: self.program.clone(), source }
    }

    fn kill_group(&mut self) {
        if let Some(group) = self.group.take() {
            // Fails only when nobody is left.
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

/// Has the kernel kill the program when we are killed ourselves, and have no time to do it.
///
/// It does so when the *thread* that started the program ends. That is the runtime's: its workers, and the one that
/// waits in `block_on`, live as long as it does. Threads for blocking work do not, and must not start programs.
fn end_with_us(command: &mut Command) {
    let us = getpid();
    let bind = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // We may have ended before.
        if getppid() == Some(us) { Ok(()) } else { Err(Errno::SRCH.into()) }
    };
    #[expect(
        unsafe_code,
        reason = "the signal can be asked for only by the program itself, before it is run"
    )]
    // SAFETY: between fork and exec, `bind` makes two system calls; it allocates nothing and takes no lock.
    unsafe {
        command.pre_exec(bind);
    }
}

/// The last of what a pipe gives; all of it is read, so that the writer never waits.
async fn tail(pipe: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let Some(mut pipe) = pipe else { return Vec::new() };
    let (mut kept, mut piece) = (Vec::new(), vec![0; KEPT_ERRORS]);
    while let Ok(count @ 1..) = pipe.read(&mut piece).await {
        kept.extend_from_slice(&piece[..count]);
        kept.drain(..kept.len().saturating_sub(KEPT_ERRORS));
    }
    kept
}

/// Runs `program` and gives what it wrote to standard output, at most `max_bytes`.
pub(crate) async fn output<A: AsRef<OsStr>>(
    program: &Path,
    arguments: impl IntoIterator<Item = A>,
    limit: Duration,
    max_bytes: u64,
) -> Result<Vec<u8>, ToolError> {
    let mut process = Process::start(program, arguments)?;
    let name = process.program().to_owned();
    let all = async {
        let mut written = Vec::new();
        if let Some(stdout) = process.stdout() {
            let read = stdout.take(max_bytes + 1).read_to_end(&mut written).await;
            read.map_err(|source| process.broken(source))?;
        }
        if written.len() as u64 > max_bytes {
            let program = process.program().to_owned();
            return Err(ToolError::TooMuchOutput { program, limit_bytes: max_bytes });
        }
        process.finish().await.map(|()| written)
    };
    match tokio::time::timeout(limit, all).await {
        Ok(result) => result,
        Err(_) => Err(ToolError::TimedOut { program: name, limit }),
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::{WaitOptions, waitpid};

    use super::*;

    #[test]
    fn a_program_does_not_outlive_who_started_it() {
        let start = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let process = Process::start(Path::new("/bin/sleep"), ["20"]).unwrap();
                let id = process.group.unwrap();
                // Whoever is killed drops nothing.
                std::mem::forget(process);
                id
            })
        };
        let id = std::thread::spawn(start).join().unwrap();
        let (_, status) = waitpid(Some(id), WaitOptions::empty()).unwrap().unwrap();
        assert_eq!(status.terminating_signal(), Some(Signal::KILL.as_raw()));
    }
}
