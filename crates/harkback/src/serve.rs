//! The commands that need a database: `harkback serve`, `migrate`, `gc`, `reprobe` and `verify`.

use std::io::IsTerminal;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;
use audio_semantic_timeline::SemanticTimelines;
use db::local::{Cluster, Durability, ServerBinaries};
use http_kit::idempotency::Keys;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::cli::{GcArguments, ReprobeArguments};
use crate::config::{self, Config, LogFormat};
use crate::{app, gc, metrics, reprobe, verify};

/// Runs the service until it is told to stop (SIGINT, SIGTERM), then lets it finish.
pub(crate) fn serve(config: &Config) -> anyhow::Result<()> {
    start_log(config)?;
    let database = Database::open(config)?;
    runtime()?.block_on(run(config, database.options.clone()))
    // `database` is dropped last: a private cluster outlives every connection to it.
}

/// Applies the migrations.
pub(crate) fn migrate(config: &Config) -> anyhow::Result<()> {
    start_log(config)?;
    let database = Database::open(config)?;
    runtime()?.block_on(async {
        let pool = db::connect(database.options.clone(), 1).await?;
        db::migrate(&pool).await.context("the schema cannot be brought up to date")?;
        pool.close().await;
        tracing::info!("the schema is up to date");
        Ok(())
    })
}

/// Removes what no row refers to.
pub(crate) fn collect(arguments: &GcArguments, config: &Config) -> anyhow::Result<()> {
    maintain(config, async |pool| gc::run(arguments, config, pool).await)
}

/// Probes assets again.
pub(crate) fn reprobe(arguments: &ReprobeArguments, config: &Config) -> anyhow::Result<()> {
    maintain(config, async |pool| reprobe::run(arguments, config, pool).await)
}

/// Lists results of wrong decoders; whether there are none.
pub(crate) fn verify(config: &Config) -> anyhow::Result<bool> {
    maintain(config, async |pool| verify::run(pool).await)
}

/// Runs an operator's command on a database that is there already.
fn maintain<T>(
    config: &Config,
    command: impl AsyncFnOnce(&PgPool) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    start_log(config)?;
    let is_unused = config.database_url().is_none() && !Cluster::exists(&config.cluster_directory());
    anyhow::ensure!(!is_unused, "there is no harkback data in {}", config.data_dir.display());
    let database = Database::open(config)?;
    runtime()?.block_on(async {
        let pool = db::connect(database.options.clone(), 1).await?;
        let done = command(&pool).await?;
        pool.close().await;
        Ok(done)
    })
}

async fn run(config: &Config, options: PgConnectOptions) -> anyhow::Result<()> {
    let pool = db::connect(options, config.database_connections).await?;
    db::migrate(&pool).await.context("the schema cannot be brought up to date")?;
    let metrics = metrics::install()?;
    let keys = Keys::new(pool.clone());
    let (router, timelines) =
        app::build(config, pool.clone(), app::open_blobs(config)?, metrics, keys.clone())?;
    warn_of_fallback(&timelines).await;

    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("cannot listen on {}", config.listen))?;
    tracing::info!(address = %listener.local_addr()?, "listening");
    let (stop, stopping) = tokio::sync::watch::channel(());
    let asked_to_stop = async move {
        wait_for_signal().await;
        tracing::info!("stopping: what runs may finish");
        drop(stop);
    };
    let grace = Duration::from_secs(config.shutdown_grace_s);
    let out_of_grace = async move {
        let mut stopping = stopping;
        // Resolves, with an error, when the sender is dropped.
        let _ = stopping.changed().await;
        tokio::time::sleep(grace).await;
    };
    let served = async {
        axum::serve(listener, router).with_graceful_shutdown(asked_to_stop).await?;
        // Those whose callers hung up.
        keys.finished().await;
        anyhow::Ok(())
    };
    tokio::select! {
        served = served => served?,
        () = out_of_grace => tracing::warn!(grace_s = grace.as_secs(), "requests were still running: cut off"),
    }
    pool.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// A fallback is loud, also at start.
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

/// The database to use, and the private cluster behind it if there is one.
struct Database {
    options: PgConnectOptions,
    _cluster: Option<Cluster>,
}

impl Database {
    fn open(config: &Config) -> anyhow::Result<Self> {
        if let Some(url) = config.database_url() {
            let options = PgConnectOptions::from_str(url).context("DATABASE_URL is no postgres:// URL")?;
            return Ok(Self { options, _cluster: None });
        }
        let binaries = ServerBinaries::find(&config::search_path())?;
        let directory = config.cluster_directory();
        let cluster = Cluster::start(&binaries, &directory, Durability::Full)?;
        tracing::info!(directory = %directory.display(), "running a private Postgres");
        Ok(Self { options: cluster.connect_options("postgres"), _cluster: Some(cluster) })
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

async fn wait_for_signal() {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        // Without handlers the signals' default action ends the process.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => (),
        _ = terminate.recv() => (),
    }
}

/// Log lines go to standard error.
fn start_log(config: &Config) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&config.log).context("the log filter is not valid")?;
    let colour = std::io::stderr().is_terminal();
    let log =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colour);
    match config.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
    // A caught panic (a decoder on a hostile file) is one line, not a backtrace among the lines.
    std::panic::set_hook(Box::new(|panic| tracing::warn!(%panic, "panicked")));
    Ok(())
}
