use std::sync::Arc;

use audio_to_video_origin::VideoOrigins;
use lineage::Lineages;
use media_v2::{AssetKind, NewAsset};
use scheduling::WorkQueue;
use serde_json::{Value, json};
use test_kit::{Api, TestMedia, post_artifact, with_members};
use video_timeline::{TimelineService, VideoTimeline};

/// Media, origins, timelines and lineage on a separate database.
pub(crate) struct TestState {
    pub(crate) api: Api,
    pub(crate) media: TestMedia,
}

impl TestState {
    pub(crate) async fn new() -> Self {
        Self::with_timeline(async |local| Arc::new(local) as Arc<dyn VideoTimeline>).await
    }

    /// A state whose lineage service uses the timeline that `client` creates from the local one.
    pub(crate) async fn with_timeline(
        client: impl AsyncFnOnce(TimelineService) -> Arc<dyn VideoTimeline>,
    ) -> Self {
        db::testing::statements::count();
        let media = TestMedia::new().await;
        let (service, clock) = (media.service.clone(), media.clock.clone());
        let timeline = TimelineService::new(media.pool(), clock.clone());
        let origins = VideoOrigins::new(service.clone(), WorkQueue::new("shot_lists", 1, 8), clock);
        let lineages = Lineages::new(service.clone(), client(timeline.clone()).await);
        let (router, _) = media_v2::router(service)
            .merge(video_timeline::router(timeline))
            .merge(audio_to_video_origin::router(origins))
            .merge(lineage::router(lineages))
            .split_for_parts();
        // Problems of the same kind differ in nothing else.
        Self { api: Api::new(router).header("x-request-id", "r1"), media }
    }

    pub(crate) async fn asset(&self) -> String {
        self.asset_of("t1").await
    }

    pub(crate) async fn asset_of(&self, tenant: &str) -> String {
        let asset = NewAsset { kind: Some(AssetKind::Video), ..NewAsset::default() };
        self.media.insert_asset(tenant, asset).await.to_string()
    }

    /// Registers an artifact of the asset with additional members in its body; returns its id.
    pub(crate) async fn artifact(&self, asset: &str, more: Value) -> String {
        post_artifact(&self.api, asset, more).await
    }

    /// A hit with its own window.
    pub(crate) async fn hit(&self, asset: &str, start_ms: f64, end_ms: f64) -> String {
        self.artifact(asset, json!({"start_ms": start_ms, "end_ms": end_ms})).await
    }

    pub(crate) async fn map(&self, artifact: &str, asset: &str, start_ms: i64, end_ms: i64) {
        let path = format!("/audio/to-video-origin/origin-maps/{artifact}");
        let map = json!({"parent_asset_id": asset, "source_start_ms": start_ms, "source_end_ms": end_ms});
        self.api.put(&path, &map).await.ok();
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
        text(&self.api.post("/audio/to-video-origin", &request).await.ok()["shot_list_artifact_id"])
    }

    /// A track of a new project.
    pub(crate) async fn track(&self, tenant: &str) -> String {
        let api = self.api.tenant(tenant);
        let post = async |path: &str, body: Value| api.post(path, &body).await.id();
        let project = post("/video/projects", json!({"title": "A film"})).await;
        let sequence = post(&format!("/video/projects/{project}/sequences"), json!({"name": "S"})).await;
        post(&format!("/video/sequences/{sequence}/tracks"), json!({"kind": "video", "label": "L"})).await
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
        self.api.post(&path, &with_members(clip, more)).await.id()
    }

    /// All uses in a window (`start_ms=…&end_ms=…`), read in pages of `limit`.
    pub(crate) async fn usages(&self, asset: &str, window: &str, limit: usize) -> Vec<Value> {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/media-v2/assets/{asset}/usages?limit={limit}&{window}{cursor}");
            let page = self.api.get(&path).await.ok();
            let items = page["items"].as_array().unwrap().clone();
            assert!(items.len() <= limit);
            all.extend(items);
            let Some(next) = page["next_cursor"].as_str() else { return all };
            cursor = format!("&cursor={next}");
        }
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The fields of a use that tests compare: kind, id, window.
pub(crate) fn brief(usage: &Value) -> (String, String, f64, f64) {
    let time = |name: &str| usage[name].as_f64().unwrap();
    (text(&usage["kind"]), text(&usage["id"]), time("start_ms"), time("end_ms"))
}
