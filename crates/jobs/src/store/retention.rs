//! Removal of finished jobs and ended webhook deliveries.

use chrono::{DateTime, Utc};
use primitives::Id;
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

/// Removes the entries in the queue of jobs of a tenant, or of one of its environments; returns their number. Those that a
/// worker runs are removed too: the end of such a job is not recorded.
pub(crate) async fn remove_entries(
    conn: &mut PgConnection,
    tenant_id: &Id,
    env: Option<&Id>,
) -> sqlx::Result<u64> {
    // Not checked at compile time: the queue's tables are created by its library.
    let removed = sqlx::query(
        "-- jobs::remove_entries
         DELETE FROM graphile_worker._private_jobs
         WHERE payload ->> 'tenant_id' = $1 AND ($2::text IS NULL OR payload ->> 'env' = $2)",
    )
    .bind(tenant_id.as_str())
    .bind(env.map(Id::as_str))
    .execute(conn)
    .await?;
    Ok(removed.rows_affected())
}

/// Whether the database has the queue's tables: not before the first migration of the queue.
pub(crate) async fn has_queue(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"-- jobs::has_queue
        SELECT to_regclass('graphile_worker._private_jobs') IS NOT NULL AS "has!""#
    )
    .fetch_one(conn)
    .await
}
