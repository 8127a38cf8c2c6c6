//! Running jobs, and how they end.

use chrono::{DateTime, Utc};
use http_kit::{Id, Scope};
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::events::add_event;
use crate::model::JobState;

/// How a job ended.
pub(crate) enum Outcome {
    Succeeded { status: u16, media_type: String, body: Vec<u8> },
    Failed(Value),
    Cancelled,
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
