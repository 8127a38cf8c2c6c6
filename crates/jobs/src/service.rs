//! Enqueue, read, cancel, repeat.

use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use graphile_worker::{JobSpec, WorkerUtils};
use http_kit::{AccessLevel, Clock, Id, PageParams, Problem, RequestContext, Scope, WriteSeed};
use sqlx::{PgConnection, PgPool};
use tokio::time::{Instant, sleep};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::Error;
use crate::model::{Job, JobPriority, JobState};
use crate::store::{self, NewRow};
use crate::worker::RunJob;

/// The schema of the queue's own tables.
pub(crate) const QUEUE_SCHEMA: &str = "graphile_worker";
/// How often a waiting caller's job is looked at.
const POLL: Duration = Duration::from_millis(200);
/// How often the queue itself starts a job whose start fails.
const MAX_ATTEMPTS: i16 = 25;

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

/// A job to be made.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// Its kind.
    pub kind: &'static str,
    /// The path of the call.
    pub path: &'static str,
    /// Which jobs run first.
    pub priority: JobPriority,
    /// What the caller may do.
    pub level: AccessLevel,
    /// The body of the call: JSON.
    pub body: String,
}

/// The jobs of a service. Cheap to clone.
#[derive(Clone)]
pub struct Jobs(Arc<Inner>);

struct Inner {
    pool: PgPool,
    clock: Arc<dyn Clock>,
    limits: JobLimits,
    queue: WorkerUtils,
    /// Heavy calls, whose callers may have hung up.
    kept: TaskTracker,
}

impl std::fmt::Debug for Jobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jobs").field("limits", &self.0.limits).finish_non_exhaustive()
    }
}

impl Jobs {
    /// Jobs in the database of `pool`.
    #[must_use]
    pub fn new(pool: PgPool, clock: Arc<dyn Clock>, limits: JobLimits) -> Self {
        let queue = WorkerUtils::new(pool.clone(), QUEUE_SCHEMA);
        Self(Arc::new(Inner { pool, clock, limits, queue, kept: TaskTracker::new() }))
    }

    /// Brings the queue's own tables up to date.
    ///
    /// # Errors
    /// [`Error::Queue`].
    pub async fn migrate(&self) -> Result<(), Error> {
        self.0.queue.migrate().await.map_err(|error| Error::Queue(error.to_string()))
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.0.pool
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.0.clock.now()
    }

    pub(crate) fn limits(&self) -> &JobLimits {
        &self.0.limits
    }

    /// Runs a call to its end, also when its caller hangs up: the same call finds then what it made.
    pub(crate) async fn keep(&self, call: impl Future<Output = Response> + Send + 'static) -> Response {
        // A task of its own does not inherit these.
        let call = WriteSeed::scope(WriteSeed::current(), call).in_current_span();
        let answered = self.0.kept.spawn(call).await;
        answered.unwrap_or_else(|broken| Problem::internal(broken).into_response())
    }

    /// Waits until no kept call runs; to be asked when no more come.
    pub async fn finished(&self) {
        self.0.kept.close();
        self.0.kept.wait().await;
    }

    /// Accepts a job: its row and its entry in the queue are written in one transaction.
    ///
    /// # Errors
    /// [`Error::TooManyOfTenant`], [`Error::TooMany`]; the queue's and the database's.
    pub async fn enqueue(&self, context: &RequestContext, new: &NewJob) -> Result<Job, Error> {
        let mut transaction = self.0.pool.begin().await?;
        let row = NewRow {
            scope: &context.scope,
            id: Id::for_write("job", 0),
            user_id: context.user_id.as_ref(),
            kind: new.kind,
            priority: new.priority,
            request_id: &context.request_id,
            level: new.level,
            path: new.path,
            body: &new.body,
        };
        // After a crash, a retry under the same Idempotency-Key finds the job of the first try.
        if let Some(job) = store::find(&mut transaction, &context.scope, &row.id).await? {
            return Ok(job);
        }
        let waiting = store::waiting(&mut transaction, &context.scope.tenant_id).await?;
        if waiting.of_tenant >= self.0.limits.waiting_per_tenant {
            return Err(Error::TooManyOfTenant(waiting.of_tenant));
        }
        if waiting.of_all >= self.0.limits.waiting {
            return Err(Error::TooMany(waiting.of_all));
        }
        let ticket = store::next_ticket(&mut transaction, &context.scope.tenant_id).await?;
        store::insert(&mut transaction, &row, ticket, self.now()).await?;
        self.add_to_queue(&mut transaction, &context.scope, &row.id, new.priority, ticket).await?;
        let job = store::find(&mut transaction, &context.scope, &row.id).await?;
        transaction.commit().await?;
        job.ok_or_else(|| Error::NotFound(row.id))
    }

    /// The queue serves by lane, then by instant: the ticket is an instant in the past.
    async fn add_to_queue(
        &self,
        conn: &mut PgConnection,
        scope: &Scope,
        id: &Id,
        priority: JobPriority,
        ticket: i64,
    ) -> Result<(), Error> {
        let run = RunJob { scope: scope.into(), job_id: id.to_string() };
        let turn = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::microseconds(ticket);
        let spec = JobSpec {
            run_at: Some(turn),
            priority: Some(priority.lane()),
            max_attempts: Some(MAX_ATTEMPTS),
            ..JobSpec::default()
        };
        let added = self.0.queue.clone().with_executor(conn).add_job(run, spec).await;
        added.map(drop).map_err(|error| Error::Queue(error.to_string()))
    }

    /// The job of an id.
    ///
    /// # Errors
    /// [`Error::NotFound`]; the database's.
    pub async fn get(&self, scope: &Scope, id: &Id) -> Result<Job, Error> {
        let mut conn = self.0.pool.acquire().await?;
        store::find(&mut conn, scope, id).await?.ok_or_else(|| Error::NotFound(id.clone()))
    }

    /// The same, once it has ended or `wait` is over.
    ///
    /// # Errors
    /// As [`Jobs::get`].
    pub async fn wait(&self, scope: &Scope, id: &Id, wait: Duration) -> Result<Job, Error> {
        let until = Instant::now() + wait;
        loop {
            let job = self.get(scope, id).await?;
            let left = until.saturating_duration_since(Instant::now());
            if job.state.is_final() || left.is_zero() {
                return Ok(job);
            }
            sleep(POLL.min(left)).await;
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
        Ok(store::list(&mut conn, scope, state, kind, page).await?)
    }

    /// Media type and body of the answer of a job that has succeeded.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NoResult`]; the database's.
    pub async fn result(&self, scope: &Scope, id: &Id) -> Result<(String, Vec<u8>), Error> {
        let mut conn = self.0.pool.acquire().await?;
        match store::result(&mut conn, scope, id).await? {
            Some(result) => Ok(result),
            None => {
                let job = store::find(&mut conn, scope, id).await?;
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
        let job = store::find(&mut transaction, scope, id).await?;
        transaction.commit().await?;
        match job {
            None => Err(Error::NotFound(id.clone())),
            Some(job) if !changed && job.state.is_final() => Err(Error::Finished(job.id)),
            Some(job) => Ok(job),
        }
    }

    /// Runs a failed or cancelled job again, behind those that wait.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NotFailed`]; the queue's and the database's.
    pub async fn retry(&self, scope: &Scope, id: &Id) -> Result<Job, Error> {
        let mut transaction = self.0.pool.begin().await?;
        let ticket = store::next_ticket(&mut transaction, &scope.tenant_id).await?;
        let is_requeued = store::requeue_ended(&mut transaction, scope, id, ticket).await?;
        let Some(job) = store::find(&mut transaction, scope, id).await? else {
            return Err(Error::NotFound(id.clone()));
        };
        if !is_requeued {
            return Err(Error::NotFailed(job.id));
        }
        self.add_to_queue(&mut transaction, scope, id, job.priority, ticket).await?;
        transaction.commit().await?;
        Ok(job)
    }
}
