//! Limit of the requests of a tenant that are in flight, so that its event streams, long polls and slow downloads leave
//! connections to other tenants. A request is in flight until its answer is sent.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_kit::Problem;
use http_kit::codes::BUSY;

use crate::guarded_body::GuardedBody;

/// Paths that are answered at any time: those of probes and monitoring.
const UNLIMITED: [&str; 3] = ["/healthz", "/readyz", "/metrics"];
/// `Retry-After` of a refusal, in seconds.
const RETRY_AFTER_S: u32 = 5;

/// Requests in flight of all tenants. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct TenantRequests {
    /// By the value of the tenant header; only tenants with a request have an entry. Requests that name their tenant in
    /// the body are counted together, under the empty value.
    counts: Arc<Mutex<HashMap<Vec<u8>, usize>>>,
    /// Maximum number of one tenant.
    limit: usize,
}

/// A request in flight.
#[derive(Debug)]
struct InFlight {
    requests: TenantRequests,
    tenant: Vec<u8>,
}

/// Middleware that limits the requests in flight of each tenant. Mount it inside of the layer that authenticates callers.
pub(crate) async fn layer(State(requests): State<TenantRequests>, request: Request, next: Next) -> Response {
    if UNLIMITED.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    let tenant = request.headers().get("x-tenant-id").map_or(&b""[..], |tenant| tenant.as_bytes()).to_vec();
    match requests.begin(tenant) {
        Ok(in_flight) => next.run(request).await.map(|body| Body::new(GuardedBody::new(body, in_flight))),
        Err(problem) => problem.into_response(),
    }
}

impl TenantRequests {
    pub(crate) fn new(limit: usize) -> Self {
        Self { counts: Arc::default(), limit }
    }

    fn begin(&self, tenant: Vec<u8>) -> Result<InFlight, Problem> {
        let mut counts = self.counts();
        let count = counts.entry(tenant.clone()).or_insert(0);
        if *count >= self.limit {
            let detail = format!(
                "{} requests of this tenant are in flight; send this one again when one of them has ended",
                self.limit
            );
            return Err(Problem::new(BUSY, detail).retry_after(RETRY_AFTER_S));
        }
        *count += 1;
        Ok(InFlight { requests: self.clone(), tenant })
    }

    /// The lock is never poisoned: nothing panics while it is held.
    fn counts(&self) -> MutexGuard<'_, HashMap<Vec<u8>, usize>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut counts = self.requests.counts();
        if let Some(count) = counts.get_mut(&self.tenant) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::StatusCode;
    use axum::routing::get;
    use tower::ServiceExt as _;

    use super::*;

    async fn answer(router: &Router, path: &str, tenant: &str) -> Response {
        let request = axum::http::Request::get(path).header("x-tenant-id", tenant).body(Body::empty());
        router.clone().oneshot(request.unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn request_limit_is_separate_for_each_tenant_and_counts_bodies_until_they_end() {
        let requests = TenantRequests::new(2);
        let router = Router::new()
            .route("/stream", get(async || "an answer"))
            .route("/healthz", get(async || "ok"))
            .layer(axum::middleware::from_fn_with_state(requests.clone(), layer));
        let (one, two) = (answer(&router, "/stream", "t1").await, answer(&router, "/stream", "t1").await);
        assert_eq!([one.status(), two.status()], [StatusCode::OK, StatusCode::OK]);
        let refused = requests.begin(b"t1".to_vec()).err().unwrap();
        assert_eq!((refused.code(), refused.status()), ("busy", StatusCode::SERVICE_UNAVAILABLE));
        let refused = answer(&router, "/stream", "t1").await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer(&router, "/healthz", "t1").await.status(), StatusCode::OK);
        assert_eq!(answer(&router, "/stream", "t2").await.status(), StatusCode::OK);
        drop(one);
        assert_eq!(answer(&router, "/stream", "t1").await.status(), StatusCode::OK);
        drop(two);
        assert!(requests.counts().is_empty());
    }
}
