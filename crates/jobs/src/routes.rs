use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use http_kit::codes::{INVALID_CURSOR, INVALID_QUERY};
use http_kit::{Json, NoQuery, Path, Problem, Query, RequestContext, path_id};
use primitives::{Id, KeysetCursor, Page, PageParams};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::codes::{JOB_FINISHED, JOB_NOT_FAILED, JOB_NOT_FOUND, JOB_WITHOUT_RESULT};
use crate::heavy_calls::check_kind;
use crate::model::{Job, JobPage, JobState};
use crate::prefer::MAX_WAIT_S;
use crate::service::Jobs;
use crate::{dispatch, events, store};

/// The routes under `/jobs`.
pub fn router(jobs: Jobs) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(all_events))
        .routes(routes!(get, cancel))
        .routes(routes!(retry))
        .routes(routes!(result))
        .routes(routes!(events_of_job))
        .with_state(jobs)
}

fn job_id(text: &str) -> Result<Id, Problem> {
    path_id(text, JOB_NOT_FOUND)
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListJobs {
    /// List only jobs in this state.
    #[param(inline)]
    state: Option<JobState>,
    /// List only jobs of this kind, such as `analyze`; an unknown kind is refused, and the known ones are named.
    kind: Option<String>,
    /// Maximum number of jobs on the page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

http_kit::error_responses!(ListErrors: INVALID_QUERY, INVALID_CURSOR);

/// List jobs, newest first
///
/// Without queue positions and bodies of answers.
#[utoipa::path(
    get, path = "/jobs", operation_id = "list_jobs", tag = "jobs", params(ListJobs),
    responses((status = 200, body = JobPage), ListErrors)
)]
async fn list(
    State(jobs): State<Jobs>,
    context: RequestContext,
    Query(query): Query<ListJobs>,
) -> Result<Json<JobPage>, Problem> {
    let page = PageParams::new(query.limit, query.cursor.as_deref())?;
    if let Some(kind) = &query.kind {
        check_kind(kind)
            .map_err(|detail| Problem::new(INVALID_QUERY, format!("kind: {detail}")).field("kind", detail))?;
    }
    let rows = jobs.list(&context.scope, query.state, query.kind.as_deref(), &page).await?;
    let cursor = |job: &Job| KeysetCursor { key: job.created_at, id: job.id.clone() };
    let Page { items, next_cursor } = Page::from_rows(rows, page.limit, cursor);
    Ok(Json(JobPage { items, next_cursor }))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct WaitForJob {
    /// Wait for the end of the job, at most this number of seconds.
    #[param(minimum = 0, maximum = 60)]
    wait: Option<u64>,
}

http_kit::error_responses!(GetErrors: JOB_NOT_FOUND, INVALID_QUERY);

/// Read a job
///
/// With `wait`, the answer comes when the job has ended or the time is over.
#[utoipa::path(
    get, path = "/jobs/{id}", operation_id = "get_job", tag = "jobs",
    params(("id" = String, Path), WaitForJob),
    responses((status = 200, body = Job), GetErrors)
)]
async fn get(
    State(jobs): State<Jobs>,
    context: RequestContext,
    Path(id): Path<String>,
    Query(query): Query<WaitForJob>,
) -> Result<Json<Job>, Problem> {
    let wait = query.wait.unwrap_or(0);
    if wait > MAX_WAIT_S {
        let detail = format!("expected 0 to {MAX_WAIT_S}");
        return Err(Problem::new(INVALID_QUERY, format!("wait: {detail}")).field("wait", detail));
    }
    Ok(Json(jobs.wait(&context.scope, &job_id(&id)?, Duration::from_secs(wait)).await?))
}

http_kit::error_responses!(CancelErrors: JOB_NOT_FOUND, JOB_FINISHED);

/// Cancel a job
///
/// A queued job is cancelled at once, a running one within seconds.
#[utoipa::path(
    delete, path = "/jobs/{id}", operation_id = "cancel_job", tag = "jobs", params(("id" = String, Path)),
    responses((status = 200, body = Job), CancelErrors)
)]
async fn cancel(
    State(jobs): State<Jobs>,
    context: RequestContext,
    Path(id): Path<String>,
) -> Result<Json<Job>, Problem> {
    Ok(Json(jobs.cancel(&context.scope, &job_id(&id)?).await?))
}

http_kit::error_responses!(RetryErrors: JOB_NOT_FOUND, JOB_NOT_FAILED);

/// Retry a failed or cancelled job
#[utoipa::path(
    post, path = "/jobs/{id}/retry", operation_id = "retry_job", tag = "jobs", params(("id" = String, Path)),
    responses((status = 202, body = Job), RetryErrors)
)]
async fn retry(
    State(jobs): State<Jobs>,
    context: RequestContext,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let job = jobs.retry(&context.scope, &job_id(&id)?).await?;
    Ok((StatusCode::ACCEPTED, Json(job)).into_response())
}

http_kit::error_responses!(ResultErrors: JOB_NOT_FOUND, JOB_WITHOUT_RESULT);

/// Read the answer of a succeeded job
#[utoipa::path(
    get, path = "/jobs/{id}/result", operation_id = "get_job_result", tag = "jobs", params(("id" = String, Path)),
    responses(
        (status = 200, description = "The answer that the call would have returned", body = serde_json::Value),
        (status = 201, description = "As 200, of a call that created what `Location` names", body = serde_json::Value),
        ResultErrors,
    )
)]
async fn result(
    State(jobs): State<Jobs>,
    context: RequestContext,
    Path(id): Path<String>,
    _: NoQuery,
) -> Result<Response, Problem> {
    Ok(dispatch::result(&jobs, &context.scope, &job_id(&id)?).await?)
}

http_kit::error_responses!(EventsErrors: JOB_NOT_FOUND);

/// Follow a job
///
/// Server-sent events `state` and `progress` (at most two a second), from the first one; `Last-Event-ID` resumes after
/// an event. The stream ends with the job.
#[utoipa::path(
    get, path = "/jobs/{id}/events", operation_id = "get_job_events", tag = "jobs",
    params(
        ("id" = String, Path),
        ("Last-Event-ID" = Option<i64>, Header, description = "Resume after this event"),
    ),
    responses(
        (status = 200, description = "Events", content_type = "text/event-stream", body = String),
        (status = 204, description = "The job has ended, and the caller has received all its events"),
        EventsErrors,
    )
)]
async fn events_of_job(
    State(jobs): State<Jobs>,
    context: RequestContext,
    Path(id): Path<String>,
    _: NoQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let job = jobs.get(&context.scope, &job_id(&id)?).await?;
    let after = events::last_event_id(&headers).unwrap_or(0);
    if job.state.is_final() {
        let mut conn = jobs.pool().acquire().await?;
        if !store::has_events_after(&mut conn, &context.scope, &job.id, after).await? {
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
    }
    Ok(events::stream_of(jobs, context.scope, Some(job.id), after).into_response())
}

/// Follow all jobs
///
/// As the events of one job, from now on or after `Last-Event-ID`; the stream does not end.
#[utoipa::path(
    get, path = "/jobs/events", operation_id = "get_events_of_jobs", tag = "jobs",
    params(("Last-Event-ID" = Option<i64>, Header, description = "Resume after this event")),
    responses((status = 200, description = "Events", content_type = "text/event-stream", body = String))
)]
async fn all_events(
    State(jobs): State<Jobs>,
    context: RequestContext,
    _: NoQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let after = match events::last_event_id(&headers) {
        Some(after) => after,
        None => store::last_event(&mut *jobs.pool().acquire().await?, &context.scope).await?,
    };
    Ok(events::stream_of(jobs, context.scope, None, after).into_response())
}
