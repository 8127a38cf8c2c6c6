use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use blob_store::BlobStore;
use db::testing::TestDatabase;
use http::header::LOCATION;
use http::{HeaderMap, Request, StatusCode};
use http_kit::Problem;
use http_kit::codes::{INVALID_BODY, QUEUE_FULL};
use jobs::model::{Job, JobState};
use jobs::{HEAVY_CALLS, HeavyCall, JobLimits, JobSettings, Jobs, Lane, Worker, WorkerSettings};
use primitives::{Id, SystemClock};
use scheduling::{WorkProgress, begin_heavy_work};
use serde_json::{Value, json};
use sqlx::postgres::{PgPool, PgPoolOptions};
use tempfile::TempDir;
use test_kit::{Reply, scope, wait_for};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tower::ServiceExt;

mod codes {
    http_kit::error_codes! {
        Media {
            UNDECODABLE_MEDIA = 422 "undecodable_media": "nothing can be decoded" => "use another file";
        }
    }
}

pub(crate) const ANALYZE: &str = "/audio/semantic-timeline/analyze";
pub(crate) const RENDER: &str = "/video/render";

/// Controls of the routes, and a record of their work.
#[derive(Clone, Default)]
pub(crate) struct Routes {
    /// Names of started work, in order.
    pub(crate) begun: Arc<Mutex<Vec<String>>>,
    /// Work of names that end with `held` waits for a permit.
    pub(crate) gate: Arc<Gate>,
    /// Number of next calls that answer `busy`.
    pub(crate) busy: Arc<AtomicUsize>,
}

pub(crate) struct Gate(pub(crate) Semaphore);

impl Default for Gate {
    fn default() -> Self {
        Self(Semaphore::new(0))
    }
}

async fn work(State(routes): State<Routes>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let name = body["name"].as_str().unwrap_or_default().to_owned();
    if name.is_empty() {
        return Problem::new(INVALID_BODY, "no name").into_response();
    }
    if let Err(deferred) = begin_heavy_work() {
        return Problem::from(deferred).into_response();
    }
    let tenant = headers["x-tenant-id"].to_str().unwrap();
    routes.begun.lock().unwrap().push(format!("{tenant} {name}"));
    WorkProgress::current().report("working", 0.5);
    let is_busy = |left: usize| left.checked_sub(1);
    if routes.busy.fetch_update(Ordering::Relaxed, Ordering::Relaxed, is_busy).is_ok() {
        return Problem::new(QUEUE_FULL, "busy").retry_after(1).into_response();
    }
    if name.ends_with("held") {
        routes.gate.0.acquire().await.unwrap().forget();
    }
    assert!(!name.ends_with("panic"), "as the test wants");
    if name.ends_with("broken") {
        return Problem::new(codes::UNDECODABLE_MEDIA, "nothing can be decoded").into_response();
    }
    let filling = "x".repeat(body["filling"].as_u64().unwrap_or(0) as usize);
    let location = [(LOCATION, "/made/1")];
    (StatusCode::CREATED, location, Json(json!({"name": name, "filling": filling}))).into_response()
}

/// A service of jobs with routes that the tests control.
pub(crate) struct TestState {
    pub(crate) database: TestDatabase,
    pub(crate) pool: PgPool,
    pub(crate) jobs: Jobs,
    pub(crate) routes: Routes,
    directory: TempDir,
}

impl TestState {
    pub(crate) async fn new() -> Self {
        Self::with_limits(JobLimits::default()).await
    }

    pub(crate) async fn with_limits(limits: JobLimits) -> Self {
        let database = TestDatabase::create().await;
        let directory = tempfile::tempdir().unwrap();
        let blobs = BlobStore::open_directory(directory.path()).unwrap();
        let pool = pool(&database).await;
        jobs::migrate(&pool).await.unwrap();
        let jobs = jobs_in(pool.clone(), blobs, limits);
        Self { database, pool, jobs, routes: Routes::default(), directory }
    }

    /// A second process: the same database and store, with its own connections and lifetime.
    pub(crate) async fn twin(&self) -> Jobs {
        let blobs = BlobStore::open_directory(self.directory.path()).unwrap();
        jobs_in(pool(&self.database).await, blobs, JobLimits::default())
    }

    fn router(&self) -> Router {
        let routes = Router::new().route(ANALYZE, post(work)).route(RENDER, post(work));
        routes.with_state(self.routes.clone()).layer(DefaultBodyLimit::disable())
    }

    /// Starts a worker of `jobs` that runs `slots` jobs of each lane at once.
    pub(crate) fn work(&self, jobs: &Jobs, slots: usize, grace: Duration) -> JoinHandle<()> {
        self.work_on(jobs, HEAVY_CALLS, slots, grace)
    }

    /// Starts a worker of a version with other calls.
    pub(crate) fn work_on(
        &self,
        jobs: &Jobs,
        calls: &'static [HeavyCall],
        slots: usize,
        grace: Duration,
    ) -> JoinHandle<()> {
        let slots = Lane::ALL.map(|lane| (lane, slots)).to_vec();
        let settings = WorkerSettings { calls, slots, grace };
        tokio::spawn(Worker::new(jobs.clone(), self.router(), settings).work())
    }

    /// Calls a heavy route with a `Prefer` header.
    pub(crate) async fn call(&self, tenant: &str, path: &str, prefer: &str, body: Value) -> Reply {
        let router = self.router();
        let router = router.layer(axum::middleware::from_fn_with_state(self.jobs.clone(), jobs::run_as_jobs));
        let router = http_kit::limit_json(router, 1 << 20, &[(RENDER, 8 << 20)]);
        let request = Request::post(path)
            .header("x-tenant-id", tenant)
            .header("x-env", "dev")
            .header("content-type", "application/json")
            .header("prefer", prefer)
            .body(Body::from(body.to_string()))
            .unwrap();
        Reply::read(router.oneshot(request).await.unwrap()).await
    }

    /// Makes a call with `respond-async`; returns the id of its job.
    pub(crate) async fn enqueue(&self, tenant: &str, name: &str) -> Id {
        let answer = self.call(tenant, ANALYZE, "respond-async", json!({"name": name})).await;
        assert_eq!(answer.status, 202);
        answer.id().parse().unwrap()
    }

    pub(crate) async fn wait_for(&self, tenant: &str, id: &Id, is_reached: impl Fn(&Job) -> bool) -> Job {
        wait_for(Duration::from_secs(60), async || {
            let job = self.jobs.get(&scope(tenant), id).await.unwrap();
            if is_reached(&job) { Ok(job) } else { Err(format!("{job:?}")) }
        })
        .await
    }

    pub(crate) async fn ended(&self, tenant: &str, id: &Id) -> Job {
        self.wait_for(tenant, id, |job| job.state.is_final()).await
    }

    pub(crate) async fn running(&self, tenant: &str, id: &Id) -> Job {
        self.wait_for(tenant, id, |job| job.state == JobState::Running).await
    }

    pub(crate) fn begun(&self) -> Vec<String> {
        self.routes.begun.lock().unwrap().clone()
    }
}

async fn pool(database: &TestDatabase) -> PgPool {
    PgPoolOptions::new().max_connections(13).connect(&database.url()).await.unwrap()
}

fn jobs_in(pool: PgPool, blobs: BlobStore, limits: JobLimits) -> Jobs {
    let outbound = outbound::Policy { allows_private: true };
    let settings = JobSettings { limits, outbound };
    let jobs = Jobs::new(pool, blobs, Arc::new(SystemClock), settings);
    tokio::spawn(jobs.clone().listen());
    jobs
}
