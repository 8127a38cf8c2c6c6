use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::fair_queue::{FairQueue, QueueFull, Slot};
use crate::{begin_heavy_work, tenancy};

/// Queue of heavy work on blocking threads, with a maximum of running and of waiting pieces.
///
/// Tenants share slots fairly: one with much work waiting delays others by one piece of it. A full queue refuses the
/// tenant with most waiting. Work outside of calls, such as a job's, counts as one more tenant's; jobs have an order of
/// their own.
///
/// The work is cancelled when no caller waits for it any longer: the caller disconnected, or its time is over. It keeps
/// its slot until it has actually stopped.
#[derive(Clone, Debug)]
pub struct WorkQueue {
    name: &'static str,
    queue: FairQueue,
}

/// Flag that work polls to learn whether it is cancelled.
#[derive(Clone, Debug, Default)]
pub struct Cancellation(Arc<AtomicBool>);

/// A granted slot of a [`WorkQueue`]; work is done while it is held.
#[derive(Debug)]
pub struct WorkSlot {
    queue: &'static str,
    slot: Slot,
}

impl Drop for WorkSlot {
    fn drop(&mut self) {
        let elapsed = self.slot.elapsed().as_secs_f64();
        metrics::histogram!("work_duration_seconds", "queue" => self.queue).record(elapsed);
    }
}

/// Why work was not done.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// The queue is full for this tenant.
    #[error("the {queue} queue is full for about {retry_after_s} s")]
    QueueFull {
        /// Name of the queue.
        queue: &'static str,
        /// Estimated time until the queue admits work again, in seconds from 1 to 300.
        retry_after_s: u32,
    },
    /// Heavy work would begin, but the call is to be answered later: see [`defer`](crate::defer).
    #[error("the work is deferred to a job")]
    Deferred,
    /// The work panicked, or the runtime is shutting down.
    #[error("{queue} work ended abnormally")]
    Broken {
        /// Name of the queue.
        queue: &'static str,
        /// The panic, or the cancellation.
        source: tokio::task::JoinError,
    },
}

impl Cancellation {
    /// A flag and its guard: work is cancelled when its caller drops the guard.
    #[must_use]
    pub fn with_guard() -> (Self, CancelOnDrop) {
        let cancellation = Self::default();
        (cancellation.clone(), CancelOnDrop(cancellation))
    }

    /// Whether the work should stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Cancels its work when it is dropped.
#[derive(Debug)]
pub struct CancelOnDrop(Cancellation);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

impl WorkQueue {
    /// A queue that runs `running` pieces of work at once (at least one), with at most `waiting` more waiting.
    #[must_use]
    pub fn new(name: &'static str, running: usize, waiting: usize) -> Self {
        Self { name, queue: FairQueue::new(running.max(1), waiting) }
    }

    /// Checks that the queue admits work. For callers that write before their work: another may take the capacity
    /// meanwhile.
    ///
    /// # Errors
    /// [`WorkError::QueueFull`].
    pub fn check_admission(&self) -> Result<(), WorkError> {
        self.queue.check(tenancy::current().as_ref()).map_err(|full| self.refused(full))
    }

    /// Waits for a slot, for work that blocks no thread of this process, such as another program's.
    ///
    /// # Errors
    /// [`WorkError::QueueFull`] when the queue is full, or when another tenant with fewer waiting pieces replaces this
    /// one.
    pub async fn try_acquire(&self) -> Result<WorkSlot, WorkError> {
        begin_heavy_work()?;
        self.slot(self.queue.try_acquire(tenancy::current()).await)
    }

    /// As [`WorkQueue::try_acquire`], even if the queue is full: for callers that are themselves bounded.
    ///
    /// # Errors
    /// [`WorkError::Deferred`] within [`defer`](crate::defer).
    pub async fn acquire(&self) -> Result<WorkSlot, WorkError> {
        begin_heavy_work()?;
        self.slot(self.queue.acquire(tenancy::current()).await)
    }

    fn slot(&self, slot: Result<Slot, QueueFull>) -> Result<WorkSlot, WorkError> {
        Ok(WorkSlot { queue: self.name, slot: slot.map_err(|full| self.refused(full))? })
    }

    fn refused(&self, QueueFull { retry_after_s }: QueueFull) -> WorkError {
        WorkError::QueueFull { queue: self.name, retry_after_s }
    }

    /// Runs `work` on a blocking thread, once a slot is granted.
    ///
    /// # Errors
    /// [`WorkError::QueueFull`] as [`WorkQueue::try_acquire`]; [`WorkError::Broken`] when it panics.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Cancellation) -> T + Send + 'static,
    ) -> Result<T, WorkError> {
        begin_heavy_work()?;
        self.run_now(work).await
    }

    /// As [`WorkQueue::run`], also within [`defer`](crate::defer): for results that are needed before a call is
    /// deferred.
    ///
    /// # Errors
    /// As [`WorkQueue::run`].
    pub async fn run_now<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Cancellation) -> T + Send + 'static,
    ) -> Result<T, WorkError> {
        let slot = self.slot(self.queue.try_acquire(tenancy::current()).await)?;
        let (cancellation, cancel_on_drop) = Cancellation::with_guard();
        let span = tracing::Span::current();
        let task = tokio::task::spawn_blocking(move || {
            let _slot = slot;
            span.in_scope(|| work(&cancellation))
        });
        let result = task.await;
        drop(cancel_on_drop);
        result.map_err(|source| WorkError::Broken { queue: self.name, source })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn full_queue_refuses_and_recovers() {
        let queue = WorkQueue::new("test", 1, 0);
        let (release, blocked) = mpsc::channel::<()>();
        let (started, running) = tokio::sync::oneshot::channel();
        let first = tokio::spawn({
            let queue = queue.clone();
            async move {
                queue
                    .run(move |_| {
                        started.send(()).unwrap();
                        blocked.recv().unwrap();
                    })
                    .await
            }
        });
        running.await.unwrap();
        assert!(matches!(queue.run(|_| ()).await, Err(WorkError::QueueFull { queue: "test", .. })));
        release.send(()).unwrap();
        first.await.unwrap().unwrap();
        assert_eq!(queue.run(|_| 7).await.unwrap(), 7);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn abandoned_work_is_cancelled() {
        let queue = WorkQueue::new("test", 1, 0);
        let (stopped, seen) = mpsc::channel();
        let (started, running) = tokio::sync::oneshot::channel();
        let task = tokio::spawn({
            let queue = queue.clone();
            async move {
                queue
                    .run(move |cancellation| {
                        started.send(()).unwrap();
                        while !cancellation.is_cancelled() {
                            std::thread::yield_now();
                        }
                        stopped.send(()).unwrap();
                    })
                    .await
            }
        });
        running.await.unwrap();
        task.abort();
        tokio::task::spawn_blocking(move || seen.recv().unwrap()).await.unwrap();
    }

    #[tokio::test]
    async fn panic_of_work_is_an_error() {
        let queue = WorkQueue::new("test", 1, 0);
        let broken = queue.run(|_| panic!("as the test wants")).await;
        assert!(matches!(broken, Err(WorkError::Broken { .. })));
    }
}
