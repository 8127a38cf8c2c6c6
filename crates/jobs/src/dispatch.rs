//! A heavy call becomes a job.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Method, StatusCode, header};
use http_kit::boundary::RequestId;
use http_kit::{AccessLevel, DEFERRED, Id, Problem, RequestContext, defer};
use serde::Deserialize;

use crate::heavy_calls::{HeavyCall, find};
use crate::model::{Job, JobPriority};
use crate::prefer;
use crate::service::{Jobs, NewJob};

/// Maximum size of the body of a job's request, in bytes.
const MAX_BODY_BYTES: usize = 4 << 20;
/// When to ask again, in seconds.
const RETRY_AFTER_S: u32 = 1;

/// As much of a body as says whose it is, and how urgent.
#[derive(Deserialize, Default)]
struct BodyContext {
    tenant_id: Option<String>,
    env: Option<String>,
    user_id: Option<String>,
}

/// The middleware: a heavy call with `Prefer: respond-async` is validated, and answered with 202 and its job where its
/// heavy work would begin. Other heavy calls run to their end also when their callers hang up. All other calls pass.
pub async fn respond_async(State(jobs): State<Jobs>, request: Request, next: Next) -> Response {
    let wait = prefer::respond_async(request.method(), request.headers());
    match (wait, find(request.uri().path())) {
        (Some(wait), Some(call)) => {
            let answered = defer_call(&jobs, call, wait, request, next).await;
            answered.unwrap_or_else(IntoResponse::into_response)
        }
        (None, Some(_)) if request.method() == Method::POST => jobs.keep(next.run(request)).await,
        _ => next.run(request).await,
    }
}

async fn defer_call(
    jobs: &Jobs,
    call: &HeavyCall,
    wait: Duration,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MAX_BODY_BYTES).await;
    let body = body.map_err(|_| {
        let detail = format!("the body of a job is over {MAX_BODY_BYTES} bytes: call without `Prefer`");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
    })?;
    let (headers, request_id) = (parts.headers.clone(), RequestId::of(&parts.extensions).to_owned());
    let level = parts.extensions.get::<AccessLevel>().copied().unwrap_or_default();
    let answer = defer(next.run(Request::from_parts(parts, Body::from(body.clone())))).await;
    let is_deferred = answer.extensions().get::<Problem>().is_some_and(|problem| problem.code() == DEFERRED);
    if !is_deferred {
        // Refused, or found: there is nothing to do later.
        return Ok(answer);
    }
    // It was valid, so it is UTF-8 and JSON.
    let text = String::from_utf8(body.to_vec()).map_err(Problem::internal)?;
    let owner: BodyContext = serde_json::from_str(&text).unwrap_or_default();
    let fields = [owner.tenant_id.as_deref(), owner.env.as_deref(), owner.user_id.as_deref()];
    let context = RequestContext::resolve(&headers, fields, &request_id)?;
    let new =
        NewJob { kind: call.kind, path: call.path, priority: JobPriority::Interactive, level, body: text };
    let job = jobs.enqueue(&context, &new).await?;
    let job = jobs.wait(&context.scope, &job.id, wait).await?;
    if job.state.is_final() {
        return finished(jobs, &context, job).await;
    }
    Ok(accepted(&job))
}

/// The usual answer.
async fn finished(jobs: &Jobs, context: &RequestContext, job: Job) -> Result<Response, Problem> {
    let Some(result) = &job.result else {
        return Ok(accepted(&job));
    };
    let (media_type, body) = jobs.result(&context.scope, &job.id).await?;
    let status = u16::try_from(result.status).ok().and_then(|status| StatusCode::from_u16(status).ok());
    Ok((status.unwrap_or(StatusCode::OK), [(header::CONTENT_TYPE, media_type)], body).into_response())
}

fn accepted(job: &Job) -> Response {
    let mut response = (StatusCode::ACCEPTED, axum::Json(job)).into_response();
    let headers = response.headers_mut();
    if let Ok(location) = HeaderValue::from_str(&path(&job.id)) {
        headers.insert(header::LOCATION, location);
    }
    headers.insert("preference-applied", HeaderValue::from_static("respond-async"));
    headers.insert(header::RETRY_AFTER, RETRY_AFTER_S.into());
    response
}

/// Where a job is read.
pub(crate) fn path(id: &Id) -> String {
    format!("/jobs/{id}")
}
