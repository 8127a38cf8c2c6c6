//! The database of a process: that of a URL, or a private Postgres in the data directory.

use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;
use db::local::{Cluster, Durability, ServerBinaries};
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;

use crate::config::{self, Config};

/// Interval between two checks of a private Postgres.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The database to use, and its private cluster if there is one.
pub(crate) struct Database {
    pub(crate) options: PgConnectOptions,
    cluster: Option<Cluster>,
}

impl Database {
    /// Returns when a private cluster has failed for good.
    pub(crate) async fn lost(&self) {
        while !self.cluster.as_ref().is_some_and(Cluster::has_failed) {
            tokio::time::sleep(CHECK_INTERVAL).await;
        }
    }

    pub(crate) fn open(config: &Config) -> anyhow::Result<Self> {
        if let Some(url) = config.database_url() {
            let options = PgConnectOptions::from_str(url).context("DATABASE_URL is not a postgres:// URL")?;
            return Ok(Self { options, cluster: None });
        }
        let binaries = ServerBinaries::find(&config::search_path())?;
        let directory = config.cluster_directory();
        let cluster = Cluster::start(&binaries, &directory, Durability::Full)?;
        tracing::info!(directory = %directory.display(), "running a private Postgres");
        Ok(Self { options: cluster.connect_options("postgres"), cluster: Some(cluster) })
    }
}

/// Migrates the tables of this program, then those of its queue.
pub(crate) async fn migrate_all(pool: &PgPool) -> anyhow::Result<()> {
    db::migrate(pool).await.context("the schema cannot be brought up to date")?;
    jobs::migrate(pool).await.context("the job queue's schema cannot be brought up to date")
}
