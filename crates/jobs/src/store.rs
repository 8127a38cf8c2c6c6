//! The only SQL of this crate, but for the queue's own.

use chrono::{DateTime, Utc};
use http_kit::{AccessLevel, Id, PageParams, Scope};
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::dispatch::path;
use crate::model::{Job, JobPriority, JobResult, JobState};

/// Larger answers are only at their own address, in bytes.
const MAX_INLINE_BYTES: i64 = 1 << 20;

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

/// How a job ended.
pub(crate) enum Outcome {
    Succeeded { status: u16, media_type: String, body: Vec<u8> },
    Failed(Value),
    Cancelled,
}

struct Row {
    id: Id,
    kind: String,
    state: String,
    stage: Option<String>,
    progress: f64,
    priority: String,
    attempts: i32,
    created_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    request_id: String,
    user_id: Option<Id>,
    result_status: Option<i32>,
    problem: Option<Value>,
    queue_position: Option<i64>,
    result_body: Option<Vec<u8>>,
}

impl From<Row> for Job {
    fn from(row: Row) -> Self {
        let result = row.result_status.map(|status| JobResult {
            status,
            href: format!("{}/result", path(&row.id)),
            body: row.result_body.and_then(|body| serde_json::from_slice(&body).ok()),
        });
        Self {
            id: row.id,
            kind: row.kind,
            // The column has no other.
            state: JobState::from_name(&row.state).unwrap_or(JobState::Failed),
            stage: row.stage,
            progress: row.progress,
            queue_position: row.queue_position,
            priority: if row.priority == "batch" { JobPriority::Batch } else { JobPriority::Interactive },
            attempts: row.attempts,
            created_at: row.created_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
            request_id: row.request_id,
            user_id: row.user_id,
            result,
            problem: row.problem,
        }
    }
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

/// One job, with its answer if that is small.
pub(crate) async fn find(conn: &mut PgConnection, scope: &Scope, id: &Id) -> sqlx::Result<Option<Job>> {
    let row = sqlx::query_as!(
        Row,
        r#"-- jobs::find
        SELECT j.id AS "id: Id", j.kind, j.state, j.stage, j.progress, j.priority, j.attempts, j.created_at,
            j.started_at, j.finished_at, j.request_id, j.user_id AS "user_id: Id", j.result_status, j.problem,
            CASE WHEN j.state = 'queued' THEN (
                SELECT count(*) FROM jobs o
                WHERE o.state = 'queued'
                  AND (o.priority = 'interactive' AND j.priority = 'batch'
                       OR o.priority = j.priority AND o.ticket < j.ticket)
            ) END AS queue_position,
            (SELECT r.body FROM job_results r
             WHERE r.tenant_id = j.tenant_id AND r.env = j.env AND r.job_id = j.id
               AND octet_length(r.body) <= $4) AS result_body
        FROM jobs j WHERE j.tenant_id = $1 AND j.env = $2 AND j.id = $3"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
        MAX_INLINE_BYTES as i32,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Job::from))
}

/// Newest first, without their answers' bodies and queue positions; one more than the page has.
pub(crate) async fn list(
    conn: &mut PgConnection,
    scope: &Scope,
    state: Option<JobState>,
    kind: Option<&str>,
    page: &PageParams,
) -> sqlx::Result<Vec<Job>> {
    let rows = sqlx::query_as!(
        Row,
        r#"-- jobs::list
        SELECT id AS "id: Id", kind, state, stage, progress, priority, attempts, created_at, started_at, finished_at,
            request_id, user_id AS "user_id: Id", result_status, problem, NULL::bigint AS queue_position,
            NULL::bytea AS result_body
        FROM jobs
        WHERE tenant_id = $1 AND env = $2
          AND ($3::text IS NULL OR state = $3) AND ($4::text IS NULL OR kind = $4)
          AND ($5::timestamptz IS NULL OR (created_at, id) < ($5, $6))
        ORDER BY created_at DESC, id DESC LIMIT $7"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        state.map(JobState::as_str),
        kind,
        page.after.as_ref().map(|cursor| cursor.created_at),
        page.after.as_ref().map(|cursor| cursor.id.as_str()),
        page.limit + 1,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Job::from).collect())
}

pub(crate) async fn result(
    conn: &mut PgConnection,
    scope: &Scope,
    id: &Id,
) -> sqlx::Result<Option<(String, Vec<u8>)>> {
    let row = sqlx::query!(
        "-- jobs::result
         SELECT media_type, body FROM job_results WHERE tenant_id = $1 AND env = $2 AND job_id = $3",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.media_type, row.body)))
}

/// Cancels what is queued, and asks the worker of what runs. Was there anything to change?
pub(crate) async fn cancel(
    conn: &mut PgConnection,
    scope: &Scope,
    id: &Id,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let state = sqlx::query_scalar!(
        "-- jobs::cancel
         UPDATE jobs SET
             cancel_requested = true,
             state = CASE state WHEN 'queued' THEN 'cancelled' ELSE state END,
             finished_at = CASE state WHEN 'queued' THEN $4 ELSE finished_at END
         WHERE tenant_id = $1 AND env = $2 AND id = $3 AND state IN ('queued', 'running')
         RETURNING state",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
        now,
    )
    .fetch_optional(&mut *conn)
    .await?;
    if state.as_deref() == Some("cancelled") {
        add_event(conn, scope, id, "state", &json!({"state": "cancelled"})).await?;
    }
    Ok(state.is_some())
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

/// Writes the progress of a running job. Is it to be cancelled?
pub(crate) async fn report(
    conn: &mut PgConnection,
    scope: &Scope,
    id: &Id,
    stage: Option<&str>,
    progress: f64,
) -> sqlx::Result<bool> {
    let row = sqlx::query!(
        "-- jobs::report
         UPDATE jobs SET stage = coalesce($4, stage), progress = greatest(progress, $5)
         WHERE tenant_id = $1 AND env = $2 AND id = $3 AND state = 'running'
         RETURNING cancel_requested, stage, progress",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
        stage,
        progress,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(true) };
    let data = json!({"stage": row.stage, "progress": row.progress});
    add_event(conn, scope, id, "progress", &data).await?;
    Ok(row.cancel_requested)
}

/// Is a running job to be cancelled?
pub(crate) async fn is_cancelled(conn: &mut PgConnection, scope: &Scope, id: &Id) -> sqlx::Result<bool> {
    let requested = sqlx::query_scalar!(
        "-- jobs::is_cancelled
         SELECT cancel_requested FROM jobs WHERE tenant_id = $1 AND env = $2 AND id = $3 AND state = 'running'",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(requested.unwrap_or(true))
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

/// Ends a running job.
pub(crate) async fn finish(
    conn: &mut PgConnection,
    scope: &Scope,
    id: &Id,
    outcome: &Outcome,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let (state, status, problem) = match outcome {
        Outcome::Succeeded { status, .. } => (JobState::Succeeded, Some(i32::from(*status)), None),
        Outcome::Failed(problem) => (JobState::Failed, None, Some(problem)),
        Outcome::Cancelled => (JobState::Cancelled, None, None),
    };
    let finished = sqlx::query!(
        "-- jobs::finish
         UPDATE jobs SET state = $4, result_status = $5, problem = $6, finished_at = $7, stage = NULL,
             progress = CASE WHEN $4 = 'succeeded' THEN 1 ELSE progress END
         WHERE tenant_id = $1 AND env = $2 AND id = $3 AND state = 'running'",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
        state.as_str(),
        status,
        problem,
        now,
    )
    .execute(&mut *conn)
    .await?;
    if finished.rows_affected() == 0 {
        return Ok(());
    }
    if let Outcome::Succeeded { media_type, body, .. } = outcome {
        sqlx::query!(
            "-- jobs::insert_result
             INSERT INTO job_results (tenant_id, env, job_id, media_type, body) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (tenant_id, env, job_id) DO UPDATE SET media_type = $4, body = $5",
            scope.tenant_id.as_str(),
            scope.env.as_str(),
            id.as_str(),
            media_type,
            body,
        )
        .execute(&mut *conn)
        .await?;
    }
    add_event(conn, scope, id, "state", &json!({"state": state})).await
}

async fn add_event(
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

/// The newest event of an owner.
pub(crate) async fn last_event(conn: &mut PgConnection, scope: &Scope) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"-- jobs::last_event
        SELECT coalesce(max(sequence), 0) AS "last!" FROM job_events WHERE tenant_id = $1 AND env = $2"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
    )
    .fetch_one(conn)
    .await
}

/// Removes finished jobs of all owners, with their results and events.
pub(crate) async fn remove_finished(conn: &mut PgConnection, before: DateTime<Utc>) -> sqlx::Result<u64> {
    let removed = sqlx::query!(
        "-- jobs::remove_finished
         DELETE FROM jobs WHERE finished_at < $1",
        before
    )
    .execute(conn)
    .await?;
    Ok(removed.rows_affected())
}
