//! Jobs from their acceptance to their start.

use chrono::{DateTime, Utc};
use primitives::{AccessLevel, Id, Scope};
use sqlx::PgConnection;

use super::events::add_state;
use crate::heavy_calls::Lane;
use crate::model::{JobPriority, JobState};

/// A job to be inserted.
pub(crate) struct NewRow<'a> {
    pub(crate) scope: &'a Scope,
    pub(crate) id: Id,
    pub(crate) user_id: Option<&'a Id>,
    pub(crate) kind: &'a str,
    pub(crate) lane: Lane,
    pub(crate) payload_version: i32,
    pub(crate) priority: JobPriority,
    pub(crate) request_id: &'a str,
    pub(crate) level: AccessLevel,
    pub(crate) path: &'a str,
    pub(crate) body: &'a str,
    pub(crate) body_uri: Option<&'a str>,
    /// Key of identical work: equal for jobs that do the same.
    pub(crate) work: [u8; 32],
    pub(crate) trace_parent: Option<String>,
}

/// Number of queued jobs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting {
    pub(crate) of_tenant: i64,
    pub(crate) of_all: i64,
}

/// Data that a worker needs to run a job.
#[derive(Clone, Debug)]
pub(crate) struct Claimed {
    pub(crate) kind: String,
    pub(crate) lane: String,
    pub(crate) payload_version: i32,
    pub(crate) priority: String,
    pub(crate) ticket: i64,
    pub(crate) user_id: Option<String>,
    pub(crate) request_id: String,
    pub(crate) access_level: String,
    pub(crate) path: String,
    pub(crate) body: String,
    pub(crate) body_uri: Option<String>,
    /// Consecutive starts whose worker died.
    pub(crate) lost: i32,
    /// Number of this start; writes of other starts are ignored.
    pub(crate) attempts: i32,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) trace_parent: Option<String>,
}

impl Claimed {
    pub(crate) fn entry(&self) -> QueueEntry {
        QueueEntry {
            kind: self.kind.clone(),
            lane: self.lane.clone(),
            payload_version: self.payload_version,
            priority: self.priority.clone(),
            ticket: self.ticket,
        }
    }
}

/// What determines a job's entry in the queue: who takes it, and when.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct QueueEntry {
    pub(crate) kind: String,
    pub(crate) lane: String,
    pub(crate) payload_version: i32,
    pub(crate) priority: String,
    pub(crate) ticket: i64,
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

/// Number of jobs of a tenant, or of all, that were run to their end after `since`.
pub(crate) async fn count_ended(
    conn: &mut PgConnection,
    tenant_id: Option<&Id>,
    since: DateTime<Utc>,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"-- jobs::count_ended
        SELECT count(*) AS "count!" FROM jobs WHERE finished_at > $1 AND state <> 'cancelled'
            AND ($2::text IS NULL OR tenant_id = $2)"#,
        since,
        tenant_id.map(Id::as_str),
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
         INSERT INTO jobs (tenant_id, env, id, user_id, kind, lane, priority, state, ticket, request_id, access_level,
             path, body, body_uri, work, created_at, trace_parent, payload_version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'queued', $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        new.scope.tenant_id.as_str(),
        new.scope.env.as_str(),
        new.id.as_str(),
        new.user_id.map(Id::as_str),
        new.kind,
        new.lane.as_str(),
        new.priority.as_str(),
        ticket,
        new.request_id,
        new.level.as_str(),
        new.path,
        new.body,
        new.body_uri,
        new.work.as_slice(),
        now,
        new.trace_parent,
        new.payload_version,
    )
    .execute(&mut *conn)
    .await?;
    add_state(conn, new.scope, &new.id, JobState::Queued, now).await
}

/// Starts a job with one of `payloads` for the entry `queue_id` of the queue. A job that the same entry has started
/// before has lost its worker. `None` for a job that has ended, that another entry runs, or with another payload.
pub(crate) async fn claim(
    conn: &mut PgConnection,
    scope: &Scope,
    id: &Id,
    queue_id: i64,
    payloads: &[String],
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Claimed>> {
    let claimed = sqlx::query_as!(
        Claimed,
        "-- jobs::claim
         WITH started AS (
             UPDATE jobs SET
                 lost = CASE state WHEN 'running' THEN lost + 1 ELSE lost END,
                 state = 'running', stage = NULL, attempts = attempts + 1, queue_id = $4,
                 started_at = coalesce(started_at, $5), running_since = $5
             WHERE tenant_id = $1 AND env = $2 AND id = $3
               AND (state = 'queued' OR state = 'running' AND queue_id = $4)
               AND kind || '/' || payload_version = ANY ($6)
             RETURNING *
         ), served AS (
             INSERT INTO job_served_in_lane AS s (lane, priority, ticket)
             SELECT lane, priority, ticket FROM started
             ON CONFLICT (lane, priority) DO UPDATE SET ticket = greatest(s.ticket, excluded.ticket)
         )
         SELECT kind, lane, payload_version, priority, ticket, user_id, request_id, access_level, path, body, body_uri,
             lost, attempts, created_at, trace_parent
         FROM started",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
        queue_id,
        now,
        payloads,
    )
    .fetch_optional(&mut *conn)
    .await?;
    if claimed.is_some() {
        add_state(conn, scope, id, JobState::Running, now).await?;
    }
    Ok(claimed)
}

/// Returns the job of the entry `queue_id` to the queue if its payload is none of `payloads`, so that it waits for a
/// worker of another version. A job that the same entry has started before has lost its worker.
pub(crate) async fn leave_to_others(
    conn: &mut PgConnection,
    scope: &Scope,
    id: &Id,
    queue_id: i64,
    payloads: &[String],
    now: DateTime<Utc>,
) -> sqlx::Result<Option<QueueEntry>> {
    let left = sqlx::query!(
        r#"-- jobs::leave_to_others
         WITH before AS (
             SELECT tenant_id, env, id, state FROM jobs
             WHERE tenant_id = $1 AND env = $2 AND id = $3
               AND (state = 'queued' OR state = 'running' AND queue_id = $4)
               AND kind || '/' || payload_version <> ALL ($5)
             FOR UPDATE
         )
         UPDATE jobs j SET
             lost = CASE b.state WHEN 'running' THEN j.lost + 1 ELSE j.lost END,
             state = 'queued', stage = NULL, queue_id = NULL
         FROM before b
         WHERE j.tenant_id = b.tenant_id AND j.env = b.env AND j.id = b.id
         RETURNING j.kind, j.lane, j.payload_version, j.priority, j.ticket, b.state = 'running' AS "was_running!""#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
        queue_id,
        payloads,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(left) = left else { return Ok(None) };
    if left.was_running {
        add_state(conn, scope, id, JobState::Queued, now).await?;
    }
    let (kind, lane, payload_version) = (left.kind, left.lane, left.payload_version);
    Ok(Some(QueueEntry { kind, lane, payload_version, priority: left.priority, ticket: left.ticket }))
}

/// Puts a running job back when its worker stops. `false` when the start `attempt` is no longer the current one.
pub(crate) async fn put_back(
    conn: &mut PgConnection,
    scope: &Scope,
    id: &Id,
    attempt: i32,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let put_back = sqlx::query!(
        "-- jobs::put_back
         UPDATE jobs SET state = 'queued', stage = NULL, lost = 0
         WHERE tenant_id = $1 AND env = $2 AND id = $3 AND state = 'running' AND attempts = $4",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
        attempt,
    )
    .execute(&mut *conn)
    .await?;
    let is_put_back = put_back.rows_affected() > 0;
    if is_put_back {
        add_state(conn, scope, id, JobState::Queued, now).await?;
    }
    Ok(is_put_back)
}

/// The last entry of a failed or cancelled job; its row is locked.
pub(crate) async fn entry_of_ended(
    conn: &mut PgConnection,
    scope: &Scope,
    id: &Id,
) -> sqlx::Result<Option<QueueEntry>> {
    sqlx::query_as!(
        QueueEntry,
        "-- jobs::entry_of_ended
         SELECT kind, lane, payload_version, priority, ticket FROM jobs
         WHERE tenant_id = $1 AND env = $2 AND id = $3 AND state IN ('failed', 'cancelled') FOR UPDATE",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
    )
    .fetch_optional(conn)
    .await
}

/// Queues a failed or cancelled job again.
pub(crate) async fn requeue_ended(
    conn: &mut PgConnection,
    scope: &Scope,
    id: &Id,
    ticket: i64,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "-- jobs::requeue_ended
         UPDATE jobs SET state = 'queued', stage = NULL, progress = 0, lost = 0, ticket = $4, cancel_requested = false,
             problem = NULL, finished_at = NULL, queue_id = NULL
         WHERE tenant_id = $1 AND env = $2 AND id = $3",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
        ticket,
    )
    .execute(&mut *conn)
    .await?;
    add_state(conn, scope, id, JobState::Queued, now).await
}
