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
    /// The work that this is a part of.
    whole: Option<Whole>,
}

/// Work that is divided into parts.
#[derive(Debug)]
struct Whole {
    progress: WorkProgress,
    parts: usize,
    /// Sum of the completed millionths of all parts.
    of_parts: Arc<AtomicU64>,
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
        self.advance(Some(stage), done);
    }

    /// Completes the work, and keeps its stage.
    pub fn complete(&self) {
        self.advance(None, 1.0);
    }

    fn advance(&self, stage: Option<&'static str>, done: f64) {
        if stage.is_some() {
            *self.0.stage.lock().unwrap_or_else(PoisonError::into_inner) = stage;
        }
        let done = (done.clamp(0.0, 1.0) * WHOLE) as u64;
        let before = self.0.done.fetch_max(done, Ordering::Relaxed);
        if let Some(Whole { progress, parts, of_parts }) = &self.0.whole {
            let added = done.saturating_sub(before);
            let sum = of_parts.fetch_add(added, Ordering::Relaxed) + added;
            progress.advance(stage, sum as f64 / WHOLE / *parts as f64);
        }
    }

    /// Divides the whole work into parts of equal length, which may run concurrently: its completed fraction is the mean
    /// of theirs, and its stage the last one that any of them reported.
    #[must_use]
    pub fn split(&self, parts: usize) -> Vec<Self> {
        let of_parts = Arc::<AtomicU64>::default();
        let part = || {
            let whole = Whole { progress: self.clone(), parts, of_parts: of_parts.clone() };
            Self(Arc::new(Inner { whole: Some(whole), ..Inner::default() }))
        };
        (0..parts).map(|_| part()).collect()
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

    #[test]
    fn progress_of_split_work_is_the_mean_of_its_parts() {
        let progress = WorkProgress::default();
        let parts = progress.split(2);
        parts[0].report("rendering", 0.5);
        assert_eq!(progress.read(), (Some("rendering"), 0.25));
        parts[1].report("decoding", 0.2);
        parts[1].report("mixing", 0.1);
        assert_eq!(progress.read(), (Some("mixing"), 0.35), "a smaller fraction is ignored");
        parts[0].complete();
        assert_eq!(progress.read(), (Some("mixing"), 0.6));
        parts[1].complete();
        parts[1].complete();
        assert_eq!(progress.read().1, 1.0);
        assert!(progress.split(0).is_empty());
    }
}
