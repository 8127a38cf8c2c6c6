//! Events of jobs, and notifications of their end.

use chrono::{DateTime, Utc};
use primitives::{Id, Scope};
use serde_json::Value;
use sqlx::PgConnection;

use crate::model::JobState;

/// The channel on which the end of a job is announced to all processes; the payload is the job's id.
pub(crate) const ENDED_CHANNEL: &str = "harkback_job_ended";

/// The channel on which the queue's library listens.
const QUEUE_CHANNEL: &str = "jobs:insert";

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

/// Writes that the job entered `state`: an event, and a delivery for each webhook subscribed to it.
pub(super) async fn add_state(
    conn: &mut PgConnection,
    scope: &Scope,
    id: &Id,
    state: JobState,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "-- jobs::add_state
         WITH event AS (
             INSERT INTO job_events (tenant_id, env, job_id, event, data)
             VALUES ($1, $2, $3, 'state', jsonb_build_object('state', $4::text))
             RETURNING sequence
         )
         INSERT INTO webhook_deliveries
             (tenant_id, env, webhook_id, id, job_id, job_state, state, created_at, next_attempt_at)
         SELECT w.tenant_id, w.env, w.id, 'msg_' || event.sequence || '_' || w.id, $3, $4, 'pending', $5, $5
         FROM event, webhooks w JOIN jobs j ON (j.tenant_id, j.env) = (w.tenant_id, w.env)
         WHERE w.tenant_id = $1 AND w.env = $2 AND j.id = $3
           AND $4 = ANY (w.states) AND (w.kinds = '{}' OR j.kind = ANY (w.kinds))",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
        state.as_str(),
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Announces the end of a job when the transaction is committed: to its caller, and to workers if other jobs of its
/// lane wait. The queue's library announces only new jobs; without this a free worker would wait for its poll interval.
pub(super) async fn announce(conn: &mut PgConnection, scope: &Scope, id: &Id) -> sqlx::Result<()> {
    sqlx::query!(
        "-- jobs::announce
         SELECT pg_notify($1, $4), CASE WHEN EXISTS (
             SELECT FROM jobs j JOIN jobs waiting USING (lane)
             WHERE j.tenant_id = $2 AND j.env = $3 AND j.id = $4 AND waiting.state = 'queued'
         ) THEN pg_notify($5, '') END",
        ENDED_CHANNEL,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
        QUEUE_CHANNEL,
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

/// Up to `limit` events after `after`, of one job or of all jobs of an owner, of the transactions that are
/// older than every open one.
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

/// The newest event of an owner before which no open transaction can still write one.
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

/// Whether the job has an event after `after`.
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
