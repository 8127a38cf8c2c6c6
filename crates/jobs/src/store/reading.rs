//! What callers see of jobs.

use chrono::{DateTime, Utc};
use http_kit::{Id, PageParams, Scope};
use serde_json::Value;
use sqlx::PgConnection;

use crate::dispatch::path;
use crate::model::{Job, JobPriority, JobResult, JobState};

/// Larger answers are only at their own address, in bytes.
const MAX_INLINE_BYTES: i64 = 1 << 20;

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
