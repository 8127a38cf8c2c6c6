use audio_to_video_origin::{NewOriginMap, VideoOrigins, store};
use chrono::{DateTime, TimeDelta, Utc};
use db::testing::TestDatabase;
use media_time::{AssetTime, MediaTime, Window};
use media_v2::{ArtifactKind, NewArtifact, NewAsset};
use primitives::Id;
use scheduling::WorkQueue;
use serde_json::{Value, json};
use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, Postgres};
use test_kit::{Api, Reply, TestMedia, new_hit, scope, window_ms};

pub(crate) const ROUTE: &str = "/audio/to-video-origin";

pub(crate) fn at(minute: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
}

pub(crate) async fn database() -> (TestDatabase, PoolConnection<Postgres>) {
    let database = TestDatabase::create().await;
    let conn = database.pool.acquire().await.unwrap();
    (database, conn)
}

/// Registers a recording of tenant `t1`, with its duration in milliseconds.
pub(crate) async fn asset(conn: &mut PgConnection, duration_ms: Option<i64>) -> Id {
    let duration = duration_ms.map(MediaTime::from_millis);
    let new = NewAsset { source_uri: "mem:film".into(), duration, ..NewAsset::default() };
    media_v2::store::insert_asset(conn, &scope("t1"), at(0), new).await.unwrap().id
}

/// Registers an audio artifact of tenant `t1`, derived from `upstreams`.
pub(crate) async fn sound(conn: &mut PgConnection, asset: &Id, upstreams: &[&Id], meta: Value) -> Id {
    let new = new_hit(asset, upstreams, meta);
    media_v2::store::insert_artifact(conn, &scope("t1"), at(0), new).await.unwrap().id
}

/// A map of `sound` to a window of `asset`.
pub(crate) fn map(sound: &Id, asset: &Id, window: Window<AssetTime>) -> NewOriginMap {
    NewOriginMap::new(sound.clone(), asset.clone(), window)
}

/// The real router on a separate database and blob store, with the layers that the service adds.
pub(crate) struct TestState {
    pub(crate) media: TestMedia,
    pub(crate) origins: VideoOrigins,
    pub(crate) api: Api,
}

impl TestState {
    pub(crate) async fn new() -> Self {
        db::testing::statements::count();
        let media = TestMedia::new().await;
        let queue = WorkQueue::new("test", 2, 8);
        let origins = VideoOrigins::new(media.service.clone(), queue, media.clock.clone());
        let (router, _) = audio_to_video_origin::router(origins.clone()).split_for_parts();
        Self { media, origins, api: Api::new(router) }
    }

    pub(crate) async fn conn(&self) -> PoolConnection<Postgres> {
        self.media.database.pool.acquire().await.unwrap()
    }

    pub(crate) async fn asset(&self, duration_ms: Option<i64>) -> Id {
        asset(&mut *self.conn().await, duration_ms).await
    }

    pub(crate) async fn sound(&self, asset: &Id, meta: Value) -> Id {
        sound(&mut *self.conn().await, asset, &[], meta).await
    }

    /// An audio artifact with an origin map to a window of the recording.
    pub(crate) async fn hit(&self, asset: &Id, start: i64, end: i64) -> Id {
        let hit = self.sound(asset, json!({})).await;
        let maps = [map(&hit, asset, window_ms(start, end))];
        store::insert_origin_maps(&mut *self.conn().await, &scope("t1"), at(1), &maps).await.unwrap();
        hit
    }

    /// Registers a timeline of the recording, or of the audio artifact if given.
    pub(crate) async fn timeline(
        &self,
        asset: &Id,
        sound: Option<&Id>,
        backend_type: &str,
        speech: &[i64],
        beats: &[i64],
    ) -> Id {
        let event =
            |start: &i64| json!({"kind": "speech", "start_ms": start, "end_ms": start + 10, "meta": {}});
        let silence = json!({"kind": "silence", "start_ms": 0, "end_ms": 5, "meta": {}});
        let events: Vec<Value> = std::iter::once(silence).chain(speech.iter().map(event)).collect();
        let beats: Vec<Value> = beats.iter().map(|beat| json!({"time_ms": beat, "beat_index": 0})).collect();
        let text = json!({"asset_id": asset, "events": events, "beats": beats}).to_string();
        let blob = self.media.service.blobs().put(text.into()).await.unwrap();
        let kind = ArtifactKind::AudioSemanticTimeline;
        let version = if backend_type == "stub" { "audio_semantic_stub_v1" } else { "signal_v1" };
        let mut new = NewArtifact::new(kind, asset.clone(), blob.id.uri(), version, &json!({}));
        let key = format!("key|{asset}|{sound:?}|{backend_type}");
        let meta = json!({
            "model_used": "m", "duration_ms": 1, "cache_key": key, "audio_semantic_cache_key": key,
            "semantic_version": version, "backend_type": backend_type, "source_artifact_id": sound,
        });
        new.meta.extend(meta.as_object().unwrap().clone());
        new.upstream_artifact_ids = sound.into_iter().cloned().collect();
        let conn = &mut *self.conn().await;
        media_v2::store::insert_artifact(conn, &scope("t1"), at(0), new).await.unwrap().id
    }

    /// Requests a shot list.
    pub(crate) async fn ask(&self, body: &Value) -> Reply {
        self.api.post(ROUTE, body).await
    }

    /// The shot list of clips on one track.
    pub(crate) async fn shots(&self, clips: Value) -> Value {
        self.ask(&sequence(clips)).await.ok()
    }
}

/// A request for the shot list of clips on one track.
pub(crate) fn sequence(clips: Value) -> Value {
    json!({"sequence": {"tracks": [{"name": "voice", "clips": clips}]}})
}

pub(crate) fn clip(artifact: &Id, start: i64, duration: i64, source_offset: i64) -> Value {
    json!({
        "artifact_id": artifact, "start_ms": start, "duration_ms": duration, "source_offset_ms": source_offset
    })
}

/// `[source start, source end, target start]` of each shot.
pub(crate) fn times(list: &Value) -> Vec<[f64; 3]> {
    let names = ["source_start_ms", "source_end_ms", "target_start_ms"];
    let shots = list["shots"].as_array().unwrap().iter();
    shots.map(|shot| names.map(|name| shot[name].as_f64().unwrap())).collect()
}
