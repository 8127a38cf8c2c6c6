//! Running jobs, and their outcomes.

use chrono::{DateTime, Utc};
use primitives::{Id, Scope};
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::events::{add_event, add_state, announce};
use crate::model::JobState;

/// Outcome of a job.
#[derive(Debug)]
pub(crate) enum Outcome {
    Succeeded(Answer),
    Failed(Value),
    Cancelled,
}

/// A job's answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) media_type: String,
    /// Header `Location`.
    pub(crate) location: Option<String>,
    pub(crate) body: AnswerBody,
}

/// Body of a job's answer.
#[derive(Clone, Debug)]
pub(crate) enum AnswerBody {
    Inline(Vec<u8>),
    /// URI of the blob that contains the body.
    Blob(String),
}

impl Outcome {
    pub(crate) const fn state(&self) -> JobState {
        match self {
            Self::Succeeded(_) => JobState::Succeeded,
            Self::Failed(_) => JobState::Failed,
            Self::Cancelled => JobState::Cancelled,
        }
    }
}

/// Instruction for the worker that runs a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WorkerInstruction {
    Continue,
    Cancel,
    /// The job has ended, or another worker has it.
    Abandon,
}

/// Cancels a queued job, and requests cancellation of a running one. Returns whether the job was queued or running.
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
        add_state(conn, scope, id, JobState::Cancelled, now).await?;
        announce(conn, scope, id).await?;
    }
    Ok(state.is_some())
}

/// Reads the instruction for the worker of a start.
pub(crate) async fn order(
    conn: &mut PgConnection,
    scope: &Scope,
    id: &Id,
    attempt: i32,
) -> sqlx::Result<WorkerInstruction> {
    let requested = sqlx::query_scalar!(
        "-- jobs::order
         SELECT cancel_requested FROM jobs
         WHERE tenant_id = $1 AND env = $2 AND id = $3 AND state = 'running' AND attempts = $4",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
        attempt,
    )
    .fetch_optional(conn)
    .await?;
    Ok(instruction_of(requested))
}

fn instruction_of(cancel_requested: Option<bool>) -> WorkerInstruction {
    match cancel_requested {
        Some(false) => WorkerInstruction::Continue,
        Some(true) => WorkerInstruction::Cancel,
        None => WorkerInstruction::Abandon,
    }
}

/// Writes the progress of a running job, and reads the instruction for its worker.
pub(crate) async fn report(
    conn: &mut PgConnection,
    scope: &Scope,
    id: &Id,
    attempt: i32,
    (stage, progress): (Option<&str>, f64),
) -> sqlx::Result<WorkerInstruction> {
    let row = sqlx::query!(
        "-- jobs::report
         UPDATE jobs SET stage = coalesce($5, stage), progress = greatest(progress, $6)
         WHERE tenant_id = $1 AND env = $2 AND id = $3 AND state = 'running' AND attempts = $4
         RETURNING cancel_requested, stage, progress",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
        attempt,
        stage,
        progress,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(WorkerInstruction::Abandon) };
    let data = json!({"stage": row.stage, "progress": row.progress});
    add_event(conn, scope, id, "progress", &data).await?;
    Ok(instruction_of(Some(row.cancel_requested)))
}

/// Whether another job that has not ended does the same work.
pub(crate) async fn is_wanted(conn: &mut PgConnection, scope: &Scope, id: &Id) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"-- jobs::is_wanted
        SELECT EXISTS (
            SELECT FROM jobs j JOIN jobs other USING (tenant_id, env, work)
            WHERE j.tenant_id = $1 AND j.env = $2 AND j.id = $3
              AND other.id <> j.id AND other.state IN ('queued', 'running') AND NOT other.cancel_requested
        ) AS "is_wanted!""#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
    )
    .fetch_one(conn)
    .await
}

/// Ends a running job. `false` when the start `attempt` is no longer the current one.
pub(crate) async fn finish(
    conn: &mut PgConnection,
    scope: &Scope,
    id: &Id,
    attempt: i32,
    outcome: &Outcome,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let (status, problem) = match outcome {
        Outcome::Succeeded(answer) => (Some(i32::from(answer.status)), None),
        Outcome::Failed(problem) => (None, Some(problem)),
        Outcome::Cancelled => (None, None),
    };
    let state = outcome.state();
    let finished = sqlx::query!(
        "-- jobs::finish
         UPDATE jobs SET state = $5, result_status = $6, problem = $7, finished_at = $8, stage = NULL,
             progress = CASE WHEN $5 = 'succeeded' THEN 1 ELSE progress END
         WHERE tenant_id = $1 AND env = $2 AND id = $3 AND state = 'running' AND attempts = $4",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
        attempt,
        state.as_str(),
        status,
        problem,
        now,
    )
    .execute(&mut *conn)
    .await?;
    if finished.rows_affected() == 0 {
        return Ok(false);
    }
    if let Outcome::Succeeded(answer) = outcome {
        let (body, uri) = match &answer.body {
            AnswerBody::Inline(body) => (body.as_slice(), None),
            AnswerBody::Blob(uri) => (&[][..], Some(uri)),
        };
        sqlx::query!(
            "-- jobs::insert_result
             INSERT INTO job_results (tenant_id, env, job_id, media_type, body, body_uri, location)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (tenant_id, env, job_id)
             DO UPDATE SET media_type = $4, body = $5, body_uri = $6, location = $7",
            scope.tenant_id.as_str(),
            scope.env.as_str(),
            id.as_str(),
            answer.media_type.as_str(),
            body,
            uri,
            answer.location.as_deref(),
        )
        .execute(&mut *conn)
        .await?;
    }
    add_state(conn, scope, id, state, now).await?;
    announce(conn, scope, id).await?;
    Ok(true)
}
