use std::sync::Arc;

use audio_to_video_origin::VideoOrigins;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use blob_store::BlobStore;
use chrono::{DateTime, Utc};
use db::testing::TestDatabase;
use http_body_util::BodyExt as _;
use http_kit::boundary;
use lineage::Lineages;
use media_v2::{AssetKind, MediaConfig, MediaService, NewAsset, store};
use primitives::{Clock, ManualClock, Scope};
use scheduling::WorkQueue;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;
use video_timeline::{TimelineService, VideoTimeline};

/// Media, origins, timelines and lineage on a separate database.
pub(crate) struct World {
    pub(crate) app: Router,
    pub(crate) database: TestDatabase,
    clock: Arc<ManualClock>,
    _blobs: TempDir,
}

/// Status and body of a response.
pub(crate) struct Reply(u16, Value);

impl World {
    pub(crate) async fn new() -> Self {
        Self::with_timeline(async |local| Arc::new(local) as Arc<dyn VideoTimeline>).await
    }

    /// A world whose lineage service uses the timeline that `client` creates from the local one.
    pub(crate) async fn with_timeline(
        client: impl AsyncFnOnce(TimelineService) -> Arc<dyn VideoTimeline>,
    ) -> Self {
        db::testing::statements::count();
        let database = TestDatabase::create().await;
        let clock = Arc::new(ManualClock::new(DateTime::<Utc>::UNIX_EPOCH));
        let directory = tempfile::tempdir().unwrap();
        let blobs = BlobStore::open_directory(directory.path()).unwrap();
        let pool = database.pool.clone();
        let media = MediaService::new(pool.clone(), blobs, clock.clone(), MediaConfig::default());
        let timeline = TimelineService::new(pool, clock.clone());
        let origins = VideoOrigins::new(media.clone(), WorkQueue::new("shot_lists", 1, 8), clock.clone());
        let lineages = Lineages::new(media.clone(), client(timeline.clone()).await);
        let (router, _) = media_v2::router(media)
            .merge(video_timeline::router(timeline))
            .merge(audio_to_video_origin::router(origins))
            .merge(lineage::router(lineages))
            .split_for_parts();
        Self { app: boundary::layer(router), database, clock, _blobs: directory }
    }

    pub(crate) async fn asset(&self) -> String {
        self.asset_of("t1").await
    }

    pub(crate) async fn asset_of(&self, tenant: &str) -> String {
        let conn = &mut self.database.pool.acquire().await.unwrap();
        let scope = Scope { tenant_id: tenant.parse().unwrap(), env: "dev".parse().unwrap() };
        let asset = NewAsset { kind: Some(AssetKind::Video), ..NewAsset::default() };
        store::insert_asset(conn, &scope, self.clock.now(), asset).await.unwrap().id.to_string()
    }

    /// Registers an artifact of the asset with additional members in its body; returns its id.
    pub(crate) async fn artifact(&self, asset: &str, more: Value) -> String {
        self.artifact_of("t1", asset, more).await
    }

    pub(crate) async fn artifact_of(&self, tenant: &str, asset: &str, more: Value) -> String {
        let body = with(json!({"kind": "audio_hit", "uri": "mem:hit"}), more);
        text(
            &self.send(tenant, "POST", &format!("/media-v2/assets/{asset}/artifacts"), &body).await.ok()["id"],
        )
    }

    /// A hit with its own window.
    pub(crate) async fn hit(&self, asset: &str, start_ms: f64, end_ms: f64) -> String {
        self.artifact(asset, json!({"start_ms": start_ms, "end_ms": end_ms})).await
    }

    pub(crate) async fn map(&self, artifact: &str, asset: &str, start_ms: i64, end_ms: i64) {
        let path = format!("/audio/to-video-origin/origin-maps/{artifact}");
        let map = json!({"parent_asset_id": asset, "source_start_ms": start_ms, "source_end_ms": end_ms});
        self.send("t1", "PUT", &path, &map).await.ok();
    }

    /// The artifact of a shot list that shows `windows`.
    pub(crate) async fn shot_list(&self, asset: &str, windows: &[(i64, i64)]) -> String {
        let clips: Vec<_> = windows
            .iter()
            .zip(0..)
            .map(|((start, end), index)| {
                json!({"asset_id": asset, "start_ms": 60_000 * index, "duration_ms": end - start,
                    "source_offset_ms": start})
            })
            .collect();
        let request = json!({"alignment": "none", "sequence": {"tracks": [{"name": "t", "clips": clips}]}});
        text(&self.post("/audio/to-video-origin", &request).await.ok()["shot_list_artifact_id"])
    }

    /// A track of a new project.
    pub(crate) async fn track(&self, tenant: &str) -> String {
        let post =
            async |path: String, body: Value| text(&self.send(tenant, "POST", &path, &body).await.ok()["id"]);
        let project = post("/video/projects".to_owned(), json!({"title": "A film"})).await;
        let sequence = post(format!("/video/projects/{project}/sequences"), json!({"name": "S"})).await;
        post(format!("/video/sequences/{sequence}/tracks"), json!({"kind": "video", "label": "L"})).await
    }

    /// A clip on the track with additional members in its body.
    pub(crate) async fn clip(
        &self,
        track: &str,
        asset: &str,
        (start, end): (i64, i64),
        more: Value,
    ) -> String {
        let clip = json!({"asset_id": asset, "in_ms": start, "out_ms": end, "start_ms_on_timeline": 0});
        let path = format!("/video/tracks/{track}/clips");
        text(&self.post(&path, &with(clip, more)).await.ok()["id"])
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.get_as("t1", path).await
    }

    pub(crate) async fn get_as(&self, tenant: &str, path: &str) -> Reply {
        self.send(tenant, "GET", path, &Value::Null).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        self.send("t1", "POST", path, body).await
    }

    pub(crate) async fn send(&self, tenant: &str, method: &str, path: &str, body: &Value) -> Reply {
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("x-tenant-id", tenant)
            .header("x-env", "dev")
            .header("x-request-id", "r1")
            .header("content-type", "application/json");
        let response = self.app.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        Reply(status, serde_json::from_slice(&bytes).unwrap())
    }

    /// All uses in a window (`start_ms=…&end_ms=…`), read in pages of `limit`.
    pub(crate) async fn usages(&self, asset: &str, window: &str, limit: usize) -> Vec<Value> {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/media-v2/assets/{asset}/usages?limit={limit}&{window}{cursor}");
            let page = self.get(&path).await.ok();
            let items = page["items"].as_array().unwrap().clone();
            assert!(items.len() <= limit);
            all.extend(items);
            let Some(next) = page["next_cursor"].as_str() else { return all };
            cursor = format!("&cursor={next}");
        }
    }
}

impl Reply {
    pub(crate) fn ok(self) -> Value {
        assert!((200..300).contains(&self.0), "{}: {}", self.0, self.1);
        self.1
    }

    /// Asserts that it is a problem with this status and code; returns the body.
    pub(crate) fn problem(self, status: u16, code: &str) -> Value {
        assert_eq!((self.0, self.1["code"].as_str()), (status, Some(code)), "{}", self.1);
        self.1
    }
}

/// `object` with the members of `more`.
pub(crate) fn with(mut object: Value, more: Value) -> Value {
    let Value::Object(more) = more else { return object };
    object.as_object_mut().unwrap().extend(more);
    object
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The fields of a use that tests compare: kind, id, window.
pub(crate) fn brief(usage: &Value) -> (String, String, f64, f64) {
    let time = |name: &str| usage[name].as_f64().unwrap();
    (text(&usage["kind"]), text(&usage["id"]), time("start_ms"), time("end_ms"))
}
