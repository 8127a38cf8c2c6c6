use std::path::PathBuf;
use std::sync::Arc;

use audio_to_video_origin::store::{insert_origin_maps, resolve_origins};
use audio_to_video_origin::{NewOriginMap, ResolvedOrigin, VideoOrigins};
use chrono::TimeDelta;
use media_time::{AssetTime, MediaTime, Window};
use media_v2::{AssetKind, NewAsset};
use origin_snippets::OriginSnippets;
use primitives::{Clock as _, Id};
use scheduling::WorkQueue;
use serde_json::{Value, json};
use sqlx::PgPool;
use test_kit::{Api, Reply, TestMedia, context, new_hit, scope, wav, window_ms};
use video_render::{RenderConfig, Renderer};
use video_timeline::{
    Clip, ClipFilter, NewProject, Paging, Project, Sequence, TimelineService, Track, VideoTimeline,
};

/// The router on a separate database.
pub(crate) struct TestState {
    pub(crate) api: Api,
    pub(crate) timeline: TimelineService,
    media: TestMedia,
}

impl TestState {
    /// A state whose renderer has no ffmpeg.
    pub(crate) async fn new() -> Self {
        Self::with_timeline(|local| Arc::new(local)).await
    }

    /// A state that can render.
    pub(crate) async fn with_ffmpeg() -> Self {
        Self::with(|local, _| Arc::new(local), RenderConfig::default()).await
    }

    /// A state whose snippets use the timeline that `client` creates from the local one, and whose renderer has no
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
        let media = TestMedia::new().await;
        let (service, clock) = (media.service.clone(), media.clock.clone());
        let timeline = TimelineService::new(media.pool(), clock.clone());
        let client = client(timeline.clone(), media.pool());
        let shot_lists =
            VideoOrigins::new(service.clone(), WorkQueue::new("shot_lists", 1, 1), clock.clone());
        let renderer = Renderer::new(service, client.clone(), shot_lists, render, clock.clone());
        let snippets = OriginSnippets::new(media.pool(), client, renderer, clock);
        let (router, _) = origin_snippets::router(snippets).split_for_parts();
        Self { api: Api::new(router), timeline, media }
    }

    pub(crate) async fn asset(&self, tenant: &str, duration_ms: Option<i64>) -> Id {
        let duration = duration_ms.map(MediaTime::from_millis);
        let asset = NewAsset { kind: Some(AssetKind::Video), duration, ..NewAsset::default() };
        self.media.insert_asset(tenant, asset).await
    }

    /// A recording of five seconds of silence, with its bytes stored.
    pub(crate) async fn recording(&self) -> Id {
        let silence = wav(8_000, 1, &[0; 5 * 8_000]);
        let blob = self.media.service.blobs().put(silence.into()).await.unwrap();
        let duration = Some(MediaTime::from_millis(5_000));
        let asset = NewAsset { source_uri: blob.id.uri(), duration, ..NewAsset::default() };
        self.media.insert_asset("t1", asset).await
    }

    /// The origin of an artifact by its origin maps, and the artifacts through which it was found.
    pub(crate) async fn origin(&self, artifact: &Id) -> ResolvedOrigin {
        let conn = &mut self.media.database.pool.acquire().await.unwrap();
        let found = resolve_origins(conn, &scope("t1"), std::slice::from_ref(artifact)).await.unwrap();
        found[0].clone().unwrap()
    }

    /// A hit of the asset, with or without its own window, derived from `upstream`.
    pub(crate) async fn hit(&self, asset: &Id, window: Option<Window<AssetTime>>, upstream: &[&Id]) -> Id {
        self.insert_hit("t1", asset, window, upstream, json!({})).await
    }

    /// A hit of one second of the asset, with additional `meta`.
    pub(crate) async fn hit_with_meta(&self, asset: &Id, meta: Value) -> Id {
        self.insert_hit("t1", asset, Some(window_ms(2_000, 3_000)), &[], meta).await
    }

    /// A hit of a new one-minute asset.
    pub(crate) async fn hit_at(&self, tenant: &str, window: Window<AssetTime>) -> Id {
        let asset = self.asset(tenant, Some(60_000)).await;
        self.insert_hit(tenant, &asset, Some(window), &[], json!({})).await
    }

    async fn insert_hit(
        &self,
        tenant: &str,
        asset: &Id,
        window: Option<Window<AssetTime>>,
        upstream: &[&Id],
        meta: Value,
    ) -> Id {
        let mut hit = new_hit(asset, upstream, meta);
        (hit.start, hit.end) = window.map(|window| (window.start(), window.end())).unzip();
        self.media.insert_artifact(tenant, hit).await
    }

    pub(crate) async fn map(&self, artifact: &Id, asset: &Id, window: Window<AssetTime>) {
        let conn = &mut self.media.database.pool.acquire().await.unwrap();
        let map = NewOriginMap::new(artifact.clone(), asset.clone(), window);
        insert_origin_maps(conn, &scope("t1"), self.media.clock.now(), &[map]).await.unwrap();
    }

    /// `POST /origin-snippets/batch` as tenant `t1`.
    pub(crate) async fn batch(&self, body: &Value) -> Reply {
        self.api.post("/origin-snippets/batch", body).await
    }

    pub(crate) async fn for_audio(&self, tenant: &str, path: &str) -> Reply {
        self.api.tenant(tenant).get(&format!("/origin-snippets/for-audio/{path}")).await
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
        self.media.clock.advance(TimeDelta::seconds(1));
    }

    /// Asserts that no batch left any rows.
    pub(crate) async fn assert_untouched(&self) {
        let rows: i64 = sqlx::query_scalar(
            "SELECT (SELECT count(*) FROM origin_snippets) + (SELECT count(*) FROM video_sequences)
                 + (SELECT count(*) FROM artifacts WHERE kind = 'render_snippet')",
        )
        .fetch_one(&self.media.database.pool)
        .await
        .unwrap();
        assert_eq!(rows, 0);
    }
}

pub(crate) fn id(value: &Value) -> Id {
    value.as_str().unwrap().parse().unwrap()
}
