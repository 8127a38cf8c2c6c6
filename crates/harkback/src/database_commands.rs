//! The commands that need a database, but no service: `harkback migrate`, `gc`, `forget`, `keys`, `reprobe`, `index` and
//! `verify`.

use anyhow::Context;
use db::local::Cluster;
use sqlx::PgPool;

use crate::cli::{
    ForgetArguments, GcArguments, IndexArguments, KeysArguments, ReprobeArguments, VerifyArguments,
};
use crate::config::Config;
use crate::database::{Database, migrate_all};
use crate::serve::runtime;
use crate::{forget, gc, index, keys, log, reprobe, verify};

/// Command `migrate`: applies the migrations.
pub(crate) fn migrate(config: &Config) -> anyhow::Result<()> {
    let _traces = log::start(config)?;
    let database = Database::open(config)?;
    runtime()?.block_on(async {
        let pool = db::connect_for_maintenance(database.options.clone(), 2).await?;
        migrate_all(&pool).await?;
        pool.close().await;
        tracing::info!("the schema is up to date");
        Ok(())
    })
}

/// Command `gc`: removes assets by their tags, and blobs that no row refers to.
pub(crate) fn collect(arguments: &GcArguments, config: &Config) -> anyhow::Result<()> {
    maintain(config, async |pool| gc::run(arguments, config, pool).await)
}

/// Command `forget`: removes a tenant.
pub(crate) fn forget(arguments: &ForgetArguments, config: &Config) -> anyhow::Result<()> {
    maintain(config, async |pool| forget::run(arguments, config, pool).await)
}

/// Command `keys`: manages API keys and the secrets of links.
pub(crate) fn keys(arguments: &KeysArguments, config: &Config) -> anyhow::Result<()> {
    let _traces = log::start(config)?;
    let database = Database::open(config)?;
    runtime()?.block_on(async {
        let pool = db::connect(database.options.clone(), 1).await?;
        // A key may be created before the service has ever run.
        db::migrate(&pool).await.context("the schema cannot be brought up to date")?;
        let done = keys::run(&arguments.command, &pool).await;
        pool.close().await;
        done
    })
}

/// Command `reprobe`: probes assets again.
pub(crate) fn reprobe(arguments: &ReprobeArguments, config: &Config) -> anyhow::Result<()> {
    maintain(config, async |pool| reprobe::run(arguments, config, pool).await)
}

/// Command `index`: indexes words or samples that are stored.
pub(crate) fn index(arguments: &IndexArguments, config: &Config) -> anyhow::Result<()> {
    maintain(config, async |pool| index::run(arguments, config, pool).await)
}

/// Command `verify`: lists damaged bytes and results of wrong decoders. Returns whether there are none.
pub(crate) fn verify(arguments: &VerifyArguments, config: &Config) -> anyhow::Result<bool> {
    maintain(config, async |pool| verify::run(arguments, config, pool).await)
}

/// Runs an operator's command on an existing database.
fn maintain<T>(
    config: &Config,
    command: impl AsyncFnOnce(&PgPool) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let _traces = log::start(config)?;
    let is_unused = config.database_url().is_none() && !Cluster::exists(&config.cluster_directory());
    anyhow::ensure!(!is_unused, "there is no harkback data in {}", config.data_dir.display());
    let database = Database::open(config)?;
    runtime()?.block_on(async {
        let pool = db::connect_for_maintenance(database.options.clone(), 1).await?;
        let done = command(&pool).await?;
        pool.close().await;
        Ok(done)
    })
}
