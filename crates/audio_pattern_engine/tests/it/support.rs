use std::sync::Arc;

use audio_pattern_engine::PatternEngine;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use chrono::{DateTime, Utc};
use db::testing::TestDatabase;
use http_body_util::BodyExt as _;
use http_kit::boundary;
use media_v2::{ArtifactKind, NewArtifact, NewAsset, store};
use primitives::{Id, ManualClock, Scope};
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// The real router with its own database.
pub(crate) struct World {
    pub(crate) database: TestDatabase,
    pub(crate) app: Router,
}

/// A status and a body.
pub(crate) type Reply = (u16, Value);

pub(crate) fn scope(tenant: &str) -> Scope {
    Scope { tenant_id: tenant.parse().unwrap(), env: "dev".parse().unwrap() }
}

impl World {
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::create().await;
        let clock = Arc::new(ManualClock::new(DateTime::<Utc>::UNIX_EPOCH));
        let engine = PatternEngine::new(database.pool.clone(), clock);
        let (router, _) = audio_pattern_engine::router(engine).split_for_parts();
        Self { database, app: boundary::layer(router) }
    }

    /// An artifact of a new asset.
    pub(crate) async fn sample(&self, tenant: &str) -> Id {
        let conn = &mut self.database.pool.acquire().await.unwrap();
        let (scope, now) = (scope(tenant), DateTime::UNIX_EPOCH);
        let asset = store::insert_asset(conn, &scope, now, NewAsset::default()).await.unwrap();
        let hit =
            NewArtifact::new(ArtifactKind::AudioHit, asset.id, "mem:hit".to_owned(), "test", &json!({}));
        store::insert_artifact(conn, &scope, now, hit).await.unwrap().id
    }

    pub(crate) async fn post(&self, tenant: &str, body: &Value) -> Reply {
        self.send(tenant, "POST", "/audio/patterns", Body::from(body.to_string())).await
    }

    pub(crate) async fn get(&self, tenant: &str, path: &str) -> Reply {
        self.send(tenant, "GET", path, Body::empty()).await
    }

    async fn send(&self, tenant: &str, method: &str, path: &str, body: Body) -> Reply {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("x-tenant-id", tenant)
            .header("x-env", "dev")
            .header("content-type", "application/json");
        let response = self.app.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap())
    }
}

/// Asserts that the reply is a problem with this status and code, and returns its body.
pub(crate) fn problem((status, body): Reply, expected: u16, code: &str) -> Value {
    assert_eq!((status, body["code"].as_str()), (expected, Some(code)), "{body}");
    body
}

/// Asserts that the reply has status 200, and returns its body.
pub(crate) fn ok((status, body): Reply) -> Value {
    assert_eq!(status, 200, "{body}");
    body
}
