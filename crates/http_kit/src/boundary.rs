//! The edge of the service: what happens once for every call, whatever the route.

use std::any::Any;
use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, header};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;

use crate::reading::{BodyPace, Reading};
use crate::{Id, Problem};

const REQUEST_ID: &str = "x-request-id";

/// The id of a call, in its extensions.
#[derive(Clone, Debug)]
pub struct RequestId(String);

impl RequestId {
    /// The id in `extensions`, or nothing outside [`boundary`](layer).
    #[must_use]
    pub fn of(extensions: &Extensions) -> &str {
        extensions.get::<Self>().map_or("", |id| id.0.as_str())
    }
}

/// Wraps `router` so that every answer carries `X-Request-Id`, every error is a problem document
/// (also axum's own: unknown route, wrong method, a panic), and every call is logged in one line
/// and counted in `http_requests_total` and `http_request_duration_seconds`. A refusal that comes before the end of the
/// body says `Connection: close`: what is left of the body would stand where the next request is looked for.
pub fn layer(router: Router) -> Router {
    layer_with(router, BodyPace::default())
}

/// As [`layer`], for bodies that arrive at `pace`.
pub fn layer_with(router: Router, pace: BodyPace) -> Router {
    router
        .fallback(async || Problem::not_found("route_not_found", "there is no such route; see /openapi.json"))
        .method_not_allowed_fallback(async || {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "this route does not take that method; see /openapi.json",
            )
        })
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(pace, edge))
}

async fn edge(State(pace): State<BodyPace>, mut request: Request, next: Next) -> Response {
    let request_id = request_id(request.headers());
    request.extensions_mut().insert(RequestId(request_id.clone()));
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let tenant = header_text(request.headers(), "x-tenant-id").map(str::to_owned);
    let span = tracing::info_span!("request", request_id, %method, route);
    let started = Instant::now();

    let (reading, request) = Reading::watch(request, pace);
    let response = next.run(request).instrument(span.clone()).await;

    let problem = response.extensions().get::<Problem>().cloned();
    let mut response = match &problem {
        Some(problem) => problem.render(&request_id),
        None => as_problem(response, &request_id),
    };
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let status = response.status();
    if !status.is_success() && !reading.is_over() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    let elapsed = started.elapsed();
    span.in_scope(|| {
        let code = problem.as_ref().map(Problem::code);
        let cause = problem.as_ref().and_then(Problem::cause);
        let elapsed_ms = elapsed.as_secs_f64() * 1e3;
        if status.is_server_error() {
            tracing::error!(
                status = status.as_u16(),
                elapsed_ms,
                path,
                tenant,
                code,
                cause,
                "request failed"
            );
        } else {
            tracing::info!(status = status.as_u16(), elapsed_ms, path, tenant, code, "request");
        }
    });
    let labels =
        [("method", method_label(&method)), ("route", route), ("status", status.as_u16().to_string())];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!("http_request_duration_seconds", &labels).record(elapsed.as_secs_f64());
    response
}

/// Callers can invent methods; a metric's labels must not grow with them.
fn method_label(method: &Method) -> String {
    let known = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ];
    if known.contains(method) { method.to_string() } else { "other".to_owned() }
}

/// The caller's id if it is one, else a new one.
fn request_id(headers: &HeaderMap) -> String {
    header_text(headers, REQUEST_ID)
        .and_then(|text| text.parse::<Id>().ok())
        .unwrap_or_else(|| Id::generate("req"))
        .to_string()
}

fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Errors that axum or a layer answers itself get the shape of all others.
fn as_problem(response: Response, request_id: &str) -> Response {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let problem = match status {
        StatusCode::PAYLOAD_TOO_LARGE => crate::body::body_too_large(),
        StatusCode::REQUEST_TIMEOUT => crate::body::timed_out(),
        StatusCode::RANGE_NOT_SATISFIABLE => {
            Problem::new(status, "range_not_satisfiable", "the range lies beyond the end of the content")
        }
        _ if status.is_client_error() => {
            Problem::new(status, "bad_request", status.canonical_reason().unwrap_or("bad request"))
        }
        _ => Problem::internal(format!("a layer answered {status}")),
    };
    let mut rendered = problem.render(request_id);
    for name in [header::ALLOW, header::CONTENT_RANGE, header::RETRY_AFTER] {
        if let Some(value) = response.headers().get(&name) {
            rendered.headers_mut().insert(name, value.clone());
        }
    }
    rendered
}

fn panicked(payload: Box<dyn Any + Send + 'static>) -> Response {
    let text = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without a message");
    Problem::internal(format!("panic: {text}")).into_response()
}
