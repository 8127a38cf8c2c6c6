use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// Time without a byte after which a client counts as silent. It may have disconnected without the service noticing.
const SILENCE: Duration = if cfg!(test) { Duration::from_millis(200) } else { Duration::from_secs(3) };

/// Whether a request waits for its client, shared with the task that renews its lease.
#[derive(Debug, Default)]
pub(super) struct Activity {
    waiting_since: Mutex<Option<Instant>>,
    stop: Notify,
}

impl Activity {
    /// Awaits the next piece of the body; `None` if the request is to stop waiting for its client.
    pub(super) async fn wait_for<T>(&self, next: impl Future<Output = T>) -> Option<T> {
        self.set(Some(Instant::now()));
        let piece = tokio::select! {
            biased;
            piece = next => Some(piece),
            () = self.stop.notified() => None,
        };
        self.set(None);
        piece
    }

    /// Stops the request if its client is silent.
    pub(super) fn stop_if_silent(&self) {
        let since = *self.waiting_since.lock().unwrap_or_else(PoisonError::into_inner);
        if since.is_some_and(|since| since.elapsed() >= SILENCE) {
            self.stop.notify_waiters();
        }
    }

    /// The lock is never poisoned: nothing panics while it is held.
    fn set(&self, waiting_since: Option<Instant>) {
        *self.waiting_since.lock().unwrap_or_else(PoisonError::into_inner) = waiting_since;
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn only_a_silent_client_is_stopped() {
        let activity = Activity::default();
        activity.stop_if_silent();
        assert_eq!(activity.wait_for(async { 7 }).await, Some(7), "it does not wait");
        let waiting = activity.wait_for(pending::<()>());
        let stopping = async {
            tokio::time::sleep(SILENCE / 2).await;
            activity.stop_if_silent();
            assert!(activity.waiting_since.lock().unwrap().is_some(), "it still waits");
            tokio::time::sleep(SILENCE).await;
            activity.stop_if_silent();
        };
        let (stopped, ()) = tokio::join!(waiting, stopping);
        assert_eq!(stopped, None);
        assert!(activity.waiting_since.lock().unwrap().is_none());
    }
}
