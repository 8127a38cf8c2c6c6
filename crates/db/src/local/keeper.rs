//! The thread that starts the server, restarts it when it dies, and stops it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use super::{ClusterError, predecessor};

const START_TIMEOUT: Duration = Duration::from_secs(60);
const STOP_TIMEOUT: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(20);
/// How often the server and the size of its log are checked.
const WATCH: Duration = Duration::from_millis(250);
/// Attempts to start a server that died, and the pause before the second one; each further pause is twice as long.
const TRIES: u32 = 6;
const PAUSE: Duration = Duration::from_secs(1);
/// A server that dies this often within [`DEATHS_WITHIN`] is not restarted.
const MAX_DEATHS: usize = 5;
const DEATHS_WITHIN: Duration = Duration::from_secs(300);
/// The log is rotated beyond this size, in bytes; one earlier log is kept.
const MAX_LOG: u64 = 10 << 20;

/// Runs the server; shuts it down on drop.
#[derive(Debug)]
pub(super) struct Keeper {
    /// Dropped first: the thread stops when the channel closes.
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    has_failed: Arc<AtomicBool>,
}

impl Keeper {
    /// Starts the server, and returns once it accepts connections.
    ///
    /// Uses a thread that lives as long as the server: Linux delivers a parent-death signal when the *thread* that
    /// started the child ends.
    pub(super) fn start(
        command: Command,
        data: PathBuf,
        socket: PathBuf,
        log: PathBuf,
    ) -> Result<Self, ClusterError> {
        let (stop, stopped) = mpsc::channel::<()>();
        let (ready, started) = mpsc::channel();
        let has_failed = Arc::new(AtomicBool::new(false));
        let failed = has_failed.clone();
        let mut server = Server { command, data, socket, log };
        let thread = std::thread::Builder::new()
            .name("postgres-keeper".to_owned())
            .spawn(move || match server.start(&stopped) {
                Ok(child) => {
                    if ready.send(Ok(())).is_ok() {
                        server.keep(child, &stopped, &failed);
                    } else {
                        shut_down(child);
                    }
                }
                Err(error) => drop(ready.send(Err(error))),
            })
            .map_err(ClusterError::io("starting the keeper of postgres"))?;
        started.recv().unwrap_or_else(|_| Err(ClusterError::Start("its keeper died".to_owned())))?;
        Ok(Self { stop: Some(stop), thread: Some(thread), has_failed })
    }

    pub(super) fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Relaxed)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Server {
    command: Command,
    data: PathBuf,
    socket: PathBuf,
    log: PathBuf,
}

impl Server {
    /// Starts the server and waits until it is ready; an error also when a stop is requested before that.
    fn start(&mut self, stopped: &Stopped) -> Result<Child, ClusterError> {
        let mut child = self.command.spawn().map_err(ClusterError::io("starting postgres"))?;
        match self.wait_until_ready(&mut child, stopped) {
            Ok(()) => Ok(child),
            Err(error) => {
                shut_down(child);
                Err(error)
            }
        }
    }

    fn wait_until_ready(&self, child: &mut Child, stopped: &Stopped) -> Result<(), ClusterError> {
        let deadline = Instant::now() + START_TIMEOUT;
        while Instant::now() < deadline {
            if let Ok(Some(_)) = child.try_wait() {
                return Err(ClusterError::Start(last_lines(&self.log)));
            }
            if answers(&self.socket) {
                return Ok(());
            }
            if has_stopped(stopped, POLL) {
                return Err(ClusterError::Start("it was stopped before it was ready".to_owned()));
            }
        }
        let waited = START_TIMEOUT.as_secs();
        Err(ClusterError::Start(format!("no answer within {waited} s; {}", last_lines(&self.log))))
    }

    /// Runs until the sender of `stopped` is dropped, or the server dies too often.
    fn keep(&mut self, mut child: Child, stopped: &Stopped, failed: &AtomicBool) {
        let mut deaths = Vec::new();
        loop {
            if has_stopped(stopped, WATCH) {
                return shut_down(child);
            }
            rotate(&self.log);
            let Ok(Some(status)) = child.try_wait() else { continue };
            tracing::error!(%status, log = last_lines(&self.log), "the private Postgres died; starting it again");
            deaths.retain(|death: &Instant| death.elapsed() < DEATHS_WITHIN);
            deaths.push(Instant::now());
            let restarted = if deaths.len() < MAX_DEATHS { self.start_again(stopped) } else { None };
            let Some(restarted) = restarted else {
                tracing::error!("the private Postgres cannot be started again");
                return failed.store(true, Ordering::Relaxed);
            };
            child = restarted;
        }
    }

    /// Tries several times to restart a server that died: the cause, such as a full disk, may be temporary.
    fn start_again(&mut self, stopped: &Stopped) -> Option<Child> {
        let mut pause = PAUSE;
        for attempt in 1..=TRIES {
            // Remaining processes of the dead server end once they detect that it is gone.
            predecessor::clear(&self.data, &self.socket);
            match self.start(stopped) {
                Ok(child) => return Some(child),
                Err(error) => tracing::error!(%error, attempt, "the private Postgres does not start"),
            }
            if attempt == TRIES || has_stopped(stopped, pause) {
                break;
            }
            pause *= 2;
        }
        None
    }
}

/// Closed to request a stop; no message is ever sent.
type Stopped = mpsc::Receiver<()>;

/// Waits up to `wait` for a stop request; returns whether there was one.
fn has_stopped(stopped: &Stopped, wait: Duration) -> bool {
    stopped.recv_timeout(wait) != Err(RecvTimeoutError::Timeout)
}

/// Fast shutdown (SIGINT: roll back, checkpoint, exit); if it hangs SIGQUIT, then SIGKILL.
fn shut_down(mut server: Child) {
    let pid = Pid::from_child(&server);
    for signal in [Signal::INT, Signal::QUIT, Signal::KILL] {
        // An error means that the process has ended, which `try_wait` detects.
        let _ = rustix::process::kill_process(pid, signal);
        let deadline = Instant::now() + STOP_TIMEOUT;
        while Instant::now() < deadline {
            if !matches!(server.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(POLL);
        }
    }
}

/// Rotates a log that has grown too large: copies it, then empties it, because the server continues to append to the
/// same file.
pub(super) fn rotate(log: &Path) {
    let is_large = fs::metadata(log).is_ok_and(|meta| meta.len() > MAX_LOG);
    if !is_large {
        return;
    }
    let rotated = || -> io::Result<()> {
        fs::copy(log, log.with_extension("log.1"))?;
        fs::File::options().write(true).open(log)?.set_len(0)
    };
    if let Err(error) = rotated() {
        tracing::warn!(%error, log = %log.display(), "the log of the private Postgres could not be put aside");
    }
}

/// Whether the server accepts `harkback`, by the first byte of its response to a start-up packet (protocol 3.0): `R` is
/// an authentication message (immediately with `trust`), `E` an error ("is starting up").
fn answers(socket: &Path) -> bool {
    use std::io::{Read, Write};
    let Ok(mut stream) = std::os::unix::net::UnixStream::connect(socket) else { return false };
    let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
    let mut packet = Vec::from([0, 0, 0, 0, 0, 3, 0, 0]);
    packet.extend_from_slice(b"user\0harkback\0database\0postgres\0\0");
    packet[3] = packet.len() as u8;
    let mut kind = [0u8];
    stream.write_all(&packet).is_ok() && stream.read_exact(&mut kind).is_ok() && kind == *b"R"
}

fn last_lines(log: &Path) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(5)..].join(" | ")
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn large_log_is_rotated_and_still_appended_to() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("postgres.log");
        let mut server = fs::File::options().create(true).append(true).open(&log).unwrap();
        server.write_all(b"small").unwrap();
        rotate(&log);
        assert_eq!(fs::read(&log).unwrap(), b"small");
        server.write_all(&vec![b'x'; MAX_LOG as usize]).unwrap();
        rotate(&log);
        server.write_all(b"after").unwrap();
        assert_eq!(fs::read(&log).unwrap(), b"after");
        assert_eq!(fs::metadata(directory.path().join("postgres.log.1")).unwrap().len(), MAX_LOG + 5);
    }
}
