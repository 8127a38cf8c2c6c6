//! Runs jobs: sends their requests to the service's own router.

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use graphile_worker::{IntoTaskHandlerResult, TaskHandler, WorkerContext, WorkerOptions};
use http::{Method, Request, StatusCode, header};
use http_kit::boundary::RequestId;
use http_kit::{AccessLevel, Id, Problem, Scope, WorkProgress, WriteSeed};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::sleep;
use tower::ServiceExt;

use crate::Error;
use crate::service::{Jobs, QUEUE_SCHEMA};
use crate::store::{self, Claimed, Outcome};

/// A worker is given up when nothing was heard of it for `LEASE`; its jobs go to others after the next sweep.
const HEARTBEAT: Duration = Duration::from_secs(2);
const SWEEP: Duration = Duration::from_secs(3);
const LEASE: Duration = Duration::from_secs(10);
/// How often the queue is asked where no notification came.
const POLL: Duration = Duration::from_millis(500);
/// How often progress is written and a cancellation looked for.
const REPORT: Duration = Duration::from_millis(500);
/// Starts in a row whose worker died, before a job is given up.
const MAX_LOST: i32 = 3;
/// Starts of a job that is put back because the service is busy.
const MAX_ATTEMPTS: i32 = 25;
/// Largest answer, in bytes: that of the longest shot list.
const MAX_ANSWER_BYTES: usize = 300 << 20;
/// What it takes to put a job back at the end of the grace.
const PUT_BACK: Duration = Duration::from_secs(2);
/// How often finished jobs are removed.
const RETENTION_SWEEP: Duration = Duration::from_secs(3_600);

/// How a worker runs.
#[derive(Clone, Copy, Debug)]
pub struct WorkerSettings {
    /// Jobs at once.
    pub slots: usize,
    /// How long running jobs may go on when the service stops; then they are put back.
    pub grace: Duration,
}

/// The entry of a job in the queue.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RunJob {
    pub(crate) scope: OwnerOf,
    pub(crate) job_id: String,
}

/// The owner of a job, as the queue has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct OwnerOf {
    tenant_id: String,
    env: String,
}

impl From<&Scope> for OwnerOf {
    fn from(scope: &Scope) -> Self {
        Self { tenant_id: scope.tenant_id.to_string(), env: scope.env.to_string() }
    }
}

impl TaskHandler for RunJob {
    const IDENTIFIER: &'static str = "run_job";

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        let Some(worker) = context.get_ext::<Worker>().cloned() else {
            return Err("the worker has no router".to_owned());
        };
        let parsed = || {
            let scope =
                Scope { tenant_id: self.scope.tenant_id.parse().ok()?, env: self.scope.env.parse().ok()? };
            Some((scope, self.job_id.parse::<Id>().ok()?))
        };
        match parsed() {
            Some((scope, id)) => worker.run(&scope, &id).await,
            // Of a later version: another worker may know it.
            None => Err("the job's owner or id is malformed".to_owned()),
        }
    }
}

/// Runs jobs on a router. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Worker {
    jobs: Jobs,
    router: Router,
    settings: WorkerSettings,
    stopping: watch::Receiver<bool>,
}

/// How a start of a job ended.
enum Run {
    Ended(Outcome),
    /// The service could not do it now.
    Busy(String),
}

impl Worker {
    /// A worker for `jobs`, whose requests `router` answers: the service's routes without those layers that authenticate
    /// callers or make jobs. It takes jobs until `stopping` is true.
    #[must_use]
    pub const fn new(
        jobs: Jobs,
        router: Router,
        settings: WorkerSettings,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        Self { jobs, router, settings, stopping }
    }

    /// Takes jobs from the queue until the service stops, then lets those that run go on for the grace.
    ///
    /// # Errors
    /// [`Error::Queue`] when the queue cannot be used.
    pub async fn work(self) -> Result<(), Error> {
        let failed = |error: &dyn std::fmt::Display| Error::Queue(error.to_string());
        let mut stop = self.stopping.clone();
        let options = WorkerOptions::default()
            .pg_pool(self.jobs.pool().clone())
            .schema(QUEUE_SCHEMA)
            .concurrency(self.settings.slots.max(1))
            .poll_interval(POLL)
            .heartbeat_interval(HEARTBEAT)
            .sweep_interval(SWEEP)
            .sweep_threshold(LEASE)
            .recovery_delay(Duration::ZERO)
            .listen_os_shutdown_signals(false)
            .shutdown_signal(async move {
                // An error means that the sender is gone, with the service.
                let _ = stop.wait_for(|is_stopping| *is_stopping).await;
            })
            .shutdown_grace_period(self.settings.grace + PUT_BACK)
            .shutdown_interrupted_job_retry_delay(Duration::ZERO)
            .add_extension(self.clone())
            .define_job::<RunJob>();
        let worker = options.init().await.map_err(|error| failed(&error))?;
        tokio::select! {
            ended = worker.run() => ended.map_err(|error| failed(&error)),
            () = self.remove_finished() => Ok(()),
        }
    }

    /// Removes finished jobs after their retention, for ever.
    async fn remove_finished(&self) {
        loop {
            sleep(RETENTION_SWEEP).await;
            let before = self.jobs.now() - self.jobs.limits().retention;
            let removed = async {
                let mut conn = self.jobs.pool().acquire().await?;
                store::remove_finished(&mut conn, before).await
            };
            match removed.await {
                Ok(removed) => tracing::info!(removed, "removed finished jobs"),
                Err(error) => tracing::warn!(%error, "finished jobs cannot be removed"),
            }
        }
    }

    /// Runs a job to its end. An error has the queue start it again later.
    async fn run(&self, scope: &Scope, id: &Id) -> Result<(), String> {
        let text = |error: sqlx::Error| error.to_string();
        let claimed = self.claim(scope, id).await.map_err(text)?;
        // Cancelled, finished or removed.
        let Some(claimed) = claimed else { return Ok(()) };
        let waited = (self.jobs.now() - claimed.created_at).as_seconds_f64();
        metrics::histogram!("job_wait_seconds", "kind" => claimed.kind.clone()).record(waited);
        if claimed.lost >= MAX_LOST {
            let detail = format!("{MAX_LOST} workers in a row died while they ran this job");
            return self
                .finish(scope, id, &Outcome::Failed(problem("worker_lost", &detail)))
                .await
                .map_err(text);
        }
        let started = Instant::now();
        let run = self.run_claimed(scope, id, &claimed).await;
        let outcome = match run {
            Run::Ended(outcome) => outcome,
            Run::Busy(code) if claimed.attempts < MAX_ATTEMPTS => {
                let mut conn = self.jobs.pool().acquire().await.map_err(text)?;
                store::put_back(&mut conn, scope, id, &format!("waiting: {code}")).await.map_err(text)?;
                return Err(code);
            }
            Run::Busy(code) => Outcome::Failed(problem(&code, "the service was busy at every try")),
        };
        let state = match &outcome {
            Outcome::Succeeded { .. } => "succeeded",
            Outcome::Failed(_) => "failed",
            Outcome::Cancelled => "cancelled",
        };
        let labels = [("kind", claimed.kind.clone()), ("state", state.to_owned())];
        metrics::histogram!("job_duration_seconds", &labels).record(started.elapsed().as_secs_f64());
        tracing::info!(job_id = %id, kind = claimed.kind, state, request_id = claimed.request_id, "job");
        self.finish(scope, id, &outcome).await.map_err(text)
    }

    async fn claim(&self, scope: &Scope, id: &Id) -> sqlx::Result<Option<Claimed>> {
        let mut transaction = self.jobs.pool().begin().await?;
        let claimed = store::claim(&mut transaction, scope, id, self.jobs.now()).await?;
        transaction.commit().await?;
        Ok(claimed)
    }

    async fn finish(&self, scope: &Scope, id: &Id, outcome: &Outcome) -> sqlx::Result<()> {
        let mut transaction = self.jobs.pool().begin().await?;
        store::finish(&mut transaction, scope, id, outcome, self.jobs.now()).await?;
        transaction.commit().await
    }

    /// Answers the request, unless the job is cancelled before: then the handler is dropped, which stops its work.
    async fn run_claimed(&self, scope: &Scope, id: &Id, claimed: &Claimed) -> Run {
        let progress = WorkProgress::default();
        // What the job makes has ids that are derived from its own: run again after a crash, it makes them once.
        let seed = WriteSeed::new(&format!("job {id}"));
        let answer = progress.watch(WriteSeed::scope(Some(seed), self.answer(scope, claimed)));
        tokio::select! {
            run = answer => run,
            () = self.cancelled(scope, id, &progress) => Run::Ended(Outcome::Cancelled),
            () = self.grace_over() => Run::Busy("shutting_down".to_owned()),
        }
    }

    /// Waits until the service stops, and then for the grace.
    async fn grace_over(&self) {
        let mut stopping = self.stopping.clone();
        // An error means that the sender is gone, with the service.
        let _ = stopping.wait_for(|is_stopping| *is_stopping).await;
        sleep(self.settings.grace).await;
    }

    /// Reports progress until the job is cancelled.
    async fn cancelled(&self, scope: &Scope, id: &Id, progress: &WorkProgress) {
        let mut reported = progress.read();
        loop {
            sleep(REPORT).await;
            let now = progress.read();
            let cancelled = async {
                let mut conn = self.jobs.pool().acquire().await?;
                if now == reported {
                    return store::is_cancelled(&mut conn, scope, id).await;
                }
                store::report(&mut conn, scope, id, now.0, now.1).await
            };
            match cancelled.await {
                Ok(true) => return,
                Ok(false) => reported = now,
                // Work goes on without a database for a while; its end is written with retries of the queue.
                Err(error) => tracing::warn!(job_id = %id, %error, "progress cannot be written"),
            }
        }
    }

    async fn answer(&self, scope: &Scope, claimed: &Claimed) -> Run {
        let failed = |detail: &dyn std::fmt::Display| {
            Run::Ended(Outcome::Failed(problem("internal", &detail.to_string())))
        };
        let request = match request(scope, claimed) {
            Ok(request) => request,
            Err(error) => return failed(&error),
        };
        // A router never fails: its errors are answers.
        let response = match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let status = response.status();
        let media_type = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = media_type.unwrap_or("application/json").to_owned();
        let document =
            response.extensions().get::<Problem>().map(|problem| problem.to_json(&claimed.request_id));
        let body = match to_bytes(response.into_body(), MAX_ANSWER_BYTES).await {
            Ok(body) => body.to_vec(),
            Err(error) => return failed(&error),
        };
        if status.is_success() {
            return Run::Ended(Outcome::Succeeded { status: status.as_u16(), media_type, body });
        }
        let document = document.or_else(|| serde_json::from_slice(&body).ok());
        let document = document.unwrap_or_else(|| problem("internal", "the call failed without a reason"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            return Run::Busy(document["code"].as_str().unwrap_or("busy").to_owned());
        }
        Run::Ended(Outcome::Failed(document))
    }
}

/// The request of a job, as its caller sent it.
fn request(scope: &Scope, claimed: &Claimed) -> http::Result<Request<Body>> {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(&claimed.path)
        .header(header::CONTENT_TYPE, "application/json")
        .header("x-tenant-id", scope.tenant_id.as_str())
        .header("x-env", scope.env.as_str())
        .header("x-request-id", &claimed.request_id);
    if let Some(user_id) = &claimed.user_id {
        request = request.header("x-user-id", user_id);
    }
    let level: AccessLevel = claimed.access_level.parse().unwrap_or(AccessLevel::Read);
    request
        .extension(level)
        .extension(RequestId::new(claimed.request_id.clone()))
        .body(Body::from(claimed.body.clone()))
}

fn problem(code: &str, detail: &str) -> Value {
    json!({"type": format!("urn:harkback:problem:{code}"), "code": code, "detail": detail})
}
