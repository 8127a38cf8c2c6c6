//! Takes jobs from the queue: a worker for each lane, and a watchdog over them.

use std::time::Duration;

use axum::Router;
use chrono::TimeDelta;
use graphile_worker::{
    IntoTaskHandlerResult, JobRecovery, JobRecoveryResult, TaskHandler, WorkerContext, WorkerOptions,
};
use primitives::{Id, Scope};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::time::sleep;

use crate::heavy_calls::{HeavyCall, Lane};
use crate::model::JobState;
use crate::service::{Jobs, QUEUE_SCHEMA};
use crate::store;
use crate::webhooks::WebhookSender;

/// A worker without a heartbeat for `LEASE` is dead; other workers take its jobs after the next sweep.
const HEARTBEAT: Duration = Duration::from_secs(2);
const SWEEP: Duration = Duration::from_secs(2);
const LEASE: Duration = Duration::from_secs(12);
/// Poll interval of the queue, in case no notification arrives.
const POLL: Duration = Duration::from_millis(500);
/// Time to put jobs back at the end of the grace period.
const PUT_BACK: Duration = Duration::from_secs(2);
/// Pause after a failure of the database.
pub(crate) const PAUSE: Duration = Duration::from_secs(1);
/// Interval of the watchdog, and how long a free worker may leave a job queued.
const WATCH: Duration = Duration::from_secs(10);
const STALLED_AFTER: TimeDelta = TimeDelta::seconds(30);
/// Age from which a job without an entry in the queue gets a new one.
const STRANDED_AFTER: TimeDelta = TimeDelta::seconds(60);

/// Settings of a worker process.
#[derive(Clone, Debug)]
pub struct WorkerSettings {
    /// The calls whose jobs it runs: [`HEAVY_CALLS`](crate::HEAVY_CALLS).
    pub calls: &'static [HeavyCall],
    /// Number of concurrent jobs of each lane; a lane with 0 is left to other processes.
    pub slots: Vec<(Lane, usize)>,
    /// How long running jobs may continue when the service stops; then they are put back.
    pub grace: Duration,
}

impl WorkerSettings {
    /// Kinds of jobs that a worker with these settings runs, and the payloads after the first version of each.
    #[must_use]
    pub fn kinds(&self) -> Vec<String> {
        let kinds = self.runnable().map(|call| call.kind.to_owned());
        kinds.chain(self.runnable().flat_map(|call| call.payloads().skip(1))).collect()
    }

    /// Names of the payloads that it takes from the queue.
    pub(crate) fn payloads(&self) -> Vec<String> {
        self.runnable().flat_map(HeavyCall::payloads).collect()
    }

    /// The calls whose lane has slots.
    fn runnable(&self) -> impl Iterator<Item = &'static HeavyCall> {
        let has_slots = |lane: Lane| self.slots.iter().any(|(other, slots)| *other == lane && *slots > 0);
        self.calls.iter().filter(move |call| has_slots(call.lane))
    }
}

/// The queue's entry of a job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RunJob {
    tenant_id: String,
    env: String,
    job_id: String,
}

impl RunJob {
    pub(crate) fn new(scope: &Scope, id: &Id) -> Self {
        let text = |id: &Id| id.as_str().to_owned();
        Self { tenant_id: text(&scope.tenant_id), env: text(&scope.env), job_id: text(id) }
    }

    async fn start(self, context: &WorkerContext) -> Result<(), String> {
        let worker = context.get_ext::<Worker>().cloned().ok_or("the worker has no router")?;
        let id = |text: &str| text.parse::<Id>().map_err(|error| error.to_string());
        let scope = Scope { tenant_id: id(&self.tenant_id)?, env: id(&self.env)? };
        let slots = context.get_ext::<Slots>().cloned();
        let _slot = slots.as_ref().map(|slots| slots.0.try_acquire());
        worker.run(&scope, &id(&self.job_id)?, *context.job().id()).await
    }
}

/// Name of a lane's task in the queue: a version that lacks the lane leaves its entries to others.
pub(crate) const fn task_of(lane: Lane) -> &'static str {
    match lane {
        Lane::Analysis => RunAnalysis::IDENTIFIER,
        Lane::Render => RunRender::IDENTIFIER,
        Lane::ShotLists => RunShotList::IDENTIFIER,
        Lane::Fetches => RunFetch::IDENTIFIER,
    }
}

macro_rules! tasks {
    ($($name:ident = $identifier:literal),+) => {$(
        #[derive(Serialize, Deserialize)]
        struct $name(RunJob);

        impl TaskHandler for $name {
            const IDENTIFIER: &'static str = $identifier;

            async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
                self.0.start(&context).await
            }
        }
    )+};
}

tasks!(
    RunAnalysis = "run_analysis",
    RunRender = "run_render",
    RunShotList = "run_shot_list",
    RunFetch = "run_fetch"
);

/// Counts the jobs that run in a lane, for its watchdog.
#[derive(Clone, Debug)]
struct Slots(std::sync::Arc<Semaphore>);

/// Runs jobs by sending their requests to a router. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Worker {
    pub(crate) jobs: Jobs,
    pub(crate) router: Router,
    pub(crate) settings: WorkerSettings,
}

impl Worker {
    /// A worker for `jobs`, whose requests `router` answers: the service's routes without the layers that authenticate
    /// callers or create jobs. It takes jobs until [`Jobs::stop`]. A handler that panics fails its job with `internal`.
    #[must_use]
    pub fn new(jobs: Jobs, router: Router, settings: WorkerSettings) -> Self {
        Self { jobs, router: http_kit::boundary::catch_panics(router), settings }
    }

    /// Takes jobs from the queue until the service stops, then lets running ones continue for the grace period. Retries
    /// while the database fails.
    pub async fn work(self) {
        let lanes: Vec<(Lane, usize)> =
            self.settings.slots.iter().copied().filter(|(_, slots)| *slots > 0).collect();
        let sender = async {
            match WebhookSender::new(self.jobs.clone()) {
                Ok(sender) => sender.run().await,
                Err(error) => {
                    tracing::error!(%error, "webhooks are not sent");
                    std::future::pending().await
                }
            }
        };
        let running = lanes.iter().map(|(lane, slots)| self.work_in(*lane, *slots));
        tokio::select! {
            _ = futures::future::join_all(running) => {}
            () = self.watch_entries() => {}
            () = self.jobs.sweep_expired() => {}
            () = sender => {}
        }
    }

    async fn work_in(&self, lane: Lane, slots: usize) {
        loop {
            let free = Slots(std::sync::Arc::new(Semaphore::new(slots)));
            let options = self.options(lane, slots).add_extension(free.clone());
            let run = async {
                let worker = options.init().await.map_err(|error| error.to_string())?;
                worker.run().await.map_err(|error| error.to_string())
            };
            tokio::select! {
                ended = run => match ended {
                    Ok(()) if self.jobs.is_stopping() => return,
                    Ok(()) => tracing::warn!(lane = lane.as_str(), "the worker ended by itself; it is started again"),
                    Err(error) => tracing::warn!(lane = lane.as_str(), error, "the queue fails; the worker is started again"),
                },
                () = self.stalled(lane, slots, &free) => {
                    tracing::error!(lane = lane.as_str(), "jobs wait and none is started; the worker is started again");
                }
            }
            if self.jobs.is_stopping() {
                return;
            }
            sleep(PAUSE).await;
        }
    }

    fn options(&self, lane: Lane, slots: usize) -> WorkerOptions {
        let jobs = self.jobs.clone();
        let options = WorkerOptions::default()
            .pg_pool(self.jobs.pool().clone())
            .schema(QUEUE_SCHEMA)
            .concurrency(slots)
            .poll_interval(POLL)
            .heartbeat_interval(HEARTBEAT)
            .sweep_interval(SWEEP)
            .sweep_threshold(LEASE)
            .recovery_delay(Duration::ZERO)
            .listen_os_shutdown_signals(false)
            .shutdown_signal(async move { jobs.stopped().await })
            .shutdown_grace_period(self.settings.grace + PUT_BACK)
            .shutdown_interrupted_job_retry_delay(Duration::ZERO)
            // Entries of the version before have no flags: they are taken.
            .job_flag_allowlist(self.settings.payloads())
            // A recovered job keeps its ticket: by default it would queue behind all others.
            .on(JobRecovery, |context| async move {
                JobRecoveryResult::Reschedule { run_at: *context.job.run_at(), attempts: None }
            })
            .add_extension(self.clone());
        match lane {
            Lane::Analysis => options.define_job::<RunAnalysis>(),
            Lane::Render => options.define_job::<RunRender>(),
            Lane::ShotLists => options.define_job::<RunShotList>(),
            Lane::Fetches => options.define_job::<RunFetch>(),
        }
    }

    /// Returns when a job has been queued for long while none runs, and this worker could have started it.
    async fn stalled(&self, lane: Lane, slots: usize, free: &Slots) {
        let mut idle_since = self.jobs.now();
        loop {
            sleep(WATCH).await;
            let now = self.jobs.now();
            if free.0.available_permits() < slots || self.jobs.is_stopping() {
                idle_since = now;
                continue;
            }
            let since = now - STALLED_AFTER;
            if idle_since > since {
                continue;
            }
            let has_waited = async {
                let mut conn = self.jobs.pool().acquire().await?;
                store::has_waited(&mut conn, lane, since, &self.settings.payloads()).await
            };
            if has_waited.await.unwrap_or(false) {
                return;
            }
        }
    }

    /// Gives jobs that have lost their entry in the queue a new one; never returns.
    async fn watch_entries(&self) {
        loop {
            sleep(WATCH).await;
            let before = self.jobs.now() - STRANDED_AFTER;
            match self.jobs.requeue_stranded(before, self.settings.calls).await {
                Ok(0) => {}
                Ok(requeued) => {
                    tracing::warn!(requeued, "jobs without an entry in the queue are queued again")
                }
                Err(error) => tracing::warn!(%error, "the queue cannot be compared with its jobs"),
            }
            if let Err(error) = self.count().await {
                tracing::warn!(%error, "jobs cannot be counted");
            }
        }
    }

    async fn count(&self) -> sqlx::Result<()> {
        let mut conn = self.jobs.pool().acquire().await?;
        let counts = store::count_active(&mut conn).await?;
        for call in self.settings.calls {
            for state in [JobState::Queued, JobState::Running] {
                let count =
                    counts.iter().find(|count| count.kind == call.kind && count.state == state.as_str());
                let labels = [("kind", call.kind), ("state", state.as_str())];
                metrics::gauge!("jobs", &labels).set(count.map_or(0.0, |count| count.count as f64));
            }
        }
        Ok(())
    }
}
