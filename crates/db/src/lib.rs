//! Postgres for harkback: one pool, one set of migrations, and a private cluster where none is given.
//!
//! - [`connect`] opens a bounded pool;
//! - [`MIGRATOR`] holds every migration of the workspace, [`migrate`] applies them and refuses a
//!   schema it does not know;
//! - [`local::Cluster`] runs a private Postgres from the system's server binaries;
//! - `testing` (feature) gives each test its own database.

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::PgPool;

mod connect;
pub mod local;
#[cfg(feature = "testing")]
pub mod testing;

pub use connect::{ConnectError, connect};

/// What Postgres answers where nothing has ever been migrated.
const UNDEFINED_TABLE: &str = "42P01";

/// Every migration, embedded. One migrator for one database: two would reject each other's rows.
pub static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

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
    let applied: sqlx::Result<i64> =
        sqlx::query_scalar("-- db::is_migrated\nSELECT count(*) FROM _sqlx_migrations WHERE success")
            .fetch_one(pool)
            .await;
    match applied {
        Ok(applied) => Ok(usize::try_from(applied) == Ok(MIGRATOR.iter().count())),
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(UNDEFINED_TABLE) => Ok(false),
        Err(error) => Err(error),
    }
}
