//! Removal of finished jobs and ended webhook deliveries.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// Removes at most `limit` jobs of all owners that ended before `before`, with their results and events; the oldest
/// first. Returns their number. Rows that another process removes are skipped.
pub(crate) async fn remove_finished(
    conn: &mut PgConnection,
    before: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<u64> {
    let removed = sqlx::query!(
        "-- jobs::remove_finished
         DELETE FROM jobs WHERE ctid IN (
             SELECT ctid FROM jobs WHERE finished_at < $1 ORDER BY finished_at LIMIT $2
             FOR UPDATE SKIP LOCKED)",
        before,
        limit,
    )
    .execute(conn)
    .await?;
    Ok(removed.rows_affected())
}

/// Removes at most `limit` webhook deliveries of all owners that were created before `before` and have ended. Returns
/// their number.
pub(crate) async fn remove_deliveries(
    conn: &mut PgConnection,
    before: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<u64> {
    let removed = sqlx::query!(
        "-- jobs::remove_deliveries
         DELETE FROM webhook_deliveries WHERE ctid IN (
             SELECT ctid FROM webhook_deliveries WHERE created_at < $1 AND state <> 'pending'
             ORDER BY created_at LIMIT $2
             FOR UPDATE SKIP LOCKED)",
        before,
        limit,
    )
    .execute(conn)
    .await?;
    Ok(removed.rows_affected())
}
