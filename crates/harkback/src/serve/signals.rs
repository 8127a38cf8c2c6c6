//! Signals that end the service.

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signals that end the service.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(super) fn new() -> anyhow::Result<Self> {
        let of = |kind| signal(kind).context("signals cannot be handled");
        Ok(Self { interrupt: of(SignalKind::interrupt())?, terminate: of(SignalKind::terminate())? })
    }

    /// The outcome of `starting`; `None` when a signal comes first.
    pub(super) async fn unless_one_comes<T>(
        &mut self,
        starting: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<Option<T>> {
        tokio::select! {
            started = starting => started.map(Some),
            () = self.next() => {
                tracing::info!("stopped before the start was over");
                Ok(None)
            }
        }
    }

    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => (),
            _ = self.terminate.recv() => (),
        }
    }
}
