use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::turns::{Crowded, Slot, Turns};
use crate::{Problem, begin_heavy_work, tenancy};

/// Heavy work, off the async threads: so many at once, so many waiting, no more.
///
/// Tenants take turns: one that has much work waiting holds others up by a piece of it. A full queue refuses the tenant that
/// has most waiting. Work of no call, such as a job's, counts as one more tenant's; jobs have an order of their own.
///
/// The work is told to stop when nobody waits for it any longer: the caller hung up, or its time
/// is over. It keeps its slot until it has really stopped.
#[derive(Clone, Debug)]
pub struct WorkQueue {
    name: &'static str,
    turns: Turns,
}

/// Tells work whether anybody still waits for it.
#[derive(Clone, Debug, Default)]
pub struct Cancellation(Arc<AtomicBool>);

/// A place in a [`WorkQueue`] whose turn has come; work is done while it is held.
#[derive(Debug)]
pub struct Turn {
    queue: &'static str,
    slot: Slot,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let elapsed = self.slot.elapsed().as_secs_f64();
        metrics::histogram!("work_duration_seconds", "queue" => self.queue).record(elapsed);
    }
}

/// Why work was not done.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// Every place that this tenant may have is taken.
    #[error("the {queue} queue is full for about {retry_after_s} s")]
    Crowded {
        /// The queue's name.
        queue: &'static str,
        /// An estimate of when a place is free, in seconds from 1 to 300.
        retry_after_s: u32,
    },
    /// Heavy work would begin, and the call is to be answered later: see [`defer`](crate::defer).
    #[error("the work is deferred to a job")]
    Deferred,
    /// The work panicked, or the runtime is going down.
    #[error("{queue} work broke off")]
    Broken {
        /// The queue's name.
        queue: &'static str,
        /// How.
        source: tokio::task::JoinError,
    },
}

impl Cancellation {
    /// Should the work stop?
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The code of [`WorkError::Deferred`], which [`defer`](crate::defer) gives and no caller sees.
pub const DEFERRED: &str = "deferred";

/// Cancels what it belongs to when it is dropped.
struct CancelOnDrop(Cancellation);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

impl WorkQueue {
    /// A queue for `running` pieces of work at once (at least one) and `waiting` more.
    #[must_use]
    pub fn new(name: &'static str, running: usize, waiting: usize) -> Self {
        Self { name, turns: Turns::new(running.max(1), waiting) }
    }

    /// Is there a place? For callers with something to write before their work: another may take it meanwhile.
    ///
    /// # Errors
    /// [`WorkError::Crowded`].
    pub fn check_place(&self) -> Result<(), WorkError> {
        self.turns.check(tenancy::current().as_ref()).map_err(|crowded| self.crowded(crowded))
    }

    /// Waits for a turn, for work that blocks no thread here: another program's.
    ///
    /// # Errors
    /// [`WorkError::Crowded`] when there is no place, or when another tenant with fewer waiting takes it.
    pub async fn turn(&self) -> Result<Turn, WorkError> {
        begin_heavy_work()?;
        self.begin(false).await
    }

    /// As [`WorkQueue::turn`], however many wait: for callers that are themselves bounded.
    ///
    /// # Errors
    /// [`WorkError::Deferred`] within [`defer`](crate::defer).
    pub async fn patient_turn(&self) -> Result<Turn, WorkError> {
        begin_heavy_work()?;
        self.begin(true).await
    }

    async fn begin(&self, is_patient: bool) -> Result<Turn, WorkError> {
        let slot = self.turns.take(tenancy::current(), is_patient).await;
        Ok(Turn { queue: self.name, slot: slot.map_err(|crowded| self.crowded(crowded))? })
    }

    fn crowded(&self, Crowded { retry_after_s }: Crowded) -> WorkError {
        WorkError::Crowded { queue: self.name, retry_after_s }
    }

    /// Runs `work` on a blocking thread, when its turn comes.
    ///
    /// # Errors
    /// [`WorkError::Crowded`] as [`WorkQueue::turn`]; [`WorkError::Broken`] when it panics.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Cancellation) -> T + Send + 'static,
    ) -> Result<T, WorkError> {
        begin_heavy_work()?;
        self.run_now(work).await
    }

    /// As [`WorkQueue::run`], also within [`defer`](crate::defer): for what has to be known before a call is deferred.
    ///
    /// # Errors
    /// As [`WorkQueue::run`].
    pub async fn run_now<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Cancellation) -> T + Send + 'static,
    ) -> Result<T, WorkError> {
        let turn = self.begin(false).await?;
        let cancellation = Cancellation::default();
        let cancel_on_drop = CancelOnDrop(cancellation.clone());
        let span = tracing::Span::current();
        let task = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            span.in_scope(|| work(&cancellation))
        });
        let result = task.await;
        drop(cancel_on_drop);
        result.map_err(|source| WorkError::Broken { queue: self.name, source })
    }
}

impl From<WorkError> for Problem {
    fn from(error: WorkError) -> Self {
        match error {
            WorkError::Crowded { retry_after_s, .. } => queue_full(retry_after_s),
            WorkError::Deferred => {
                Self::new(http::StatusCode::ACCEPTED, DEFERRED, "the work is deferred to a job")
            }
            broken @ WorkError::Broken { .. } => Self::internal(broken),
        }
    }
}

fn queue_full(retry_after_s: u32) -> Problem {
    let detail = "too much of this work is waiting already; send it again later";
    Problem::unavailable("queue_full", detail, retry_after_s)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_full_queue_refuses_and_recovers() {
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
        assert!(matches!(queue.run(|_| ()).await, Err(WorkError::Crowded { queue: "test", .. })));
        release.send(()).unwrap();
        first.await.unwrap().unwrap();
        assert_eq!(queue.run(|_| 7).await.unwrap(), 7);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn abandoned_work_is_told_to_stop() {
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
    async fn a_panic_is_an_error() {
        let queue = WorkQueue::new("test", 1, 0);
        let broken = queue.run(|_| panic!("as the test wants")).await;
        assert!(matches!(broken, Err(WorkError::Broken { .. })));
    }
}
