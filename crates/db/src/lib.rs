//! Postgres for harkback: one pool, one set of migrations, and a private cluster where none is given.
//!
//! - [`connect`] opens a bounded pool;
//! - [`MIGRATOR`] holds every migration of the workspace, [`migrate`] applies them and refuses a
//!   schema it does not know;
//! - [`local::Cluster`] runs a private Postgres from the system's server binaries;
//! - `testing` (feature) gives each test its own database.

use sqlx::Executor;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgExecutor, PgPool};

mod connect;
pub mod local;
#[cfg(feature = "testing")]
pub mod testing;

pub use connect::{ConnectError, connect, connect_for_maintenance, for_requests};

/// What Postgres answers where nothing has ever been migrated.
const UNDEFINED_TABLE: &str = "42P01";

/// Every migration, embedded. One migrator for one database: two would reject each other's rows.
pub static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// Applies what is missing. Safe to call from several processes: they queue on an advisory lock.
///
/// # Errors
/// When a migration fails, or was edited after it was applied. A newer schema is none: every migration lets the version
/// before it run on.
pub async fn migrate(pool: &PgPool) -> Result<(), MigrateError> {
    let mut connection = pool.acquire().await?;
    // Waits for another process that migrates, and builds indexes, for as long as it takes.
    let limits = "SET statement_timeout = 0; SET lock_timeout = 0";
    connection.execute(limits).await?;
    let mut migrator = Migrator::with_migrations(MIGRATOR.iter().cloned().collect());
    migrator.set_ignore_missing(true);
    migrator.run(&mut *connection).await?;
    connection.execute("RESET statement_timeout; RESET lock_timeout").await?;
    Ok(())
}

/// Has the database every migration of this binary? It may have newer ones.
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
