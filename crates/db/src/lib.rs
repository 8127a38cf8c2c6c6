//! Postgres for harkback: one pool, one set of migrations, and a private cluster when no database is configured.
//!
//! - [`connect`] opens a bounded pool;
//! - [`MIGRATOR`] holds every migration of the workspace, [`migrate`] applies them and rejects an edited one;
//! - [`local::Cluster`] runs a private Postgres from the system's server binaries;
//! - `testing` (feature) gives each test its own database.

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnection, PgExecutor, PgPool};
use sqlx::{Connection, Executor};

mod connect;
pub mod local;
#[cfg(feature = "testing")]
pub mod testing;

pub use connect::{ConnectError, connect, connect_for_maintenance, for_requests};

/// SQLSTATE of a query of a missing table: the database has never been migrated.
const UNDEFINED_TABLE: &str = "42P01";

/// All migrations, embedded. One migrator per database: two would reject each other's rows.
pub static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// Applies pending migrations. Safe to call from several processes: they queue on an advisory lock.
///
/// # Errors
/// When a migration fails, or was edited after it was applied. A newer schema is not an error, because every migration
/// keeps the previous version of harkback working; it is logged as a warning.
pub async fn migrate(pool: &PgPool) -> Result<(), MigrateError> {
    // The connection does not return to the pool, because its time limits are off, also after an error.
    let mut connection = pool.acquire().await?.detach();
    let migrated = migrate_without_limits(&mut connection).await;
    // The server also ends a connection that is dropped.
    let _ = connection.close().await;
    migrated
}

async fn migrate_without_limits(connection: &mut PgConnection) -> Result<(), MigrateError> {
    // Waits without a limit for another process that migrates or builds indexes.
    let limits = "SET statement_timeout = 0; SET lock_timeout = 0";
    connection.execute(limits).await?;
    let mut migrator = Migrator::with_migrations(MIGRATOR.iter().cloned().collect());
    migrator.set_ignore_missing(true);
    migrator.run(&mut *connection).await?;
    if let Some(newest) = newest_unknown_migration(connection).await? {
        let own = MIGRATOR.iter().map(|migration| migration.version).max();
        tracing::warn!(
            newest,
            own,
            "the database was migrated by a newer version of harkback; this one serves it if it is the version before: \
             upgrade this process"
        );
    }
    Ok(())
}

/// The highest version among the applied migrations that this binary does not have; `None` if it has all of them.
async fn newest_unknown_migration(connection: &mut PgConnection) -> sqlx::Result<Option<i64>> {
    let own: Vec<i64> = MIGRATOR.iter().map(|migration| migration.version).collect();
    sqlx::query_scalar(
        "-- db::newest_unknown_migration\nSELECT max(version) FROM _sqlx_migrations WHERE version <> ALL($1)",
    )
    .bind(own)
    .fetch_one(connection)
    .await
}

/// Whether the database has every migration of this binary; it may have newer ones.
///
/// # Errors
/// When the database does not answer.
pub async fn is_migrated(executor: impl PgExecutor<'_>) -> sqlx::Result<bool> {
    let applied: sqlx::Result<Vec<i64>> =
        sqlx::query_scalar("-- db::is_migrated\nSELECT version FROM _sqlx_migrations WHERE success")
            .fetch_all(executor)
            .await;
    match applied {
        Ok(applied) => Ok(MIGRATOR.iter().all(|migration| applied.contains(&migration.version))),
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(UNDEFINED_TABLE) => Ok(false),
        Err(error) => Err(error),
    }
}
