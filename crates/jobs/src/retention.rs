//! Removes finished jobs and ended webhook deliveries after their retention.

use std::time::Duration;

use primitives::Id;
use sqlx::PgConnection;
use tokio::time::sleep;

use crate::service::Jobs;
use crate::store;

/// Interval of removals.
const SWEEP: Duration = Duration::from_secs(3_600);
/// Rows that one statement removes: a job of an hour has thousands of events, and statements have a time limit.
const BATCH: i64 = 20;

impl Jobs {
    /// Removes jobs of all owners whose retention is over, with their results and events, and deliveries of webhooks
    /// that have ended; in batches, until none is left or the service stops. Returns the number of jobs.
    ///
    /// # Errors
    /// Errors of the database; what earlier batches removed stays removed.
    pub async fn remove_expired(&self) -> sqlx::Result<u64> {
        let before = self.now() - self.limits().retention;
        let mut removed = 0;
        loop {
            let mut conn = self.pool().acquire().await?;
            let jobs = store::remove_finished(&mut conn, before, BATCH).await?;
            let deliveries = store::remove_deliveries(&mut conn, before, BATCH).await?;
            removed += jobs;
            if jobs.max(deliveries) < BATCH.unsigned_abs() || self.is_stopping() {
                return Ok(removed);
            }
        }
    }

    /// Removes expired jobs once an hour; never returns.
    pub(crate) async fn sweep_expired(&self) {
        loop {
            sleep(SWEEP).await;
            match self.remove_expired().await {
                Ok(removed) => tracing::info!(removed, "removed finished jobs"),
                Err(error) => tracing::warn!(%error, "finished jobs cannot be removed"),
            }
        }
    }
}

/// Removes the entries in the queue of all jobs of a tenant, or of one of its environments, in the transaction that deletes
/// the rows of the jobs. Returns their number.
///
/// # Errors
/// Errors of the database.
pub async fn forget_entries(conn: &mut PgConnection, tenant_id: &Id, env: Option<&Id>) -> sqlx::Result<u64> {
    if store::has_queue(conn).await? { store::remove_entries(conn, tenant_id, env).await } else { Ok(0) }
}
