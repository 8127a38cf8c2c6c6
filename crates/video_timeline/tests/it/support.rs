use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::middleware::from_fn_with_state;
use chrono::DateTime;
use db::testing::TestDatabase;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use http_kit::{RequestContext, boundary, idempotency};
use primitives::{ManualClock, Scope};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use video_timeline::TimelineService;

/// The real router on a separate database, with the layers that the service adds.
pub(crate) struct TestState {
    _database: TestDatabase,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) service: TimelineService,
    pub(crate) app: Router,
}

impl TestState {
    pub(crate) async fn new() -> Self {
        db::testing::statements::count();
        let database = TestDatabase::create().await;
        let clock = Arc::new(ManualClock::new(DateTime::from_timestamp(1_700_000_000, 0).unwrap()));
        let service = TimelineService::new(database.pool.clone(), clock.clone());
        let (router, _) = video_timeline::router(service.clone()).split_for_parts();
        let keys = idempotency::Keys::new(database.pool.clone());
        let router = router.layer(from_fn_with_state(keys, idempotency::layer));
        Self { _database: database, clock, service, app: boundary::layer(router) }
    }

    /// Sends a call as `tenant` in `dev`.
    pub(crate) async fn call_as(
        &self,
        tenant: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let text = body.map(|body| body.to_string());
        self.send(tenant, method, path, text).await
    }

    pub(crate) async fn send(
        &self,
        tenant: &str,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("x-tenant-id", tenant).header("x-env", "dev").header("x-user-id", "u1");
        let request = match body {
            Some(text) => request.header("content-type", "application/json").body(Body::from(text)),
            None => request.body(Body::empty()),
        };
        let response = self.app.clone().oneshot(request.unwrap()).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        if bytes.is_empty() {
            return (status, Value::Null);
        }
        let value: Value = serde_json::from_slice(&bytes).unwrap();
        if !status.is_success() {
            assert_eq!(value["status"], status.as_u16(), "every error is a problem document");
            assert!(value["request_id"].is_string());
        }
        (status, value)
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.call_as("t1", Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        self.call_as("t1", Method::POST, path, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> (StatusCode, Value) {
        self.call_as("t1", Method::PATCH, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> (StatusCode, Value) {
        self.call_as("t1", Method::DELETE, path, None).await
    }

    /// Posts a valid object and returns its id.
    pub(crate) async fn make(&self, path: &str, body: Value) -> String {
        let (status, made) = self.post(path, body).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        made["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn project(&self) -> String {
        self.make("/video/projects", json!({"title": "P"})).await
    }

    pub(crate) async fn sequence(&self) -> String {
        let project = self.project().await;
        self.make(&format!("/video/projects/{project}/sequences"), json!({"name": "S"})).await
    }

    pub(crate) async fn track(&self) -> String {
        let sequence = self.sequence().await;
        let track = json!({"kind": "video", "label": "origin"});
        self.make(&format!("/video/sequences/{sequence}/tracks"), track).await
    }

    pub(crate) async fn clip(&self) -> String {
        let track = self.track().await;
        self.make(&format!("/video/tracks/{track}/clips"), clip(1_000.0, 3_000.0, 10_000.0)).await
    }
}

/// The body of a new clip; times in ms.
pub(crate) fn clip(in_ms: f64, out_ms: f64, start_ms: f64) -> Value {
    json!({"asset_id": "asset_1", "in_ms": in_ms, "out_ms": out_ms, "start_ms_on_timeline": start_ms})
}

pub(crate) fn context(tenant: &str) -> RequestContext {
    RequestContext {
        scope: Scope { tenant_id: tenant.parse().unwrap(), env: "dev".parse().unwrap() },
        user_id: Some("u1".parse().unwrap()),
        request_id: "req_test".to_owned(),
    }
}

/// The `field` of each item of a page.
pub(crate) fn column<'a>(page: &'a Value, field: &str) -> Vec<&'a Value> {
    page["items"].as_array().unwrap().iter().map(|item| &item[field]).collect()
}
