use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::extract::State;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Router};
use db::testing::TestDatabase;
use futures::stream;
use http::{Request, StatusCode};
use http_kit::idempotency::{self, Keys, Unstored};
use http_kit::{Json, boundary};
use serde_json::{Value, json};
use test_kit::Reply;
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

/// A service with one write, `POST /write`, each call of which waits until the test lets it through.
pub(crate) struct TestState {
    pub(crate) database: TestDatabase,
    pub(crate) keys: Keys,
    pub(crate) writes: Arc<Writes>,
    pub(crate) app: Router,
}

/// Counters and gate of the writes.
#[derive(Debug)]
pub(crate) struct Writes {
    begun: Semaphore,
    gate: Semaphore,
    ended: AtomicUsize,
}

impl Writes {
    /// Waits until a further write has begun.
    pub(crate) async fn begun(&self) {
        self.begun.acquire().await.unwrap().forget();
    }

    /// Lets one write through.
    pub(crate) fn let_through(&self) {
        self.gate.add_permits(1);
    }

    pub(crate) fn ended(&self) -> usize {
        self.ended.load(Ordering::SeqCst)
    }
}

async fn write(State(writes): State<Arc<Writes>>, Json(body): Json<Value>) -> Response {
    writes.begun.add_permits(1);
    let panics = body["say"] == "panic";
    let answer = async move {
        writes.gate.acquire().await.unwrap().forget();
        assert!(!panics, "as the test wants");
        json!({"write": writes.ended.fetch_add(1, Ordering::SeqCst) + 1})
    };
    if body["say"] == "slowly" {
        // Only the body waits to be let through.
        let body = stream::once(async move { Ok::<_, Infallible>(answer.await.to_string()) });
        return ([("content-type", "application/json")], Body::from_stream(body)).into_response();
    }
    let unstored = (body["say"] == "unstored").then_some(Extension(Unstored));
    (unstored, Json(answer.await)).into_response()
}

impl TestState {
    pub(crate) async fn new() -> Self {
        Self::with(|keys| keys).await
    }

    pub(crate) async fn with(of: impl FnOnce(Keys) -> Keys) -> Self {
        let database = TestDatabase::create().await;
        let keys = of(Keys::new(database.pool.clone()));
        let writes = Writes { begun: Semaphore::new(0), gate: Semaphore::new(0), ended: AtomicUsize::new(0) };
        let writes = Arc::new(writes);
        let app = service(keys.clone(), writes.clone());
        Self { database, keys, writes, app }
    }
}

/// The router of one process.
pub(crate) fn service(keys: Keys, writes: Arc<Writes>) -> Router {
    let router = Router::new().route("/write", post(write)).with_state(writes);
    boundary::layer(router.layer(from_fn_with_state(keys, idempotency::layer)))
}

/// Sends `POST /write` under `key`: returns the status, the body, and whether it is a replayed answer.
pub(crate) async fn send(app: Router, key: &str, body: Value) -> (StatusCode, Value, bool) {
    let request = Request::post("/write").header("x-tenant-id", "t1").header("x-env", "dev");
    let request = request.header("content-type", "application/json").header("idempotency-key", key);
    let response = app.oneshot(request.body(Body::from(body.to_string())).unwrap()).await.unwrap();
    let reply = Reply::read(response).await;
    let is_replayed = reply.headers.contains_key("idempotency-replayed");
    (StatusCode::from_u16(reply.status).unwrap(), reply.json(), is_replayed)
}
