use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::time::sleep;
use url::Url;

use super::folders::Folders;
use super::signals::Signals;
use super::{ENV, TENANT, child};
use crate::service_client::ServiceClient;

const POLL: Duration = Duration::from_millis(100);
/// Maximum time until the service is ready; a new private Postgres takes seconds.
const START_LIMIT: Duration = Duration::from_secs(120);
/// Seconds that the service continues an analysis for after the demo was interrupted.
const GRACE_S: &str = "3";
/// Lines of the log in an error message.
const LAST_LINES: usize = 20;

/// The process `harkback serve`. Call [`Service::stop`] at the end: a dropped one runs until the demo has ended.
pub(super) struct Service<'a> {
    child: Child,
    folders: &'a Folders,
}

impl<'a> Service<'a> {
    /// Starts the service on a port that the kernel assigns.
    pub(super) fn start(folders: &'a Folders) -> anyhow::Result<Self> {
        let log = folders.create_log()?;
        let mut command = child::command()?;
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--audio-semantic-backend", "signal"])
            .args(["--shutdown-grace-s", GRACE_S, "--data-dir"])
            .arg(folders.data())
            .stdout(log.try_clone()?)
            .stderr(log);
        let child = Command::from(command).spawn().context("the service cannot be started")?;
        Ok(Self { child, folders })
    }

    /// Waits until the service is ready and returns its address.
    ///
    /// # Errors
    /// When the process ends first, or is not ready within [`START_LIMIT`]: the error has its log.
    pub(super) async fn ready(&mut self) -> anyhow::Result<Url> {
        match tokio::time::timeout(START_LIMIT, self.poll_until_ready()).await {
            Ok(url) => url,
            Err(_) => Err(self.not_started()),
        }
    }

    async fn poll_until_ready(&mut self) -> anyhow::Result<Url> {
        let address = loop {
            if let Some(address) = listen_address(&self.folders.log()) {
                break address;
            }
            self.next_poll().await?;
        };
        let url = Url::parse(&format!("http://{address}"))?;
        let client = ServiceClient::local(url.clone(), TENANT, ENV)?;
        while client.send(client.request(Method::GET, "/readyz")).await.is_err() {
            self.next_poll().await?;
        }
        Ok(url)
    }

    async fn next_poll(&mut self) -> anyhow::Result<()> {
        if self.child.try_wait()?.is_some() {
            return Err(self.not_started());
        }
        sleep(POLL).await;
        Ok(())
    }

    fn not_started(&self) -> anyhow::Error {
        anyhow::anyhow!("the service did not start; its log:\n{}", self.folders.log().trim_end())
    }

    /// Adds the end of the log to the error of a call that was not answered.
    pub(super) fn explain(&self, error: anyhow::Error) -> anyhow::Error {
        if error.downcast_ref::<reqwest::Error>().is_none() {
            return error;
        }
        anyhow::anyhow!("{error:#}; the end of the service's log:\n{}", self.last_lines())
    }

    /// Stops the service (SIGTERM) and waits until it has ended; a signal in the meantime cuts running requests off.
    ///
    /// # Errors
    /// When the service fails at the end: the error has the end of its log.
    pub(super) async fn stop(mut self, signals: &mut Signals) -> anyhow::Result<()> {
        self.terminate();
        let status = loop {
            tokio::select! {
                status = self.child.wait() => break status?,
                _ = signals.next() => self.terminate(),
            }
        };
        anyhow::ensure!(
            status.success(),
            "the service did not stop cleanly ({status}); the end of its log:\n{}",
            self.last_lines()
        );
        Ok(())
    }

    fn terminate(&self) {
        // Without an id, the process has ended and was waited for.
        if let Some(pid) = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
            // Fails only if the process has ended.
            let _ = kill_process(pid, Signal::TERM);
        }
    }

    fn last_lines(&self) -> String {
        last_lines(&self.folders.log())
    }
}

fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
}

/// The address in the log line of a service that listens.
fn listen_address(log: &str) -> Option<SocketAddr> {
    let (_, rest) = log.split_once(" listening address=")?;
    // The line may be incomplete.
    let (address, _) = rest.split_once(|c: char| c.is_whitespace())?;
    address.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_is_read_from_a_complete_log_line() {
        let line = "2026-01-02T03:04:05.678901Z  INFO harkback::serve: listening address=127.0.0.1:40123";
        assert_eq!(listen_address(line), None);
        let log = format!("first\n{line}\nlast\n");
        assert_eq!(listen_address(&log), Some(SocketAddr::from(([127, 0, 0, 1], 40_123))));
        assert_eq!(listen_address("first\nlast\n"), None);
    }

    #[test]
    fn last_lines_are_the_end_of_the_log() {
        assert_eq!(last_lines("a\nb\n"), "a\nb");
        let log: String = (0..25).map(|n| format!("{n}\n")).collect();
        assert!(last_lines(&log).starts_with("5\n6\n") && last_lines(&log).ends_with("\n24"));
    }
}
