use std::sync::Arc;

use audio_to_video_origin::VideoOrigins;
use housekeeping::Housekeeping;
use media_v2::{AssetKind, NewAsset};
use scheduling::WorkQueue;
use serde_json::{Value, json};
use test_kit::{Api, TestMedia, post_artifact, with_members};
use video_timeline::{TimelineService, VideoTimeline};

/// Media, origins, timelines and housekeeping on a separate database.
pub(crate) struct TestState {
    pub(crate) api: Api,
    pub(crate) media: TestMedia,
    pub(crate) housekeeping: Housekeeping,
}

impl TestState {
    pub(crate) async fn new() -> Self {
        Self::with_remote_timeline(None).await
    }

    /// A state whose housekeeping uses a timeline of another database.
    pub(crate) async fn with_remote_timeline(remote: Option<Arc<dyn VideoTimeline>>) -> Self {
        db::testing::statements::count();
        let media = TestMedia::new().await;
        let (service, clock) = (media.service.clone(), media.clock.clone());
        let timeline = TimelineService::new(media.pool(), clock.clone());
        let origins = VideoOrigins::new(service.clone(), WorkQueue::new("shot_lists", 1, 8), clock.clone());
        let housekeeping = Housekeeping::new(media.pool(), clock);
        let housekeeping = match remote {
            Some(remote) => housekeeping.with_remote_timeline(remote),
            None => housekeeping,
        };
        let (router, _) = media_v2::router(service)
            .merge(video_timeline::router(timeline))
            .merge(audio_to_video_origin::router(origins))
            .merge(housekeeping::router(housekeeping.clone()))
            .split_for_parts();
        Self { api: Api::new(router), media, housekeeping }
    }

    /// An asset with bytes that no other has.
    pub(crate) async fn asset(&self) -> String {
        self.asset_of("t1", &[]).await
    }

    pub(crate) async fn asset_of(&self, tenant: &str, tags: &[&str]) -> String {
        let blob =
            self.media.service.blobs().put(format!("{tenant} {}", self.count().await).into()).await.unwrap();
        let asset = NewAsset {
            kind: Some(AssetKind::Video),
            source_uri: blob.id.uri(),
            content_sha256: Some(blob.id.to_hex()),
            size_bytes: Some(blob.size_bytes),
            tags: tags.iter().map(ToString::to_string).collect(),
            ..NewAsset::default()
        };
        self.media.insert_asset(tenant, asset).await.to_string()
    }

    async fn count(&self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM media_assets").fetch_one(&self.media.pool()).await.unwrap()
    }

    /// A hit that this service found, as far as its version shows.
    pub(crate) async fn hit(&self, asset: &str) -> String {
        let own = json!({"start_ms": 0, "end_ms": 10, "meta": {"backend_version": "samples_v2"}});
        post_artifact(&self.api, asset, own).await
    }

    /// Runs statements for `$1` = `t1`, `$2` = `id`, `$3` = `other`.
    pub(crate) async fn execute(&self, statement: &'static str, id: &str, other: &str) {
        let query = sqlx::query(statement).bind("t1").bind(id).bind(other);
        query.execute(&self.media.pool()).await.unwrap();
    }

    /// A timeline with the artifact's speakers, which has words, a transcript made of it, and rows of every table that a
    /// measurement of an asset has; returns the ids of its artifacts.
    pub(crate) async fn measure(&self, asset: &str) -> Vec<String> {
        let meta = |backend: &str| {
            json!({"meta": {"backend_version": backend, "model_used": "m", "cache_key": format!("t1|{asset}|{backend}"),
                "duration_ms": 60_000}})
        };
        let kind = |kind: &str, backend: &str| {
            with_members(meta(backend), json!({"kind": kind, "uri": format!("mem:{kind}")}))
        };
        let new = kind("audio_semantic_timeline", "signal_v4");
        // Registered ones get another cache key, so the row is made one of the service.
        let timeline = post_artifact(&self.api, asset, new).await;
        let own = "UPDATE artifacts SET meta = meta || jsonb_build_object('cache_key', id)
             WHERE tenant_id = $1 AND id IN ($2, $3)";
        let new = kind("asr_transcript", "signal_v4");
        let new = with_members(new, json!({"upstream_artifact_ids": [timeline]}));
        let transcript = post_artifact(&self.api, asset, new).await;
        self.execute(own, &timeline, &transcript).await;
        let hit = self.hit(asset).await;
        let map = json!({"parent_asset_id": asset, "source_start_ms": 0, "source_end_ms": 10});
        self.api.put(&format!("/audio/to-video-origin/origin-maps/{hit}"), &map).await.ok();
        for statement in [
            "INSERT INTO timeline_speakers (tenant_id, env, timeline_id, speaker_id, embedding, model_version)
             SELECT $1, 'dev', $2, 'S1', array_fill(0::real, ARRAY [192]), 'v' WHERE $3 <> ''",
            "INSERT INTO spoken_windows (tenant_id, env, asset_id, timeline_id, start_us, end_us, words, starts_ms, ends_ms,
                 own_words, token_words, lexemes)
             SELECT $1, 'dev', $3, $2, 0, 1, '{a}', '{0}', '{1}', 1, '{0}', 'a'",
        ] {
            self.execute(statement, &timeline, asset).await;
        }
        self.execute(
            "INSERT INTO sample_runs (tenant_id, env, cache_key, asset_id, created_at, found)
             SELECT $1, 'dev', $2, $2, now(), jsonb_build_object('samples', jsonb_build_array(
                 jsonb_build_object('artifact_id', $3::text)))",
            asset,
            &hit,
        )
        .await;
        self.execute(
            "INSERT INTO waveforms (tenant_id, env, source_key, samples_per_pixel, split_channels, rule, blob_sha256,
                 created_at)
             SELECT $1, 'dev', encode(sha256(convert_to(source_uri || E'\\n' || content_sha256, 'UTF8')), 'hex'), 256, false,
                 1, repeat('0', 64), now()
             FROM media_assets WHERE id = $2 AND $3 = ''",
            asset,
            "",
        )
        .await;
        vec![timeline, transcript, hit]
    }

    /// A track of a new project.
    pub(crate) async fn track(&self) -> (String, String) {
        let post = async |path: String, body: Value| self.api.post(&path, &body).await.id();
        let project = post("/video/projects".to_owned(), json!({"title": "A film"})).await;
        let sequence = post(format!("/video/projects/{project}/sequences"), json!({"name": "S"})).await;
        let track =
            post(format!("/video/sequences/{sequence}/tracks"), json!({"kind": "video", "label": "L"})).await;
        (project, track)
    }

    pub(crate) async fn clip(&self, track: &str, asset: &str, more: Value) -> String {
        let clip = json!({"asset_id": asset, "in_ms": 0, "out_ms": 5, "start_ms_on_timeline": 0});
        self.api.post(&format!("/video/tracks/{track}/clips"), &with_members(clip, more)).await.id()
    }

    /// The artifact of a shot list that shows the assets.
    pub(crate) async fn shot_list(&self, assets: &[&String]) -> String {
        let clips: Vec<_> = assets
            .iter()
            .zip(0..)
            .map(|(asset, index)| {
                json!({"asset_id": asset, "start_ms": 100 * index, "duration_ms": 5, "source_offset_ms": 0})
            })
            .collect();
        let request = json!({"alignment": "none", "sequence": {"tracks": [{"name": "t", "clips": clips}]}});
        let list = self.api.post("/audio/to-video-origin", &request).await.ok();
        list["shot_list_artifact_id"].as_str().unwrap().to_owned()
    }

    /// Number of rows of each table with owners that has any, but for those that only belong to an asset's siblings.
    pub(crate) async fn rows(&self, tenant: &str) -> Vec<(String, i64)> {
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT table_name::text FROM information_schema.columns
             WHERE table_schema = 'public' AND column_name = 'tenant_id' ORDER BY 1",
        )
        .fetch_all(&self.media.pool())
        .await
        .unwrap();
        let mut rows = Vec::new();
        for table in tables {
            let count = format!("SELECT count(*) FROM {table} WHERE tenant_id = $1");
            let count = sqlx::query_scalar(sqlx::AssertSqlSafe(count)).bind(tenant);
            let count: i64 = count.fetch_one(&self.media.pool()).await.unwrap();
            if count > 0 {
                rows.push((table, count));
            }
        }
        rows
    }
}

/// The counts of usages of a problem.
pub(crate) fn counts(problem: &Value) -> Value {
    problem["usage_counts"].clone()
}
