//! Runs a command with a throwaway Postgres: `with_postgres COMMAND [ARGUMENT…]`. Called by `tools/with-postgres.sh`.
//!
//! The command gets a superuser's URL as `TEST_DATABASE_URL`. When it ends, or this process is interrupted, the server
//! stops and its directory is removed. If this process is killed, the kernel stops the server.

use std::error::Error;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitCode, ExitStatus, Stdio};

use db::testing::{ThrowawayCluster, url};
use rustix::process::{Pid, Signal as Kill};
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Added to the number of a signal, as shells do.
const ENDED_BY_SIGNAL: i32 = 128;

#[tokio::main]
async fn main() -> ExitCode {
    match run(std::env::args_os().skip(1).collect()).await {
        Ok(code) => ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)),
        Err(error) => {
            // A closed standard error is no reason to panic.
            let _ = writeln!(io::stderr(), "with_postgres: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns the exit code of the command, or that of the signal which ended either process.
async fn run(mut command: Vec<OsString>) -> Result<i32, Box<dyn Error>> {
    if command.is_empty() {
        return Err("usage: with_postgres COMMAND [ARGUMENT…]".into());
    }
    let arguments = command.split_off(1);
    let program = command.remove(0);
    // From here on a signal does not end this process, so that the server is stopped by its destructor.
    let mut signals = Signals::listen()?;
    let cluster = tokio::task::spawn_blocking(ThrowawayCluster::start).await??;
    let mut child = Command::new(&program)
        .args(arguments)
        .env("TEST_DATABASE_URL", url(&cluster.connect_options()))
        .stdin(Stdio::null())
        // A Ctrl-C at the terminal reaches this process alone, which ends the command before the server.
        .process_group(0)
        .spawn()
        .map_err(|error| format!("{}: {error}", program.display()))?;
    let code = tokio::select! {
        ended = child.wait() => code_of(ended?),
        kind = signals.next() => {
            terminate(&mut child).await?;
            ENDED_BY_SIGNAL + kind.as_raw_value()
        }
    };
    tokio::task::spawn_blocking(move || drop(cluster)).await?;
    Ok(code)
}

/// Sends SIGTERM to the command's process group, and waits for the command.
async fn terminate(child: &mut Child) -> io::Result<()> {
    let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    if let Some(group) = group {
        // An error means that the group has ended.
        let _ = rustix::process::kill_process_group(group, Kill::TERM);
    }
    child.wait().await.map(drop)
}

fn code_of(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| ENDED_BY_SIGNAL + status.signal().unwrap_or(0))
}

/// The signals that end a program which does not handle them, and that are sent by terminals and service managers.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        let interrupt = signal(SignalKind::interrupt())?;
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self { interrupt, terminate, hang_up: signal(SignalKind::hangup())? })
    }

    async fn next(&mut self) -> SignalKind {
        tokio::select! {
            _ = self.interrupt.recv() => SignalKind::interrupt(),
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.hang_up.recv() => SignalKind::hangup(),
        }
    }
}
