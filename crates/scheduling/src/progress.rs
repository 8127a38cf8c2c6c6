//! Progress of work, reported to its observers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

tokio::task_local! {
    static PROGRESS: WorkProgress;
}

/// The progress of a piece of work: its stage and the completed fraction. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct WorkProgress(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    stage: Mutex<Option<&'static str>>,
    /// Completed millionths of the whole; never decreases.
    done: AtomicU64,
}

const WHOLE: f64 = 1e6;

impl WorkProgress {
    /// The progress of the current call; outside of [`WorkProgress::watch`] one without observers.
    #[must_use]
    pub fn current() -> Self {
        PROGRESS.try_with(Self::clone).unwrap_or_default()
    }

    /// Runs `call`, whose work reports to this progress.
    pub async fn watch<F: Future>(&self, call: F) -> F::Output {
        PROGRESS.scope(self.clone(), call).await
    }

    /// Sets the stage and the completed fraction of the whole work, 0 to 1. A smaller fraction than before is ignored.
    pub fn report(&self, stage: &'static str, done: f64) {
        *self.0.stage.lock().unwrap_or_else(PoisonError::into_inner) = Some(stage);
        self.0.done.fetch_max((done.clamp(0.0, 1.0) * WHOLE) as u64, Ordering::Relaxed);
    }

    /// The stage, `None` before the first report, and the completed fraction, 0 to 1.
    #[must_use]
    pub fn read(&self) -> (Option<&'static str>, f64) {
        let stage = *self.0.stage.lock().unwrap_or_else(PoisonError::into_inner);
        (stage, self.0.done.load(Ordering::Relaxed) as f64 / WHOLE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn progress_is_reported_to_watch_and_never_decreases() {
        WorkProgress::current().report("unwatched", 0.5);
        let progress = WorkProgress::default();
        progress
            .watch(async {
                WorkProgress::current().report("decoding", 0.5);
                WorkProgress::current().report("transcribing", 0.25);
            })
            .await;
        assert_eq!(progress.read(), (Some("transcribing"), 0.5));
    }
}
