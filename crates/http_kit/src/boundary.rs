//! The edge of the service: middleware that applies to every call, regardless of its route.

use std::any::Any;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use primitives::Id;
use scheduling::tenancy;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::{Instrument, Span};

use crate::codes::{
    BAD_REQUEST, HEADERS_TOO_LARGE, MALFORMED_REQUEST, METHOD_NOT_ALLOWED, RANGE_NOT_SATISFIABLE,
    ROUTE_NOT_FOUND, URI_TOO_LONG,
};
use crate::reading::{BodyPace, Reading};
use crate::request_id::RequestId;
use crate::{Problem, TraceParent};

pub(crate) const REQUEST_ID: &str = "x-request-id";
/// Label `status` of calls whose caller disconnected before the answer.
const DISCONNECTED: &str = "disconnected";

/// Wraps `router` so that every answer carries `X-Request-Id`, every error is a problem document
/// (also axum's own: unknown route, wrong method, a panic), and every call is logged in one line
/// and counted in `http_requests_total` and `http_request_duration_seconds`, also one whose caller disconnects before
/// the answer. A refusal before the end of the body sets
/// `Connection: close`, because the rest of the body would be parsed as the next request.
pub fn layer(router: Router) -> Router {
    layer_with(router, BodyPace::default())
}

/// As [`layer`], with the minimum rate `pace` of request bodies.
pub fn layer_with(router: Router, pace: BodyPace) -> Router {
    let router = router
        .fallback(async || Problem::new(ROUTE_NOT_FOUND, "there is no such route; see /openapi.json"))
        .method_not_allowed_fallback(async || {
            Problem::new(METHOD_NOT_ALLOWED, "this route does not take that method; see /openapi.json")
        });
    catch_panics(router).layer(middleware::from_fn_with_state(pace, edge))
}

/// Wraps `router` so that a panic of a handler is answered with 500 `internal`; [`layer`] includes this.
pub fn catch_panics(router: Router) -> Router {
    router.layer(CatchPanicLayer::custom(panicked))
}

async fn edge(State(pace): State<BodyPace>, mut request: Request, next: Next) -> Response {
    let request_id = request_id(request.headers());
    request.extensions_mut().insert(RequestId::new(request_id.clone()));
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let [tenant, env] =
        ["x-tenant-id", "x-env"].map(|name| header_text(request.headers(), name).map(str::to_owned));
    let span = tracing::info_span!("request", request_id, %method, route, trace_id = tracing::field::Empty);
    if let Some(trace) = TraceParent::continue_in(TraceParent::of(request.headers()), &span) {
        request.extensions_mut().insert(trace);
    }
    let call = Call { method, route, path, tenant, env, span, begun: Instant::now(), is_answered: false };
    let _in_flight = InFlight::begin();

    let (reading, request) = Reading::watch(request, pace);
    let response = tenancy::begin(next.run(request)).instrument(call.span.clone()).await;

    let problem = response.extensions().get::<Problem>().cloned();
    let mut response = match &problem {
        Some(problem) => problem.render(&request_id),
        None => as_problem(response, &request_id),
    };
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    protect(response.headers_mut());
    let status = response.status();
    if !status.is_success() && !reading.is_over() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    call.answered(status, problem.as_ref());
    response
}

/// A call that is logged and counted once: when it is answered, or when its caller disconnects before the answer.
struct Call {
    method: Method,
    route: String,
    path: String,
    tenant: Option<String>,
    env: Option<String>,
    span: Span,
    begun: Instant,
    is_answered: bool,
}

impl Call {
    fn answered(mut self, status: StatusCode, problem: Option<&Problem>) {
        self.is_answered = true;
        let elapsed = self.begun.elapsed();
        let (path, tenant, env) = (self.path.as_str(), self.tenant.as_deref(), self.env.as_deref());
        self.span.in_scope(|| {
            let code = problem.map(Problem::code);
            let cause = problem.and_then(Problem::cause);
            let elapsed_ms = elapsed.as_secs_f64() * 1e3;
            if status.is_server_error() {
                tracing::error!(
                    status = status.as_u16(),
                    elapsed_ms,
                    path,
                    tenant,
                    env,
                    code,
                    cause,
                    "request failed"
                );
            } else {
                let status = status.as_u16();
                // Probes come every few seconds.
                if matches!(path, "/healthz" | "/readyz" | "/metrics") && status == 200 {
                    tracing::debug!(status, elapsed_ms, path, "request");
                } else {
                    tracing::info!(status, elapsed_ms, path, tenant, env, code, "request");
                }
            }
        });
        count(&self.method, &self.route, status.as_str(), elapsed);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if self.is_answered {
            return;
        }
        let elapsed = self.begun.elapsed();
        let (path, tenant, env) = (self.path.as_str(), self.tenant.as_deref(), self.env.as_deref());
        self.span.in_scope(|| {
            let elapsed_ms = elapsed.as_secs_f64() * 1e3;
            tracing::info!(elapsed_ms, path, tenant, env, "request disconnected");
        });
        count(&self.method, &self.route, DISCONNECTED, elapsed);
    }
}

/// The whole answer to input that hyper rejects before it is a request, in the format of all other errors: a malformed
/// head (400), or one that is too long (414, 431). The connection is closed after it.
#[must_use]
pub fn http_refusal(status: StatusCode) -> String {
    let problem = match status {
        StatusCode::URI_TOO_LONG => Problem::new(URI_TOO_LONG, "the path and query are too long"),
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            Problem::new(HEADERS_TOO_LARGE, "the headers are too many, or too long together")
        }
        _ => Problem::new(MALFORMED_REQUEST, "this is not a request of HTTP/1.1"),
    };
    let (status, code) = (problem.status(), problem.code());
    let request_id = Id::generate("req").to_string();
    let body = problem.document(&request_id);
    count(&Method::from_bytes(b"NONE").unwrap_or_default(), "unmatched", status.as_str(), Duration::ZERO);
    tracing::info!(status = status.as_u16(), code, request_id, "request");
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/problem+json\r\nx-content-type-options: nosniff\r\n\
         {REQUEST_ID}: {request_id}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Content security policy of HTML pages (`/docs`): files of this service, and inline styles.
const PAGE_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// Content security policy of SVG and XML documents: inline styles only, no scripts.
const PICTURE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

/// Sets headers that keep browsers from guessing another content type and from running foreign content in documents. A
/// policy that a route has set itself stays.
fn protect(headers: &mut HeaderMap) {
    headers.entry(header::X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let policy = match content_type.split(';').next().unwrap_or("").trim() {
        "text/html" | "application/xhtml+xml" => PAGE_POLICY,
        "image/svg+xml" | "text/xml" | "application/xml" => PICTURE_POLICY,
        _ => return,
    };
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(policy));
}

/// Maximum number of label sets of the counter and of the histogram; further ones are counted as the route `other`.
/// With the buckets of the histogram this is less than 2 000 series.
const MAX_COUNTERS: usize = 500;
const MAX_HISTOGRAMS: usize = 105;
static COUNTERS: LabelSets = LabelSets::new(MAX_COUNTERS);
static HISTOGRAMS: LabelSets = LabelSets::new(MAX_HISTOGRAMS);

/// A request that has no answer yet, in the gauge `http_requests_in_flight`.
struct InFlight;

impl InFlight {
    fn begin() -> Self {
        metrics::gauge!("http_requests_in_flight").increment(1);
        Self
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        metrics::gauge!("http_requests_in_flight").decrement(1);
    }
}

fn count(method: &Method, route: &str, status: &str, elapsed: Duration) {
    let (method, status) = (method_label(method), status.to_owned());
    let label = COUNTERS.route(&[&method, route, &status]);
    metrics::counter!("http_requests_total", "method" => method.clone(), "route" => label, "status" => status)
        .increment(1);
    let label = HISTOGRAMS.route(&[&method, route]);
    metrics::histogram!("http_request_duration_seconds", "method" => method, "route" => label)
        .record(elapsed.as_secs_f64());
}

/// The label sets of a metric, at most `limit`.
struct LabelSets {
    limit: usize,
    seen: Mutex<BTreeSet<String>>,
}

impl LabelSets {
    const fn new(limit: usize) -> Self {
        Self { limit, seen: Mutex::new(BTreeSet::new()) }
    }

    /// The label of the route, which is the second element of `set`; `other` beyond the limit.
    fn route(&self, set: &[&str]) -> String {
        let name = set.join(" ");
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.contains(&name) || (seen.len() < self.limit && seen.insert(name)) {
            return set[1].to_owned();
        }
        "other".to_owned()
    }
}

/// Callers can invent methods; the labels of a metric must not grow with them.
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

/// The caller's `X-Request-Id` if it is a valid id, else a new one. A repeated one is refused with the context.
fn request_id(headers: &HeaderMap) -> String {
    header_text(headers, REQUEST_ID)
        .filter(|_| headers.get_all(REQUEST_ID).iter().nth(1).is_none())
        .and_then(|text| text.parse::<Id>().ok())
        .unwrap_or_else(|| Id::generate("req"))
        .to_string()
}

fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Turns errors that axum or a layer answers itself into problem documents.
fn as_problem(response: Response, request_id: &str) -> Response {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let problem = match status {
        StatusCode::PAYLOAD_TOO_LARGE => crate::body::body_too_large(),
        StatusCode::REQUEST_TIMEOUT => crate::body::timed_out(),
        StatusCode::RANGE_NOT_SATISFIABLE => {
            Problem::new(RANGE_NOT_SATISFIABLE, "the range lies beyond the end of the content")
        }
        _ if status.is_client_error() => {
            Problem::new(BAD_REQUEST, status.canonical_reason().unwrap_or("bad request")).with_status(status)
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

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::routing::get;
    use tower::ServiceExt as _;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn label_sets_are_limited() {
        let sets = LabelSets::new(2);
        assert_eq!(sets.route(&["GET", "/a", "200"]), "/a");
        assert_eq!(sets.route(&["GET", "/a", "404"]), "/a");
        assert_eq!(sets.route(&["GET", "/a", "500"]), "other");
        assert_eq!(sets.route(&["GET", "/a", "404"]), "/a");
    }

    #[tokio::test]
    async fn calls_of_disconnected_callers_are_counted() {
        let routes = Router::new().route("/never", get(async || std::future::pending::<()>().await));
        let request = Request::get("/never").body(Body::empty()).unwrap();
        let call = layer(routes).oneshot(request);
        assert!(tokio::time::timeout(Duration::from_millis(50), call).await.is_err());
        let seen = COUNTERS.seen.lock().unwrap();
        assert!(seen.contains("GET /never disconnected"), "{seen:?}");
        assert!(!seen.contains("GET /never 200"));
    }

    #[test]
    fn refusals_of_the_http_layer_are_problems() {
        let refusal = http_refusal(StatusCode::URI_TOO_LONG);
        let (head, body) = refusal.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 414 URI Too Long\r\n"), "{head}");
        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!((&problem["code"], &problem["status"]), (&"uri_too_long".into(), &414.into()));
        assert!(head.contains(&format!("x-request-id: {}", problem["request_id"].as_str().unwrap())));
        assert!(head.ends_with(&format!("content-length: {}", body.len())));
    }

    #[test]
    fn documents_get_a_policy_unless_the_route_sets_one() {
        let policy = |pairs: &[(&'static str, &'static str)]| {
            let mut all = headers(pairs);
            protect(&mut all);
            assert_eq!(all[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
            all.get(header::CONTENT_SECURITY_POLICY).map(|policy| policy.to_str().unwrap().to_owned())
        };
        assert_eq!(policy(&[("content-type", "text/html; charset=utf-8")]).as_deref(), Some(PAGE_POLICY));
        assert_eq!(policy(&[("content-type", "image/svg+xml")]).as_deref(), Some(PICTURE_POLICY));
        assert_eq!(policy(&[("content-type", "application/json")]), None);
        let own = [("content-type", "text/html"), ("content-security-policy", "default-src 'self'")];
        assert_eq!(policy(&own).as_deref(), Some("default-src 'self'"));
    }
}
