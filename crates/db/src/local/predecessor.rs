//! Cleans up after an earlier server: its processes that are still ending, and its stale pid and lock files.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const STOP_TIMEOUT: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(20);

/// Waits until all processes of an earlier server have ended, then removes its `postmaster.pid` and its lock of
/// `socket`.
///
/// A server whose harkback was killed is still shutting down and must finish. `postmaster.pid` alone is no evidence:
/// after a crash it is stale, and its process id may be in use by any other process (in a container, often the first),
/// or the file is empty; Postgres would refuse to start. The same applies to the lock of the socket, which names the
/// same process. The processes of a server have its data directory as their working directory. The caller holds the
/// lock of the cluster, so no other harkback starts a server meanwhile.
pub(super) fn clear(data: &Path, socket: &Path) {
    if !wait_until_unused(&[data]) {
        // Postgres checks the file itself.
        return;
    }
    let mut socket_lock = socket.as_os_str().to_owned();
    socket_lock.push(".lock");
    for file in [data.join("postmaster.pid"), PathBuf::from(socket_lock)] {
        if cfg!(target_os = "linux") && file.exists() {
            tracing::warn!(file = %file.display(), "removing what a server that crashed left");
            if let Err(error) = fs::remove_file(&file) {
                tracing::warn!(%error, file = %file.display(), "could not remove it");
            }
        }
    }
}

/// Waits until no other process works in `directories`; false on timeout.
pub(super) fn wait_until_unused(directories: &[&Path]) -> bool {
    let deadline = Instant::now() + STOP_TIMEOUT;
    while is_in_use(directories) {
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(POLL);
    }
    true
}

/// Whether another process has one of `directories` as its working directory. Linux only; elsewhere Postgres decides.
pub(super) fn is_in_use(directories: &[&Path]) -> bool {
    let own = std::process::id().to_string();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter(|process| process.file_name() != own.as_str())
        .filter_map(|process| fs::read_link(process.path().join("cwd")).ok())
        .any(|cwd| directories.iter().any(|directory| cwd == *directory))
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn stale_pid_file_is_removed_and_a_running_server_awaited() {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().canonicalize().unwrap();
        let (file, socket) = (data.join("postmaster.pid"), data.join(".s.PGSQL.5432"));
        let socket_lock = data.join(".s.PGSQL.5432.lock");
        for stale in ["", "1\n", "garbage", &format!("{}\n", std::process::id())] {
            fs::write(&file, stale).unwrap();
            fs::write(&socket_lock, stale).unwrap();
            let began = Instant::now();
            clear(&data, &socket);
            assert!(!socket_lock.exists(), "{stale:?}");
            assert!(!file.exists() && began.elapsed() < Duration::from_secs(2), "{stale:?}");
        }
        fs::write(&file, "7\n").unwrap();
        let mut running =
            Command::new("sleep").arg("0.5").current_dir(&data).stdin(Stdio::null()).spawn().unwrap();
        let began = Instant::now();
        let waiter = std::thread::spawn(move || running.wait());
        clear(&data, &socket);
        assert!(began.elapsed() > Duration::from_millis(400) && !file.exists());
        waiter.join().unwrap().unwrap();
    }
}
