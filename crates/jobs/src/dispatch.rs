//! Turns a heavy call into a job.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use blob_store::BlobId;
use futures::TryStreamExt;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use http_kit::RequestId;
use http_kit::codes::SHUTTING_DOWN;
use http_kit::{BufferedBody, DEFERRED, JsonLimit, Problem, RequestContext, TraceParent};
use primitives::{AccessLevel, Id, Scope};
use scheduling::defer;

use crate::Error;
use crate::codes::JOB_CANCELLED;
use crate::heavy_calls::{HeavyCall, find};
use crate::model::{Job, JobState, job_path};
use crate::prefer;
use crate::service::{Jobs, NewJob};
use crate::store::{Answer, AnswerBody};

/// `Retry-After` of an unfinished job, in seconds.
const RETRY_AFTER_S: u32 = 1;
/// `Retry-After` of a job that failed because a part of the service was unavailable, in seconds.
const UNAVAILABLE_RETRY_AFTER_S: u32 = 10;

/// Middleware that validates a heavy call and turns it into a job where its heavy work would begin. With `Prefer:
/// respond-async` the answer is 202 and the job, else the call waits for the job's answer; the job continues when its
/// caller disconnects. All other calls pass, and so do forms, whose files are not stored with a job.
pub async fn run_as_jobs(State(jobs): State<Jobs>, request: Request, next: Next) -> Response {
    match find(request.uri().path()) {
        Some(call) if request.method() == Method::POST && !is_form(request.headers()) => {
            let answered = run_call(&jobs, *call, request, next).await;
            answered.unwrap_or_else(IntoResponse::into_response)
        }
        _ => next.run(request).await,
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    content_type.trim_ascii_start().get(..10).is_some_and(|start| start.eq_ignore_ascii_case(b"multipart/"))
}

async fn run_call(jobs: &Jobs, call: HeavyCall, request: Request, next: Next) -> Result<Response, Problem> {
    let preferences = prefer::Preferences::of(request.headers());
    let path = request.uri().path().to_owned();
    let (mut parts, body) = request.into_parts();
    let unread = Request::from_parts(parts.clone(), body);
    let limit = JsonLimit::of(&parts.extensions);
    let body = BufferedBody::read_limited(unread, limit).await?;
    let (headers, request_id) = (parts.headers.clone(), RequestId::of(&parts.extensions).to_owned());
    let level = parts.extensions.get::<AccessLevel>().copied().unwrap_or_default();
    let trace = parts.extensions.get::<TraceParent>().cloned();
    let bytes = body.clone().into_request(&mut parts.extensions);
    let answer = defer(next.run(Request::from_parts(parts, Body::from(bytes)))).await;
    let is_deferred =
        answer.extensions().get::<Problem>().is_some_and(|problem| problem.code() == DEFERRED.code());
    if !is_deferred {
        // Refused, or answered from existing results: no work is left.
        return Ok(answer);
    }
    let bytes = body.bytes.clone();
    let context = body.run(move |body| RequestContext::of_body(&headers, body, &request_id)).await??;
    let new = NewJob { call, path, priority: preferences.priority, level, body: bytes, trace };
    let job = jobs.enqueue(&context, new).await?;
    if preferences.wait == Some(Duration::ZERO) && !job.state.is_final() {
        return Ok(accepted(&job));
    }
    let state = jobs.wait_for_state(&context.scope, &job.id, preferences.wait).await?;
    if preferences.wait.is_none() && !state.is_final() {
        return Err(shutting_down());
    }
    if state == JobState::Succeeded {
        return Ok(result(jobs, &context.scope, &job.id).await?);
    }
    answer_of(&jobs.get(&context.scope, &job.id).await?)
}

/// The answer of a call whose job has not succeeded.
fn answer_of(job: &Job) -> Result<Response, Problem> {
    match job.state {
        JobState::Failed => {
            let problem = job.problem.clone().and_then(Problem::from_json);
            let problem = problem.unwrap_or_else(|| Problem::internal("a failed job has no problem"));
            let may_pass = problem.status() == StatusCode::SERVICE_UNAVAILABLE;
            Err(if may_pass { problem.retry_after(UNAVAILABLE_RETRY_AFTER_S) } else { problem })
        }
        JobState::Cancelled => {
            let detail = format!("job {}, which does this work, was cancelled", job.id);
            Err(Problem::new(JOB_CANCELLED, detail))
        }
        JobState::Queued | JobState::Running | JobState::Succeeded => Ok(accepted(job)),
    }
}

/// The service stops before the job has started. The job stays queued, and the same call later finds its result.
fn shutting_down() -> Problem {
    Problem::new(SHUTTING_DOWN, "the service is shutting down; send the request again")
        .retry_after(RETRY_AFTER_S)
}

/// The answer of a succeeded job, in the form that its call would have returned.
pub(crate) async fn result(jobs: &Jobs, scope: &Scope, id: &Id) -> Result<Response, Error> {
    let Answer { status, media_type, location, body } = jobs.result(scope, id).await?;
    let body = match body {
        AnswerBody::Inline(body) => Body::from(body),
        AnswerBody::Blob(uri) => {
            let blob = BlobId::from_uri(&uri).map_err(|error| Error::Answer(error.to_string()))?;
            let size = jobs.blobs().size(blob).await?;
            Body::from_stream(jobs.blobs().read(blob, 0..size).await?.map_err(std::io::Error::other))
        }
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let location = location.map(|location| [(header::LOCATION, location)]);
    Ok((status, [(header::CONTENT_TYPE, media_type)], location, body).into_response())
}

fn accepted(job: &Job) -> Response {
    let mut response = (StatusCode::ACCEPTED, axum::Json(job)).into_response();
    let headers = response.headers_mut();
    if let Ok(location) = HeaderValue::from_str(&job_path(&job.id)) {
        headers.insert(header::LOCATION, location);
    }
    headers.insert("preference-applied", HeaderValue::from_static("respond-async"));
    headers.insert(header::RETRY_AFTER, RETRY_AFTER_S.into());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_recognised_by_their_media_type() {
        let is_form = |content_type: &'static str| {
            is_form(&HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))]))
        };
        assert!(is_form("multipart/form-data; boundary=a") && is_form("Multipart/Form-Data"));
        assert!(!is_form("application/json") && !is_form("multipart") && !is_form(""));
        assert!(!super::is_form(&HeaderMap::new()));
    }
}
