//! Queries behind the HTTP interface of jobs.

use chrono::{DateTime, Utc};
use primitives::{Id, PageParams, Scope};
use serde_json::Value;
use sqlx::PgConnection;

use super::ending::{Answer, AnswerBody};
use crate::model::{Job, JobPriority, JobResult, JobState, job_path};

/// Answers larger than this (bytes) are only returned by the result route.
pub(crate) const MAX_INLINE_BYTES: usize = 1 << 20;
/// Minimum progress, and minimum elapsed time in seconds, for an estimate of the remaining time.
const MIN_PROGRESS: f64 = 0.1;
const MIN_ELAPSED_S: f64 = 5.0;
const NO_WORKER: &str = "no worker runs jobs of this kind";

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
    running_since: Option<DateTime<Utc>>,
    queue_position: Option<i64>,
    is_run: Option<bool>,
    result_body: Option<Vec<u8>>,
}

impl Row {
    /// Estimated remaining time of a running job in seconds, extrapolated from its progress; `None` while it is too
    /// uncertain.
    fn eta_s(&self, now: DateTime<Utc>) -> Option<i64> {
        let elapsed = (now - self.running_since?).as_seconds_f64();
        let is_known = self.state == "running" && self.progress >= MIN_PROGRESS && elapsed >= MIN_ELAPSED_S;
        is_known.then(|| (elapsed * (1.0 - self.progress) / self.progress).ceil() as i64)
    }

    fn into_job(self, now: DateTime<Utc>) -> Job {
        let eta_s = self.eta_s(now);
        let row = self;
        let result = row.result_status.map(|status| JobResult {
            status,
            href: format!("{}/result", job_path(&row.id)),
            body: row.result_body.and_then(|body| serde_json::from_slice(&body).ok()),
        });
        let is_stranded = row.is_run == Some(false);
        Job {
            id: row.id,
            kind: row.kind,
            // The column has no other values.
            state: JobState::from_name(&row.state).unwrap_or(JobState::Failed),
            stage: if is_stranded { Some(NO_WORKER.to_owned()) } else { row.stage },
            progress: row.progress,
            eta_s,
            queue_position: row.queue_position,
            priority: JobPriority::from_name(&row.priority),
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
pub(crate) async fn find(
    conn: &mut PgConnection,
    scope: &Scope,
    id: &Id,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Job>> {
    let row = sqlx::query_as!(
        Row,
        r#"-- jobs::find
        SELECT j.id AS "id: Id", j.kind, j.state, j.stage, j.progress, j.priority, j.attempts, j.created_at,
            j.started_at, j.finished_at, j.request_id, j.user_id AS "user_id: Id", j.result_status, j.problem,
            CASE WHEN j.state = 'queued' THEN (
                SELECT count(*) FROM (
                    SELECT FROM jobs o
                    WHERE o.state = 'queued' AND o.lane = j.lane AND o.priority = j.priority AND o.ticket < j.ticket
                    UNION ALL
                    SELECT FROM jobs o
                    WHERE o.state = 'queued' AND o.lane = j.lane AND o.priority = 'interactive' AND j.priority = 'batch'
                    LIMIT 100
                ) AS ahead
            ) END AS queue_position,
            (SELECT r.body FROM job_results r
             WHERE r.tenant_id = j.tenant_id AND r.env = j.env AND r.job_id = j.id
               AND r.body_uri IS NULL AND octet_length(r.body) <= $4) AS result_body,
            j.running_since,
            j.state <> 'queued' OR EXISTS (
                SELECT FROM job_workers w
                WHERE w.seen_at > clock_timestamp() - interval '15 seconds'
                  AND CASE j.payload_version WHEN 0 THEN j.kind ELSE j.kind || '/' || j.payload_version END
                      = ANY (w.kinds)
            ) AS is_run
        FROM jobs j WHERE j.tenant_id = $1 AND j.env = $2 AND j.id = $3"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
        MAX_INLINE_BYTES as i32,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| row.into_job(now)))
}

/// The state of a job; `None` if there is no such job.
pub(crate) async fn state(conn: &mut PgConnection, scope: &Scope, id: &Id) -> sqlx::Result<Option<JobState>> {
    let state = sqlx::query_scalar!(
        "-- jobs::state
         SELECT state FROM jobs WHERE tenant_id = $1 AND env = $2 AND id = $3",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(state.and_then(|state| JobState::from_name(&state)))
}

/// Jobs newest first, without bodies of answers and queue positions; one more than the page has.
pub(crate) async fn list(
    conn: &mut PgConnection,
    scope: &Scope,
    state: Option<JobState>,
    kind: Option<&str>,
    page: &PageParams,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Job>> {
    let rows = sqlx::query_as!(
        Row,
        r#"-- jobs::list
        SELECT id AS "id: Id", kind, state, stage, progress, priority, attempts, created_at, started_at, finished_at,
            request_id, user_id AS "user_id: Id", result_status, problem, NULL::bigint AS queue_position,
            NULL::bytea AS result_body, running_since, NULL::boolean AS is_run
        FROM jobs
        WHERE tenant_id = $1 AND env = $2
          AND ($3::text IS NULL OR state = $3) AND ($4::text IS NULL OR kind = $4)
          AND (created_at, id) < (coalesce($5::timestamptz, 'infinity'), $6)
        ORDER BY created_at DESC, id DESC LIMIT $7"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        state.map(JobState::as_str),
        kind,
        page.after.as_ref().map(|cursor| cursor.key),
        page.after.as_ref().map(|cursor| cursor.id.as_str()),
        page.limit.with_next_row(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.into_job(now)).collect())
}

/// The answer of a succeeded job.
pub(crate) async fn result(conn: &mut PgConnection, scope: &Scope, id: &Id) -> sqlx::Result<Option<Answer>> {
    let row = sqlx::query!(
        "-- jobs::result
         SELECT j.result_status, r.media_type, r.body, r.body_uri, r.location
         FROM jobs j JOIN job_results r ON (r.tenant_id, r.env, r.job_id) = (j.tenant_id, j.env, j.id)
         WHERE j.tenant_id = $1 AND j.env = $2 AND j.id = $3 AND j.state = 'succeeded'",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        let status = row.result_status.and_then(|status| u16::try_from(status).ok()).unwrap_or(200);
        let body = row.body_uri.map_or(AnswerBody::Inline(row.body), AnswerBody::Blob);
        Answer { status, media_type: row.media_type, location: row.location, body }
    }))
}
