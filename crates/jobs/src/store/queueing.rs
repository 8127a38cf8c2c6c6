//! Jobs from their acceptance to their start.

use chrono::{DateTime, Utc};
use http_kit::{AccessLevel, Id, Scope};
use serde_json::json;
use sqlx::PgConnection;

use super::events::add_event;
use crate::model::JobPriority;

/// A job to be inserted.
pub(crate) struct NewRow<'a> {
    pub(crate) scope: &'a Scope,
    pub(crate) id: Id,
    pub(crate) user_id: Option<&'a Id>,
    pub(crate) kind: &'a str,
    pub(crate) priority: JobPriority,
    pub(crate) request_id: &'a str,
    pub(crate) level: AccessLevel,
    pub(crate) path: &'a str,
    pub(crate) body: &'a str,
}

/// Queued jobs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting {
    pub(crate) of_tenant: i64,
    pub(crate) of_all: i64,
}

/// What a worker needs to run a job.
#[derive(Clone, Debug)]
pub(crate) struct Claimed {
    pub(crate) kind: String,
    pub(crate) user_id: Option<String>,
    pub(crate) request_id: String,
    pub(crate) access_level: String,
    pub(crate) path: String,
    pub(crate) body: String,
    /// Starts in a row whose worker died.
    pub(crate) lost: i32,
    pub(crate) attempts: i32,
    pub(crate) created_at: DateTime<Utc>,
}

pub(crate) async fn waiting(conn: &mut PgConnection, tenant_id: &Id) -> sqlx::Result<Waiting> {
    sqlx::query_as!(
        Waiting,
        r#"-- jobs::waiting
        SELECT
            (SELECT count(*) FROM jobs WHERE state = 'queued' AND tenant_id = $1) AS "of_tenant!",
            (SELECT count(*) FROM jobs WHERE state = 'queued') AS "of_all!""#,
        tenant_id.as_str()
    )
    .fetch_one(conn)
    .await
}

/// The ticket after both the tenant's last one and the one now served: start-time fair queueing.
pub(crate) async fn next_ticket(conn: &mut PgConnection, tenant_id: &Id) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "-- jobs::next_ticket
         INSERT INTO job_tickets AS t (tenant_id, last_ticket)
         SELECT $1, ticket + 1 FROM job_served
         ON CONFLICT (tenant_id) DO UPDATE
             SET last_ticket = greatest(t.last_ticket, (SELECT ticket FROM job_served)) + 1
         RETURNING last_ticket",
        tenant_id.as_str()
    )
    .fetch_one(conn)
    .await
}

pub(crate) async fn insert(
    conn: &mut PgConnection,
    new: &NewRow<'_>,
    ticket: i64,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "-- jobs::insert
         INSERT INTO jobs (tenant_id, env, id, user_id, kind, priority, state, ticket, request_id, access_level, path,
             body, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, 'queued', $7, $8, $9, $10, $11, $12)",
        new.scope.tenant_id.as_str(),
        new.scope.env.as_str(),
        new.id.as_str(),
        new.user_id.map(Id::as_str),
        new.kind,
        new.priority.as_str(),
        ticket,
        new.request_id,
        new.level.as_str(),
        new.path,
        new.body,
        now,
    )
    .execute(&mut *conn)
    .await?;
    add_event(conn, new.scope, &new.id, "state", &json!({"state": "queued"})).await
}

/// Starts a job that is not finished. One that runs already has lost its worker.
pub(crate) async fn claim(
    conn: &mut PgConnection,
    scope: &Scope,
    id: &Id,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Claimed>> {
    let claimed = sqlx::query_as!(
        Claimed,
        "-- jobs::claim
         WITH started AS (
             UPDATE jobs SET
                 lost = CASE state WHEN 'running' THEN lost + 1 ELSE lost END,
                 state = 'running', stage = NULL, attempts = attempts + 1, started_at = coalesce(started_at, $4)
             WHERE tenant_id = $1 AND env = $2 AND id = $3 AND state IN ('queued', 'running')
             RETURNING *
         ), served AS (
             UPDATE job_served SET ticket = greatest(job_served.ticket, started.ticket) FROM started
         )
         SELECT kind, user_id, request_id, access_level, path, body, lost, attempts, created_at FROM started",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
        now,
    )
    .fetch_optional(&mut *conn)
    .await?;
    if claimed.is_some() {
        add_event(conn, scope, id, "state", &json!({"state": "running"})).await?;
    }
    Ok(claimed)
}

/// Puts a running job back: it could not be run now.
pub(crate) async fn put_back(
    conn: &mut PgConnection,
    scope: &Scope,
    id: &Id,
    stage: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "-- jobs::put_back
         UPDATE jobs SET state = 'queued', stage = $4, lost = 0
         WHERE tenant_id = $1 AND env = $2 AND id = $3 AND state = 'running'",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
        stage,
    )
    .execute(&mut *conn)
    .await?;
    add_event(conn, scope, id, "state", &json!({"state": "queued", "stage": stage})).await
}

/// Queues a failed or cancelled job again.
pub(crate) async fn requeue_ended(
    conn: &mut PgConnection,
    scope: &Scope,
    id: &Id,
    ticket: i64,
) -> sqlx::Result<bool> {
    let requeued = sqlx::query!(
        "-- jobs::requeue_ended
         UPDATE jobs SET state = 'queued', stage = NULL, progress = 0, lost = 0, ticket = $4, cancel_requested = false,
             problem = NULL, finished_at = NULL
         WHERE tenant_id = $1 AND env = $2 AND id = $3 AND state IN ('failed', 'cancelled')",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
        ticket,
    )
    .execute(&mut *conn)
    .await?;
    let is_requeued = requeued.rows_affected() > 0;
    if is_requeued {
        add_event(conn, scope, id, "state", &json!({"state": "queued"})).await?;
    }
    Ok(is_requeued)
}
