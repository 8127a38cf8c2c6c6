//! Events of jobs.

use http_kit::{Id, Scope};
use serde_json::Value;
use sqlx::PgConnection;

/// The channel on which the end of a job is announced to all processes; the payload is the job's id.
pub(crate) const ENDED_CHANNEL: &str = "harkback_job_ended";

pub(super) async fn add_event(
    conn: &mut PgConnection,
    scope: &Scope,
    id: &Id,
    event: &str,
    data: &Value,
) -> sqlx::Result<()> {
    sqlx::query!(
        "-- jobs::add_event
         INSERT INTO job_events (tenant_id, env, job_id, event, data) VALUES ($1, $2, $3, $4, $5)",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
        event,
        data,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Announces the end of a job when the transaction is committed.
pub(super) async fn announce(conn: &mut PgConnection, id: &Id) -> sqlx::Result<()> {
    sqlx::query!(
        "-- jobs::announce
         SELECT pg_notify($1, $2)",
        ENDED_CHANNEL,
        id.as_str()
    )
    .fetch_one(conn)
    .await?;
    Ok(())
}

/// An event of a stream.
#[derive(Clone, Debug)]
pub(crate) struct EventRow {
    pub(crate) sequence: i64,
    pub(crate) job_id: String,
    pub(crate) event: String,
    pub(crate) data: Value,
}

/// Up to `limit` events after `after`, of one job or of all of an owner, as far as no earlier one can still be written.
pub(crate) async fn events(
    conn: &mut PgConnection,
    scope: &Scope,
    job_id: Option<&Id>,
    after: i64,
    limit: i64,
) -> sqlx::Result<Vec<EventRow>> {
    sqlx::query_as!(
        EventRow,
        "-- jobs::events
         SELECT sequence, job_id, event, data FROM job_events
         WHERE tenant_id = $1 AND env = $2 AND ($3::text IS NULL OR job_id = $3) AND sequence > $4
           AND written_by < pg_snapshot_xmin(pg_current_snapshot())
         ORDER BY sequence LIMIT $5",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        job_id.map(Id::as_str),
        after,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// The newest event of an owner before which none can still be written.
pub(crate) async fn last_event(conn: &mut PgConnection, scope: &Scope) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"-- jobs::last_event
        SELECT coalesce(max(sequence), 0) AS "last!" FROM job_events
        WHERE tenant_id = $1 AND env = $2 AND written_by < pg_snapshot_xmin(pg_current_snapshot())"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
    )
    .fetch_one(conn)
    .await
}

/// Is there an event of the job after `after`?
pub(crate) async fn has_events_after(
    conn: &mut PgConnection,
    scope: &Scope,
    job_id: &Id,
    after: i64,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"-- jobs::has_events_after
        SELECT EXISTS (
            SELECT FROM job_events WHERE tenant_id = $1 AND env = $2 AND job_id = $3 AND sequence > $4
        ) AS "has!""#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        job_id.as_str(),
        after,
    )
    .fetch_one(conn)
    .await
}
