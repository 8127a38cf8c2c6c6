use std::path::PathBuf;
use std::sync::Arc;

use audio_to_video_origin::store::{insert_origin_maps, resolve_origins};
use audio_to_video_origin::{NewOriginMap, ResolvedOrigin};
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use blob_store::BlobStore;
use chrono::{DateTime, TimeDelta, Utc};
use db::testing::TestDatabase;
use http_body_util::BodyExt as _;
use http_kit::{RequestContext, boundary};
use media_time::{MediaTime, Window};
use media_v2::{ArtifactKind, AssetKind, MediaConfig, MediaService, NewArtifact, NewAsset, store};
use origin_snippets::OriginSnippets;
use primitives::{Clock, Id, ManualClock, Scope};
use serde_json::{Value, json};
use sqlx::PgPool;
use tempfile::TempDir;
use tower::ServiceExt as _;
use video_render::{RenderConfig, Renderer};
use video_timeline::{
    Clip, ClipFilter, NewProject, Paging, Project, Sequence, TimelineService, Track, VideoTimeline,
};

/// The router on a separate database.
pub(crate) struct World {
    pub(crate) app: Router,
    pub(crate) timeline: TimelineService,
    pub(crate) clock: Arc<ManualClock>,
    media: MediaService,
    database: TestDatabase,
    _blobs: TempDir,
}

/// Status and body of a response.
pub(crate) type Reply = (u16, Value);

pub(crate) fn scope(tenant: &str) -> Scope {
    Scope { tenant_id: tenant.parse().unwrap(), env: "dev".parse().unwrap() }
}

pub(crate) fn context(tenant: &str) -> RequestContext {
    RequestContext { scope: scope(tenant), user_id: None, request_id: "test".to_owned() }
}

pub(crate) fn window(start_ms: i64, end_ms: i64) -> Window {
    Window::new(MediaTime::from_millis(start_ms), MediaTime::from_millis(end_ms)).unwrap()
}

impl World {
    /// A world whose renderer has no ffmpeg.
    pub(crate) async fn new() -> Self {
        Self::with_timeline(|local| Arc::new(local)).await
    }

    /// A world that can render.
    pub(crate) async fn with_ffmpeg() -> Self {
        Self::with(|local, _| Arc::new(local), RenderConfig::default()).await
    }

    /// A world whose snippets use the timeline that `client` creates from the local one, and whose renderer has no
    /// ffmpeg.
    pub(crate) async fn with_timeline(
        client: impl FnOnce(TimelineService) -> Arc<dyn VideoTimeline>,
    ) -> Self {
        Self::with_remote(|local, _| client(local)).await
    }

    /// As `with_timeline`; `client` also gets the pool, to store data in the same database.
    pub(crate) async fn with_remote(
        client: impl FnOnce(TimelineService, PgPool) -> Arc<dyn VideoTimeline>,
    ) -> Self {
        let no_ffmpeg = RenderConfig { ffmpeg: PathBuf::from("/nowhere/ffmpeg"), ..RenderConfig::default() };
        Self::with(client, no_ffmpeg).await
    }

    async fn with(
        client: impl FnOnce(TimelineService, PgPool) -> Arc<dyn VideoTimeline>,
        render: RenderConfig,
    ) -> Self {
        db::testing::statements::count();
        let database = TestDatabase::create().await;
        let clock = Arc::new(ManualClock::new(DateTime::<Utc>::UNIX_EPOCH));
        let directory = tempfile::tempdir().unwrap();
        let blobs = BlobStore::open_directory(directory.path()).unwrap();
        let pool = database.pool.clone();
        let media = MediaService::new(pool.clone(), blobs, clock.clone(), MediaConfig::default());
        let timeline = TimelineService::new(pool.clone(), clock.clone());
        let client = client(timeline.clone(), pool.clone());
        let renderer = Renderer::new(media.clone(), client.clone(), render, clock.clone());
        let snippets = OriginSnippets::new(pool, client, renderer, clock.clone());
        let (router, _) = origin_snippets::router(snippets).split_for_parts();
        Self { app: boundary::layer(router), timeline, clock, media, database, _blobs: directory }
    }

    pub(crate) async fn asset(&self, tenant: &str, duration_ms: Option<i64>) -> Id {
        let conn = &mut self.database.pool.acquire().await.unwrap();
        let asset = NewAsset {
            kind: Some(AssetKind::Video),
            duration_ms: duration_ms.map(MediaTime::from_millis),
            ..NewAsset::default()
        };
        store::insert_asset(conn, &scope(tenant), self.clock.now(), asset).await.unwrap().id
    }

    /// A recording of five seconds of silence, with its bytes stored.
    pub(crate) async fn recording(&self) -> Id {
        const RATE: u32 = 8_000;
        let mut bytes = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
        bytes.extend([RATE, 2 * RATE].map(u32::to_le_bytes).as_flattened());
        bytes.extend(b"\x02\0\x10\0data");
        bytes.extend((2 * RATE * 5).to_le_bytes());
        bytes.resize(44 + 2 * 5 * RATE as usize, 0);
        let blob = self.media.blobs().put(bytes.into()).await.unwrap();
        let asset = NewAsset {
            source_uri: blob.id.uri(),
            duration_ms: Some(MediaTime::from_millis(5_000)),
            ..NewAsset::default()
        };
        let conn = &mut self.database.pool.acquire().await.unwrap();
        store::insert_asset(conn, &scope("t1"), self.clock.now(), asset).await.unwrap().id
    }

    /// The origin of an artifact by its origin maps, and the artifacts through which it was found.
    pub(crate) async fn origin(&self, artifact: &Id) -> ResolvedOrigin {
        let conn = &mut self.database.pool.acquire().await.unwrap();
        let found = resolve_origins(conn, &scope("t1"), std::slice::from_ref(artifact)).await.unwrap();
        found[0].clone().unwrap()
    }

    /// A hit of the asset, with or without its own window, derived from `upstream`.
    pub(crate) async fn hit(&self, tenant: &str, asset: &Id, window: Option<Window>, upstream: &[&Id]) -> Id {
        let conn = &mut self.database.pool.acquire().await.unwrap();
        let mut hit =
            NewArtifact::new(ArtifactKind::AudioHit, asset.clone(), "mem:hit".to_owned(), "test", &json!({}));
        hit.start_ms = window.map(Window::start);
        hit.end_ms = window.map(Window::end);
        hit.upstream_artifact_ids = upstream.iter().map(|id| (*id).clone()).collect();
        store::insert_artifact(conn, &scope(tenant), self.clock.now(), hit).await.unwrap().id
    }

    /// A hit of one second of the asset, with additional `meta`.
    pub(crate) async fn hit_with_meta(&self, asset: &Id, meta: Value) -> Id {
        let conn = &mut self.database.pool.acquire().await.unwrap();
        let mut hit =
            NewArtifact::new(ArtifactKind::AudioHit, asset.clone(), "mem:hit".to_owned(), "test", &json!({}));
        (hit.start_ms, hit.end_ms) =
            (Some(MediaTime::from_millis(2_000)), Some(MediaTime::from_millis(3_000)));
        hit.meta.extend(meta.as_object().unwrap().clone());
        store::insert_artifact(conn, &scope("t1"), self.clock.now(), hit).await.unwrap().id
    }

    /// A hit of a new one-minute asset.
    pub(crate) async fn hit_at(&self, tenant: &str, window: Window) -> Id {
        let asset = self.asset(tenant, Some(60_000)).await;
        self.hit(tenant, &asset, Some(window), &[]).await
    }

    pub(crate) async fn map(&self, artifact: &Id, asset: &Id, window: Window) {
        let conn = &mut self.database.pool.acquire().await.unwrap();
        let map = NewOriginMap::new(artifact.clone(), asset.clone(), window);
        insert_origin_maps(conn, &scope("t1"), self.clock.now(), &[map]).await.unwrap();
    }

    /// `POST /origin-snippets/batch` as tenant `t1`.
    pub(crate) async fn batch(&self, body: &Value) -> Reply {
        self.batch_as("t1", body).await
    }

    pub(crate) async fn batch_as(&self, tenant: &str, body: &Value) -> Reply {
        self.send(tenant, "POST", "/origin-snippets/batch", Body::from(body.to_string())).await
    }

    pub(crate) async fn for_audio(&self, tenant: &str, path: &str) -> Reply {
        self.send(tenant, "GET", &format!("/origin-snippets/for-audio/{path}"), Body::empty()).await
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

    pub(crate) async fn project(&self, tenant: &str) -> Project {
        let new = NewProject { title: "A film".to_owned(), ..NewProject::default() };
        self.timeline.create_project(&context(tenant), new).await.unwrap()
    }

    pub(crate) async fn sequences(&self, project: &Id) -> Vec<Sequence> {
        self.timeline.list_sequences(&context("t1"), project, &Paging::default()).await.unwrap().items
    }

    pub(crate) async fn tracks(&self, sequence: &Id) -> Vec<Track> {
        self.timeline.list_tracks(&context("t1"), sequence, &Paging::default()).await.unwrap().items
    }

    pub(crate) async fn clips(&self, track: &Id) -> Vec<Clip> {
        let filter = ClipFilter::Track(track.clone());
        self.timeline.list_clips(&context("t1"), &filter, &Paging::default()).await.unwrap().items
    }

    /// Advances the clock by one second.
    pub(crate) fn later(&self) {
        self.clock.advance(TimeDelta::seconds(1));
    }

    /// Asserts that no batch left any rows.
    pub(crate) async fn assert_untouched(&self) {
        let rows: i64 = sqlx::query_scalar(
            "SELECT (SELECT count(*) FROM origin_snippets) + (SELECT count(*) FROM video_sequences)
                 + (SELECT count(*) FROM artifacts WHERE kind = 'render_snippet')",
        )
        .fetch_one(&self.database.pool)
        .await
        .unwrap();
        assert_eq!(rows, 0);
    }
}

pub(crate) fn id(value: &Value) -> Id {
    value.as_str().unwrap().parse().unwrap()
}

/// Asserts that it is a problem with this status and code; returns the body.
pub(crate) fn problem((status, body): Reply, expected: u16, code: &str) -> Value {
    assert_eq!((status, body["code"].as_str()), (expected, Some(code)), "{body}");
    body
}

/// Asserts success; returns the body.
pub(crate) fn ok((status, body): Reply) -> Value {
    assert_eq!(status, 200, "{body}");
    body
}
