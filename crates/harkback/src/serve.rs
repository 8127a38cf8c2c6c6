//! The command `harkback serve`: starts the service, and stops it in order.

mod replica;
mod signals;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context;
use audio_semantic_timeline::SemanticTimelines;
use axum::Router;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http_kit::idempotency::Keys;
use jobs::{Capabilities, Jobs, Replica, Worker};
use media_v2::MediaService;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::app::{RequestGuards, Service};
use crate::capacity::Capacity;
use crate::config::{Config, Role};
use crate::database::{Database, migrate_all};
use crate::health::Health;
use crate::listener::{self, Closed, ConnectionLimits};
use crate::stopping::{Phase, Stopping};
use crate::{app, log, metrics, operations, policy, resources};
use replica::{capabilities, replica, worker_settings};
use signals::Signals;

/// Exit status when running requests were cut off.
const CUT_OFF: u8 = 3;
/// Maximum time before the end of the grace period at which running requests are answered 503.
const LAST_ANSWERS: Duration = Duration::from_secs(2);
/// Maximum time that blocked threads may delay the end.
const LEFTOVERS: Duration = Duration::from_secs(1);

/// Runs the service until a signal (SIGINT, SIGTERM), then lets requests finish.
pub(crate) fn serve(config: &Config) -> anyhow::Result<ExitCode> {
    resources::bound_heap();
    let _traces = log::start(config)?;
    anyhow::ensure!(
        config.role == Role::All || config.database_url().is_some(),
        "--role api and --role worker share a database: give --database-url"
    );
    // Before a private Postgres is created for a service that may not start.
    policy::check(config)?;
    resources::raise_file_limit();
    let runtime = runtime()?;
    let (mut signals, opened) = runtime.block_on(open_database(config))?;
    let Some(database) = opened else {
        // A private Postgres that is still starting ends with this process.
        runtime.shutdown_background();
        return Ok(ExitCode::SUCCESS);
    };
    let ended = runtime.block_on(run(config, &database, &mut signals));
    // An analysis that was cut off runs on its thread until it checks its cancellation.
    runtime.shutdown_timeout(LEFTOVERS);
    ended
    // `database` is dropped last: a private cluster outlives every connection to it.
}

/// Opens the database, which may take a minute; `None` when a signal came first.
async fn open_database(config: &Config) -> anyhow::Result<(Signals, Option<Database>)> {
    let mut signals = Signals::new()?;
    let config = config.clone();
    let opening = tokio::task::spawn_blocking(move || Database::open(&config));
    let opened = signals.unless_one_comes(async { opening.await? }).await?;
    Ok((signals, opened))
}

/// Starts, serves, and stops in order; a signal that comes before the port is open ends the process at once.
async fn run(config: &Config, database: &Database, signals: &mut Signals) -> anyhow::Result<ExitCode> {
    let (phase, phases) = watch::channel(Phase::Serving);
    let capacity = Capacity::of_service(config);
    // On the heap, because the future holds all services.
    let starting = start(config, &capacity, database.options.clone(), phases.clone()).boxed_local();
    let Some(Started { pool, listener, router, worker, replica, capabilities, keys, jobs, media, cut }) =
        signals.unless_one_comes(starting).await?
    else {
        return Ok(ExitCode::SUCCESS);
    };
    tracing::info!(address = %listener.local_addr()?, "listening");
    let limits = ConnectionLimits {
        connections: capacity.connections,
        timeout: Duration::from_secs(config.io_timeout_s),
    };
    let closed = Closed::default();
    tokio::spawn(resources::give_memory_back(closed.clone()));
    tokio::spawn(resources::sweep(media.blobs().clone()));
    tokio::spawn(resources::sweep_uploads(media.clone()));
    tokio::spawn(jobs.clone().listen());
    tokio::spawn(jobs.clone().announce(replica, capabilities));
    tokio::spawn(stop_jobs(jobs.clone(), phases.clone()));
    let worker = tokio::spawn(worker);
    let served = async {
        listener::serve(listener, router, limits, phases, closed).await;
        // Calls whose callers have disconnected.
        keys.finished().await;
        media.uploads_finished().await;
        worker.await.unwrap_or_else(|error| tracing::error!(%error, "the worker ended abnormally"));
        jobs.finished().await;
    };
    let grace = Duration::from_secs(config.shutdown_grace_s);
    let code = tokio::select! {
        () = served => match cut.load(Ordering::Relaxed) {
            0 => ExitCode::SUCCESS,
            cut => {
                tracing::warn!(cut, "requests were answered 503 while they ran");
                ExitCode::from(CUT_OFF)
            }
        },
        () = stop(signals, &phase, grace) => {
            tracing::warn!("requests were still running: cut off");
            ExitCode::from(CUT_OFF)
        }
        () = database.lost() => anyhow::bail!("the private Postgres died, and cannot be started again"),
    };
    // A stuck connection is closed with the process.
    let _ = tokio::time::timeout(LEFTOVERS, pool.close()).await;
    tracing::info!("stopped");
    Ok(code)
}

/// A service that is ready to serve, and its listening socket.
struct Started {
    pool: PgPool,
    listener: TcpListener,
    router: Router,
    /// Runs jobs until the service stops.
    worker: BoxFuture<'static, ()>,
    /// This process in the list of processes.
    replica: Replica,
    capabilities: Capabilities,
    keys: Keys,
    jobs: Jobs,
    media: MediaService,
    /// Number of requests that were answered 503 while they ran.
    cut: Arc<AtomicUsize>,
}

async fn start(
    config: &Config,
    capacity: &Capacity,
    options: PgConnectOptions,
    phases: watch::Receiver<Phase>,
) -> anyhow::Result<Started> {
    let pool = db::connect(options.clone(), capacity.database_connections).await?;
    migrate_all(&pool).await?;
    let metrics = metrics::install(pool.clone())?;
    let access = policy::access(config, pool.clone())?;
    let stopping = Stopping { phase: phases, cut: Arc::default() };
    let cut = stopping.cut.clone();
    let blobs = app::open_blobs(config)?;
    let health = Health::watch(db::for_requests(options), blobs.clone()).await;
    let jobs = app::jobs(config, capacity, pool.clone(), blobs.clone());
    let keys = Keys::new(pool.clone()).with_locations(Arc::new(jobs.clone()));
    let guards = RequestGuards { access, jobs: jobs.clone(), stopping, health };
    let service = app::build(config, capacity, pool.clone(), blobs, metrics, keys.clone(), guards)?;
    let Service { router, routes, media, timelines, renderer } = service;
    warn_of_fallback(&timelines).await;
    let capabilities = capabilities(config, timelines, renderer);
    let mut replica = replica(config, capacity, capabilities().await);
    // Only one process can use a private Postgres.
    if config.database_url().is_some() {
        jobs.share_store(&mut replica).await?;
    }
    let worker = match config.role {
        Role::Api => std::future::ready(()).boxed(),
        Role::All | Role::Worker => {
            Worker::new(jobs.clone(), routes, worker_settings(config, capacity)).work().boxed()
        }
    };
    let router = match config.role {
        Role::Worker => router.layer(axum::middleware::from_fn(operations::only)),
        Role::All | Role::Api => router,
    };
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("cannot listen on {}", config.listen))?;
    Ok(Started { pool, listener, router, worker, replica, capabilities, keys, jobs, media, cut })
}

/// Stops taking jobs once the service stops.
async fn stop_jobs(jobs: Jobs, mut phases: watch::Receiver<Phase>) {
    // An error means that the sender is gone, with the service.
    let _ = phases.wait_for(|phase| *phase != Phase::Serving).await;
    jobs.stop();
}

/// Waits for a signal and stops the service in order: returns when the grace period is over, or at the next signal.
async fn stop(signals: &mut Signals, phase: &watch::Sender<Phase>, grace: Duration) {
    signals.next().await;
    tracing::info!(grace_s = grace.as_secs(), "stopping: running requests and jobs may finish");
    phase.send_replace(Phase::Draining);
    let last_answers = LAST_ANSWERS.min(grace / 5);
    let in_order = async {
        tokio::time::sleep(grace - last_answers).await;
        phase.send_replace(Phase::Cutting);
        tokio::time::sleep(last_answers).await;
    };
    tokio::select! {
        () = in_order => {}
        () = signals.next() => tracing::warn!("a second signal: stopping now"),
    }
}

/// Logs a warning at start if the analysis uses a fallback.
async fn warn_of_fallback(timelines: &SemanticTimelines) {
    match timelines.selection().await {
        Ok(selection) => match &selection.fallback_reason {
            Some(reason) => tracing::warn!(
                requested = %selection.requested,
                backend = %selection.backend.kind(),
                reason,
                "analysis runs with a fallback backend"
            ),
            None => tracing::info!(backend = %selection.backend.kind(), "analysis backend"),
        },
        Err(error) => tracing::warn!(%error, "analysis is not available"),
    }
}

pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}
