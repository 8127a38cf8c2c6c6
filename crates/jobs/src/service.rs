//! Read, await and cancel jobs.

use std::convert::Infallible;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use blob_store::BlobStore;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use graphile_worker::WorkerUtils;
use http_kit::{AccessLevel, Clock, Id, PageParams, Scope, TraceParent};
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::Error;
use crate::heavy_calls::HeavyCall;
use crate::model::{Job, JobPriority, JobState};
use crate::queueing::QUEUE_SCHEMA;
use crate::room::Room;
use crate::store::{self, Answer, ENDED_CHANNEL};

/// How often a waiting caller's job is looked at where its end was not announced.
const POLL: Duration = Duration::from_secs(1);
/// The pause after announcements failed.
const PAUSE: Duration = Duration::from_secs(1);
/// Announcements that a waiting caller may fall behind.
const ANNOUNCEMENTS: usize = 1_024;

/// How many jobs may wait, and how long finished ones are kept.
#[derive(Clone, Copy, Debug)]
pub struct JobLimits {
    /// Waiting jobs of a tenant; beyond it 429.
    pub waiting_per_tenant: i64,
    /// Waiting jobs of all; beyond it 503.
    pub waiting: i64,
    /// How long a finished job can be read.
    pub retention: TimeDelta,
}

impl Default for JobLimits {
    fn default() -> Self {
        Self { waiting_per_tenant: 10_000, waiting: 100_000, retention: TimeDelta::days(7) }
    }
}

/// Settings of acceptance, retention and webhooks.
#[derive(Clone, Debug, Default)]
pub struct JobSettings {
    /// How many jobs may wait, and how long finished ones are kept.
    pub limits: JobLimits,
    /// Which addresses webhooks may have.
    pub outbound: outbound::Policy,
}

/// A job to be made.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// The call that it runs.
    pub call: HeavyCall,
    /// Which jobs run first.
    pub priority: JobPriority,
    /// What the caller may do.
    pub level: AccessLevel,
    /// The body of the call: JSON.
    pub body: Bytes,
    /// The trace of the call.
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
    room: Room,
    /// Ids of jobs that have ended, in this process or another.
    ended: broadcast::Sender<Arc<str>>,
    /// Work of cancelled jobs that others wait for.
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
    /// Jobs in the database of `pool`, whose large bodies are in `blobs`.
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
            room: Room::default(),
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

    pub(crate) fn room(&self) -> &Room {
        &self.0.room
    }

    pub(crate) fn limits(&self) -> &JobLimits {
        &self.0.settings.limits
    }

    pub(crate) fn outbound(&self) -> outbound::Policy {
        self.0.settings.outbound
    }

    /// Runs on what a cancelled job has begun, as others wait for it.
    pub(crate) fn keep(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.0.kept.spawn(work.in_current_span());
    }

    /// The service stops: no more jobs are taken, and streams and polls end.
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
        // The sender is there as long as this is.
        let _ = stopping.wait_for(|is_stopping| *is_stopping).await;
    }

    /// Waits until no kept work runs; to be asked when no more comes.
    pub async fn finished(&self) {
        self.0.kept.close();
        self.0.kept.wait().await;
    }

    /// Passes announcements of ended jobs on to the callers that wait here, for ever.
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
            tracing::warn!(%error, "ends of jobs are not announced; callers look for them");
            sleep(PAUSE).await;
        }
    }

    /// Does another job wait for the same work? Not known is no.
    pub(crate) async fn is_wanted(&self, scope: &Scope, id: &Id) -> bool {
        let wanted = async {
            let mut conn = self.0.pool.acquire().await?;
            store::is_wanted(&mut conn, scope, id).await
        };
        wanted.await.unwrap_or_else(|error| {
            tracing::warn!(%error, "a cancelled job's work is not kept for others");
            false
        })
    }

    /// The job of an id.
    ///
    /// # Errors
    /// [`Error::NotFound`]; the database's.
    pub async fn get(&self, scope: &Scope, id: &Id) -> Result<Job, Error> {
        let mut conn = self.0.pool.acquire().await?;
        store::find(&mut conn, scope, id, self.now()).await?.ok_or_else(|| Error::NotFound(id.clone()))
    }

    /// The same, once it has ended or `wait` is over.
    ///
    /// # Errors
    /// As [`Jobs::get`].
    pub async fn wait(&self, scope: &Scope, id: &Id, wait: Duration) -> Result<Job, Error> {
        self.wait_for_state(scope, id, Some(wait)).await?;
        self.get(scope, id).await
    }

    /// The state of a job, once it has ended or `wait` is over; without `wait` only when it has ended, or waits while the
    /// service stops.
    pub(crate) async fn wait_for_state(
        &self,
        scope: &Scope,
        id: &Id,
        wait: Option<Duration>,
    ) -> Result<JobState, Error> {
        let until = wait.map(|wait| Instant::now() + wait);
        // From before its state is read: an end between is not missed.
        let mut ended = self.0.ended.subscribe();
        loop {
            let state = {
                let mut conn = self.0.pool.acquire().await?;
                store::state(&mut conn, scope, id).await?
            };
            let state = state.ok_or_else(|| Error::NotFound(id.clone()))?;
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            // What runs here may still end within the grace; what waits is left to others.
            let is_left = self.is_stopping() && (left.is_some() || state == JobState::Queued);
            let is_over = is_left || left.is_some_and(|left| left.is_zero());
            if state.is_final() || is_over {
                return Ok(state);
            }
            let announced = async {
                // A receiver that lags reads the state at once.
                while ended.recv().await.is_ok_and(|ended| *ended != *id.as_str()) {}
            };
            // Either way it is looked at.
            let _ = timeout(left.map_or(POLL, |left| left.min(POLL)), announced).await;
        }
    }

    /// A page of jobs, newest first, perhaps of one state or kind.
    ///
    /// # Errors
    /// The database's.
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

    /// Status, media type and body of the answer of a job that has succeeded.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NoResult`]; the database's.
    pub(crate) async fn result(&self, scope: &Scope, id: &Id) -> Result<(u16, String, Answer), Error> {
        let mut conn = self.0.pool.acquire().await?;
        match store::result(&mut conn, scope, id).await? {
            Some(result) => Ok(result),
            None => {
                let job = store::find(&mut conn, scope, id, self.now()).await?;
                Err(job.map_or_else(|| Error::NotFound(id.clone()), |job| Error::NoResult(job.id)))
            }
        }
    }

    /// Cancels a job: a queued one at once, a running one within seconds.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Finished`]; the database's.
    pub async fn cancel(&self, scope: &Scope, id: &Id) -> Result<Job, Error> {
        let mut transaction = self.0.pool.begin().await?;
        let changed = store::cancel(&mut transaction, scope, id, self.now()).await?;
        let job = store::find(&mut transaction, scope, id, self.now()).await?;
        transaction.commit().await?;
        match job {
            None => Err(Error::NotFound(id.clone())),
            Some(job) if !changed && job.state.is_final() => Err(Error::Finished(job.id)),
            Some(job) => Ok(job),
        }
    }
}
