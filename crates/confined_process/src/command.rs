use std::ffi::OsStr;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::process::{
    Resource, Rlimit, Signal, getpid, getppid, set_parent_process_death_signal, setrlimit,
};

/// Bytes of standard error that are kept, from its end.
pub(crate) const MAX_ERROR_BYTES: usize = 8 << 10;

/// Resource limits of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessLimits {
    /// Address space in bytes (`RLIMIT_AS`): allocations beyond it fail inside the program.
    pub memory_bytes: u64,
}

/// The tracing span of a running program; it is closed once the program has been waited for.
pub(crate) fn span_of(program: &Path) -> tracing::Span {
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    tracing::info_span!("process", program = %name)
}

/// The command for `program` with `arguments`: no input, an empty environment, piped output, a process group of its
/// own, resource limits, and a kill signal from the kernel when its parent thread ends. The program inherits the file
/// descriptor `kept` under the same number.
pub(crate) fn confined<A: AsRef<OsStr>>(
    program: &Path,
    arguments: impl IntoIterator<Item = A>,
    limits: ProcessLimits,
    kept: Option<BorrowedFd<'_>>,
) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        // glibc reserves 64 MiB of address space per arena, and creates up to eight arenas per core.
        .env("MALLOC_ARENA_MAX", "4")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    die_with_parent(&mut command, Signal::KILL);
    let kept = kept.map(|fd| fd.as_raw_fd());
    let confine = move || {
        let bytes = Some(limits.memory_bytes);
        setrlimit(Resource::As, Rlimit { current: bytes, maximum: bytes })?;
        if let Some(fd) = kept {
            #[expect(unsafe_code, reason = "a raw descriptor is all that outlives the fork")]
            // SAFETY: the caller of `confined` holds the descriptor open until the program was spawned.
            let fd = unsafe { BorrowedFd::borrow_raw(fd) };
            fcntl_setfd(fd, FdFlags::empty())?;
        }
        Ok(())
    };
    #[expect(unsafe_code, reason = "limits can only be set between fork and exec")]
    // SAFETY: `confine` makes system calls only; it allocates nothing and takes no lock.
    unsafe {
        command.pre_exec(confine);
    }
    command
}

/// Makes the kernel send `signal` to the program when the *thread* that starts it ends, for any reason.
pub fn die_with_parent(command: &mut Command, signal: Signal) {
    let parent = getpid();
    let request = move || {
        set_parent_process_death_signal(Some(signal))?;
        // The parent may have died before the signal was requested.
        if getppid() == Some(parent) { Ok(()) } else { Err(Errno::SRCH.into()) }
    };
    #[expect(unsafe_code, reason = "the signal can only be requested between fork and exec")]
    // SAFETY: `request` makes system calls only; it allocates nothing and takes no lock.
    unsafe {
        command.pre_exec(request);
    }
}
