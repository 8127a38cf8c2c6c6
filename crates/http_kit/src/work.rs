use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{Problem, begin_heavy_work};

/// Heavy work, off the async threads: so many at once, so many waiting, no more.
///
/// The work is told to stop when nobody waits for it any longer: the caller hung up, or its time
/// is over. It keeps its slot until it has really stopped.
#[derive(Clone, Debug)]
pub struct WorkQueue {
    name: &'static str,
    running: Arc<Semaphore>,
    /// One for each running and each waiting piece of work.
    places: Arc<Semaphore>,
}

/// Tells work whether anybody still waits for it.
#[derive(Clone, Debug, Default)]
pub struct Cancellation(Arc<AtomicBool>);

/// A place in a [`WorkQueue`] whose turn has come; work is done while it is held.
#[derive(Debug)]
pub struct Turn {
    queue: &'static str,
    began: Instant,
    _place: OwnedSemaphorePermit,
    /// The semaphore is never closed; should it be, the work has its place and may run.
    _slot: Option<OwnedSemaphorePermit>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let elapsed = self.began.elapsed().as_secs_f64();
        metrics::histogram!("work_duration_seconds", "queue" => self.queue).record(elapsed);
    }
}

/// Why work was not done.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// Every place is taken.
    #[error("the {0} queue is full")]
    Full(&'static str),
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
        let running = running.max(1);
        Self {
            name,
            running: Arc::new(Semaphore::new(running)),
            places: Arc::new(Semaphore::new(running + waiting)),
        }
    }

    /// Is there a place? For callers with something to write before their work: another may take it meanwhile.
    ///
    /// # Errors
    /// [`WorkError::Full`].
    pub fn check_place(&self) -> Result<(), WorkError> {
        if self.places.available_permits() == 0 { Err(WorkError::Full(self.name)) } else { Ok(()) }
    }

    /// Waits for a turn, for work that blocks no thread here: another program's.
    ///
    /// # Errors
    /// [`WorkError::Full`] at once when there is no place.
    pub async fn turn(&self) -> Result<Turn, WorkError> {
        begin_heavy_work()?;
        self.place().await
    }

    async fn place(&self) -> Result<Turn, WorkError> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| WorkError::Full(self.name))?;
        Ok(self.begin(place).await)
    }

    /// As [`WorkQueue::turn`], and waits for a place too: for callers that are themselves bounded.
    ///
    /// # Errors
    /// [`WorkError::Full`] when the queue is closed, which it never is.
    pub async fn patient_turn(&self) -> Result<Turn, WorkError> {
        begin_heavy_work()?;
        let place = self.places.clone().acquire_owned().await.map_err(|_| WorkError::Full(self.name))?;
        Ok(self.begin(place).await)
    }

    async fn begin(&self, place: OwnedSemaphorePermit) -> Turn {
        let slot = self.running.clone().acquire_owned().await.ok();
        Turn { queue: self.name, began: Instant::now(), _place: place, _slot: slot }
    }

    /// Runs `work` on a blocking thread, when its turn comes.
    ///
    /// # Errors
    /// [`WorkError::Full`] at once when there is no place; [`WorkError::Broken`] when it panics.
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
        let turn = self.place().await?;
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
            WorkError::Full(_) => Self::unavailable(
                "queue_full",
                "too much of this work is waiting already; send it again later",
                10,
            ),
            WorkError::Deferred => {
                Self::new(http::StatusCode::ACCEPTED, DEFERRED, "the work is deferred to a job")
            }
            broken @ WorkError::Broken { .. } => Self::internal(broken),
        }
    }
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
        assert!(matches!(queue.run(|_| ()).await, Err(WorkError::Full("test"))));
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
