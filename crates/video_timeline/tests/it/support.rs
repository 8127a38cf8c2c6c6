use std::sync::Arc;

use axum::middleware::from_fn_with_state;
use chrono::DateTime;
use db::testing::TestDatabase;
use http_kit::{RequestContext, idempotency};
use primitives::ManualClock;
use serde_json::{Value, json};
use test_kit::Api;
use video_timeline::TimelineService;

/// The real router on a separate database, with the layers that the service adds.
pub(crate) struct TestState {
    _database: TestDatabase,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) service: TimelineService,
    pub(crate) api: Api,
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
        let api = Api::new(router).header("x-user-id", "u1");
        Self { _database: database, clock, service, api }
    }

    /// Posts a valid object and returns its id.
    pub(crate) async fn make(&self, path: &str, body: Value) -> String {
        self.api.post(path, &body).await.id()
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

/// A call by user `u1` of the tenant.
pub(crate) fn context(tenant: &str) -> RequestContext {
    RequestContext { user_id: Some("u1".parse().unwrap()), ..test_kit::context(tenant) }
}

/// The `field` of each item of a page.
pub(crate) fn column<'a>(page: &'a Value, field: &str) -> Vec<&'a Value> {
    page["items"].as_array().unwrap().iter().map(|item| &item[field]).collect()
}
