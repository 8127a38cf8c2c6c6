//! Postgres for harkback: one pool, one set of migrations, and a private cluster where none is given.
//!
//! - [`connect`] opens a bounded pool;
//! - [`MIGRATOR`] holds every migration of the workspace, [`migrate`] applies them and refuses a
//!   schema it does not know;
//! - [`local::Cluster`] runs a private Postgres from the system's server binaries;
//! - `testing` (feature) gives each test its own database.

use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};

pub mod local;
#[cfg(feature = "testing")]
pub mod testing;

/// Every migration, embedded. One migrator for one database: two would reject each other's rows.
pub static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// Opens a pool of at most `max_connections`, and checks that the database answers.
///
/// # Errors
/// When the first connection cannot be made.
pub async fn connect(options: PgConnectOptions, max_connections: u32) -> sqlx::Result<PgPool> {
    PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(Duration::from_secs(10))
        .connect_with(options.application_name("harkback"))
        .await
}

/// Applies what is missing. Safe to call from several processes: they queue on an advisory lock.
///
/// # Errors
/// When a migration fails, was edited after it was applied, or the database has one this binary
/// does not know (an older binary on a newer schema).
pub async fn migrate(pool: &PgPool) -> Result<(), MigrateError> {
    MIGRATOR.run(pool).await
}

/// Has the database every migration of this binary?
///
/// # Errors
/// When the database does not answer.
pub async fn is_migrated(pool: &PgPool) -> sqlx::Result<bool> {
    let applied: i64 =
        sqlx::query_scalar("-- db::is_migrated\nSELECT count(*) FROM _sqlx_migrations WHERE success")
            .fetch_one(pool)
            .await?;
    Ok(usize::try_from(applied) == Ok(MIGRATOR.iter().count()))
}
