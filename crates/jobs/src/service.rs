//! Read, await and cancel jobs.

use std::convert::Infallible;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use blob_store::BlobStore;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use graphile_worker::WorkerUtils;
use http_kit::TraceParent;
use http_kit::idempotency::RunningCalls;
use primitives::{AccessLevel, Clock, Id, PageParams, Scope, WriteSeed};
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::Error;
use crate::admission::{JobLimits, WaitingCounts};
use crate::heavy_calls::{self, HeavyCall};
use crate::model::{Job, JobPriority, JobState, job_path};
use crate::store::{self, Answer, ENDED_CHANNEL};

/// Schema of the queue library's own tables.
pub(crate) const QUEUE_SCHEMA: &str = "graphile_worker";
/// Poll interval for the state of a job whose end was not announced.
const POLL: Duration = Duration::from_secs(1);
/// Pause after the listener for announcements failed.
const PAUSE: Duration = Duration::from_secs(1);
/// Maximum number of announcements that a waiting caller may lag behind.
const ANNOUNCEMENTS: usize = 1_024;

/// Settings of acceptance, retention and webhooks.
#[derive(Clone, Debug, Default)]
pub struct JobSettings {
    /// Limits of queued jobs, and the retention of finished ones.
    pub limits: JobLimits,
    /// Addresses that webhooks may have.
    pub outbound: outbound::Policy,
}

/// A job to be created.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// The call that it runs.
    pub call: HeavyCall,
    /// Path of the request.
    pub path: String,
    /// Order in which jobs start.
    pub priority: JobPriority,
    /// Access level of the caller.
    pub level: AccessLevel,
    /// JSON body of the call.
    pub body: Bytes,
    /// Trace of the call.
    pub trace: Option<TraceParent>,
}

/// The jobs of a service. Cheap to clone.
#[derive(Clone)]
pub struct Jobs(Arc<Inner>);

struct Inner {
    pool: PgPool,
    blobs: BlobStore,
    clock: Arc<dyn Clock>,
    settings: JobSettings,
    queue: WorkerUtils,
    waiting: WaitingCounts,
    /// Ids of jobs that have ended, in this process or another.
    ended: broadcast::Sender<Arc<str>>,
    /// Work of cancelled jobs that other jobs wait for.
    kept: TaskTracker,
    stopping: watch::Sender<bool>,
    /// Capabilities that this process or the others lack.
    mismatches: RwLock<Vec<String>>,
}

impl std::fmt::Debug for Jobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jobs").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

impl Jobs {
    /// Manages jobs in the database of `pool`, whose large bodies are in `blobs`.
    #[must_use]
    pub fn new(pool: PgPool, blobs: BlobStore, clock: Arc<dyn Clock>, settings: JobSettings) -> Self {
        let queue = WorkerUtils::new(pool.clone(), QUEUE_SCHEMA);
        let ended = broadcast::Sender::new(ANNOUNCEMENTS);
        let kept = TaskTracker::new();
        let stopping = watch::Sender::new(false);
        let mismatches = RwLock::default();
        Self(Arc::new(Inner {
            pool,
            blobs,
            clock,
            settings,
            queue,
            waiting: WaitingCounts::default(),
            ended,
            kept,
            stopping,
            mismatches,
        }))
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.0.pool
    }

    pub(crate) fn blobs(&self) -> &BlobStore {
        &self.0.blobs
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.0.clock.now()
    }

    pub(crate) fn queue(&self) -> WorkerUtils {
        self.0.queue.clone()
    }

    pub(crate) fn waiting_counts(&self) -> &WaitingCounts {
        &self.0.waiting
    }

    pub(crate) fn limits(&self) -> &JobLimits {
        &self.0.settings.limits
    }

    pub(crate) fn outbound(&self) -> outbound::Policy {
        self.0.settings.outbound
    }

    /// Continues work of a cancelled job that other jobs wait for.
    pub(crate) fn keep(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.0.kept.spawn(work.in_current_span());
    }

    /// Stops the service: no more jobs are taken, and streams and polls end.
    pub fn stop(&self) {
        self.0.stopping.send_replace(true);
    }

    /// Capabilities that this worker lacks, or that no worker offers this api process.
    #[must_use]
    pub fn mismatches(&self) -> Vec<String> {
        self.0.mismatches.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_mismatches(&self, mismatches: Vec<String>) {
        *self.0.mismatches.write().unwrap_or_else(PoisonError::into_inner) = mismatches;
    }

    pub(crate) fn is_stopping(&self) -> bool {
        *self.0.stopping.borrow()
    }

    /// Returns once the service stops.
    pub(crate) async fn stopped(&self) {
        let mut stopping = self.0.stopping.subscribe();
        // The sender lives as long as `self`, so this cannot fail.
        let _ = stopping.wait_for(|is_stopping| *is_stopping).await;
    }

    /// Waits until no continued work runs; to be called when no more is added.
    pub async fn finished(&self) {
        self.0.kept.close();
        self.0.kept.wait().await;
    }

    /// Forwards announcements of ended jobs to the callers that wait in this process; never returns.
    pub async fn listen(self) {
        loop {
            let listened = async {
                let mut listener = PgListener::connect_with(self.pool()).await?;
                listener.listen(ENDED_CHANNEL).await?;
                loop {
                    let announced = listener.recv().await?;
                    // An error means that there are no receivers.
                    let _ = self.0.ended.send(announced.payload().into());
                }
            };
            let Err(error): sqlx::Result<Infallible> = listened.await;
            if self.is_stopping() {
                return;
            }
            tracing::warn!(%error, "ends of jobs are not announced; waiting callers poll for them");
            sleep(PAUSE).await;
        }
    }

    /// Whether another job waits for the same work; `false` if that cannot be read.
    pub(crate) async fn is_wanted(&self, scope: &Scope, id: &Id) -> bool {
        let wanted = async {
            let mut conn = self.0.pool.acquire().await?;
            store::is_wanted(&mut conn, scope, id).await
        };
        wanted.await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the work of a cancelled job is not continued for other jobs");
            false
        })
    }

    /// The job with `id`.
    ///
    /// # Errors
    /// [`Error::NotFound`]; errors of the database.
    pub async fn get(&self, scope: &Scope, id: &Id) -> Result<Job, Error> {
        let mut conn = self.0.pool.acquire().await?;
        store::find(&mut conn, scope, id, self.now()).await?.ok_or_else(|| Error::NotFound(id.clone()))
    }

    /// As [`Jobs::get`], once the job has ended or `wait` is over.
    ///
    /// # Errors
    /// As [`Jobs::get`].
    pub async fn wait(&self, scope: &Scope, id: &Id, wait: Duration) -> Result<Job, Error> {
        self.wait_for_state(scope, id, Some(wait)).await?;
        self.get(scope, id).await
    }

    /// The state of a job, once it has ended or `wait` is over; without `wait` only when it has ended, or is queued
    /// while the service stops.
    pub(crate) async fn wait_for_state(
        &self,
        scope: &Scope,
        id: &Id,
        wait: Option<Duration>,
    ) -> Result<JobState, Error> {
        let until = wait.map(|wait| Instant::now() + wait);
        // Subscribed before the state is read, so that an end in between is not missed.
        let mut ended = self.0.ended.subscribe();
        loop {
            let state = {
                let mut conn = self.0.pool.acquire().await?;
                store::state(&mut conn, scope, id).await?
            };
            let state = state.ok_or_else(|| Error::NotFound(id.clone()))?;
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            // A job that runs may still end within the grace period; a queued one is left to other processes.
            let is_left = self.is_stopping() && (left.is_some() || state == JobState::Queued);
            let is_over = is_left || left.is_some_and(|left| left.is_zero());
            if state.is_final() || is_over {
                return Ok(state);
            }
            let announced = async {
                // A receiver that lags reads the state at once.
                while ended.recv().await.is_ok_and(|ended| *ended != *id.as_str()) {}
            };
            // After a timeout, too, the state is read.
            let _ = timeout(left.map_or(POLL, |left| left.min(POLL)), announced).await;
        }
    }

    /// Path of the job that a call to `path` with these ids has become, if it has.
    ///
    /// # Errors
    /// Errors of the database.
    async fn path_of_call(
        &self,
        scope: &Scope,
        path: &str,
        seed: &WriteSeed,
    ) -> sqlx::Result<Option<String>> {
        if heavy_calls::find(path).is_none() {
            return Ok(None);
        }
        let id = seed.id("job", 0);
        let mut conn = self.0.pool.acquire().await?;
        Ok(store::state(&mut conn, scope, &id).await?.map(|_| job_path(&id)))
    }

    /// A page of jobs, newest first, optionally of one state or kind.
    ///
    /// # Errors
    /// Errors of the database.
    pub async fn list(
        &self,
        scope: &Scope,
        state: Option<JobState>,
        kind: Option<&str>,
        page: &PageParams,
    ) -> Result<Vec<Job>, Error> {
        let mut conn = self.0.pool.acquire().await?;
        Ok(store::list(&mut conn, scope, state, kind, page, self.now()).await?)
    }

    /// The answer of a succeeded job.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NoResult`]; errors of the database.
    pub(crate) async fn result(&self, scope: &Scope, id: &Id) -> Result<Answer, Error> {
        let mut conn = self.0.pool.acquire().await?;
        match store::result(&mut conn, scope, id).await? {
            Some(result) => Ok(result),
            None => {
                let job = store::find(&mut conn, scope, id, self.now()).await?;
                Err(job.map_or_else(|| Error::NotFound(id.clone()), |job| Error::NoResult(job.id)))
            }
        }
    }
}

impl RunningCalls for Jobs {
    fn location<'a>(
        &'a self,
        scope: &'a Scope,
        path: &'a str,
        seed: WriteSeed,
    ) -> BoxFuture<'a, Option<String>> {
        let found = async move {
            self.path_of_call(scope, path, &seed).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "the job of a running call cannot be read");
                None
            })
        };
        found.boxed()
    }
}
