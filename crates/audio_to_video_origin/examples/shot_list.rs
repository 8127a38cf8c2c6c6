//! Measures the cost of a shot list of 100 000 clips: time, SQL statements, and peak resident memory, from JSON to
//! JSON.
//!
//! `cargo run --release -p audio_to_video_origin --example shot_list`. It uses the Postgres of `TEST_DATABASE_URL`, or
//! starts a private one. Half of the samples have an origin map, the other half are derived from one that has; each of
//! the 100 recordings has a timeline of 1 000 spans and 2 000 beats.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program that prints measurements, and stops when it cannot"
)]

use std::sync::Arc;
use std::time::Instant;

use audio_to_video_origin::{NewOriginMap, VideoOrigins, store};
use axum::Router;
use axum::body::Body;
use blob_store::BlobStore;
use db::testing::{TestDatabase, statements};
use http::Request;
use http_body_util::BodyExt as _;
use media_time::{AssetTime, MediaTime, Window};
use media_v2::{ArtifactKind, MediaConfig, MediaService, NewArtifact, NewAsset};
use primitives::{Clock, Id, Scope, SystemClock};
use scheduling::WorkQueue;
use serde_json::{Value, json};
use sqlx::PgConnection;
use tower::ServiceExt as _;

const CLIPS: usize = 100_000;
const TRACKS: usize = 8;
const RECORDINGS: usize = 100;

#[tokio::main]
async fn main() {
    statements::count();
    let database = TestDatabase::create().await;
    let directory = tempfile::tempdir().unwrap();
    let blobs = BlobStore::open_directory(directory.path()).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let media = MediaService::new(database.pool.clone(), blobs, clock.clone(), MediaConfig::default());
    let origins = VideoOrigins::new(media.clone(), WorkQueue::new("bench", 2, 2), clock);
    let (app, _) = audio_to_video_origin::router(origins).split_for_parts();

    let recordings = recordings(&media).await;
    for samples in [1_000, CLIPS] {
        let sounds = sounds(&mut database.pool.acquire().await.unwrap(), &recordings, samples).await;
        sqlx::query("ANALYZE").execute(&database.pool).await.unwrap();
        let body = request(&sounds);
        println!("{CLIPS} clips of {samples} samples, {:.0} MB of JSON", megabytes(body.len()));
        for what in ["made", "found again"] {
            measure(&app, what, body.clone()).await;
        }
    }
}

async fn measure(app: &Router, what: &str, body: String) {
    // Resets the kernel's high-water mark.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let (before, started) = (statements::on_all_threads(), Instant::now());
    let request = Request::post("/audio/to-video-origin").header("content-type", "application/json");
    let request = request.header("x-tenant-id", "t1").header("x-env", "dev").body(Body::from(body)).unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let mut bytes = 0;
    let mut answer = response.into_body();
    while let Some(frame) = answer.frame().await {
        bytes += frame.unwrap().data_ref().map_or(0, bytes::Bytes::len);
    }
    let seconds = started.elapsed().as_secs_f64();
    let counted = statements::on_all_threads() - before;
    assert!(status.is_success(), "{status}");
    println!(
        "  {what:<12} {seconds:6.2} s {counted:4} SQL statements {:6.0} MB peak {:6.0} MB answered",
        peak_megabytes(),
        megabytes(bytes)
    );
}

/// Creates recordings, each with a timeline.
async fn recordings(media: &MediaService) -> Vec<Id> {
    let conn = &mut *media.pool().acquire().await.unwrap();
    let event = |index: usize| {
        let kind = if index.is_multiple_of(2) { "speech" } else { "silence" };
        json!({"kind": kind, "start_ms": index * 3_600, "end_ms": (index + 1) * 3_600, "meta": {}})
    };
    let events: Vec<Value> = (0..1_000).map(event).collect();
    let beats: Vec<Value> =
        (0..2_000).map(|beat| json!({"time_ms": beat * 500, "beat_index": beat})).collect();
    let mut recordings = Vec::new();
    for index in 0..RECORDINGS {
        let duration = Some(MediaTime::from_millis(3_600_000));
        let new = NewAsset { source_uri: "mem:film".into(), duration, ..NewAsset::default() };
        let asset = media_v2::store::insert_asset(conn, &scope(), SystemClock.now(), new).await.unwrap().id;
        let timeline = json!({"asset_id": asset, "events": events, "beats": beats}).to_string();
        let blob = media.blobs().put(timeline.into()).await.unwrap();
        let kind = ArtifactKind::AudioSemanticTimeline;
        let mut new = NewArtifact::new(kind, asset.clone(), blob.id.uri(), "signal_v1", &json!({}));
        let meta = json!({"model_used": "m", "duration_ms": 3_600_000, "cache_key": format!("key{index}")});
        new.meta.extend(meta.as_object().unwrap().clone());
        media_v2::store::insert_artifact(conn, &scope(), SystemClock.now(), new).await.unwrap();
        recordings.push(asset);
    }
    recordings
}

/// Creates samples of the recordings; every second one is derived from another.
async fn sounds(conn: &mut PgConnection, recordings: &[Id], count: usize) -> Vec<Id> {
    let sound = |index: usize, upstream: Option<Id>| {
        let asset = recordings[index % recordings.len()].clone();
        let uri = "mem:hit".to_owned();
        let mut new =
            NewArtifact::new(ArtifactKind::AudioHit, asset, uri, "hits_v1", &json!({"index": index}));
        new.meta.insert("score".to_owned(), json!(0.5));
        new.upstream_artifact_ids = upstream.into_iter().collect();
        new
    };
    let now = SystemClock.now();
    let hits = (0..count / 2).map(|index| sound(index, None)).collect();
    let hits = media_v2::store::insert_artifacts(conn, &scope(), now, hits).await.unwrap();
    let maps: Vec<NewOriginMap> = hits
        .iter()
        .zip(0..)
        .map(|(hit, index)| {
            let start = AssetTime::from_millis(index * 31 % 3_500_000);
            let window = Window::starting_at(start, MediaTime::from_millis(500));
            NewOriginMap::new(hit.id.clone(), hit.parent_asset_id.clone(), window)
        })
        .collect();
    store::insert_origin_maps(conn, &scope(), now, &maps).await.unwrap();
    let made = hits.iter().enumerate().map(|(index, hit)| sound(index, Some(hit.id.clone()))).collect();
    let made = media_v2::store::insert_artifacts(conn, &scope(), now, made).await.unwrap();
    hits.into_iter().chain(made).map(|artifact| artifact.id).collect()
}

fn request(sounds: &[Id]) -> String {
    let clip = |index: usize| {
        json!({
            "artifact_id": sounds[index * 7919 % sounds.len()], "start_ms": index * 125, "duration_ms": 250,
            "source_offset_ms": index % 100,
        })
    };
    let track = |track: usize| {
        let clips: Vec<Value> = (track..CLIPS).step_by(TRACKS).map(clip).collect();
        json!({"name": format!("track {track}"), "role": "hit", "clips": clips})
    };
    let tracks: Vec<Value> = (0..TRACKS).map(track).collect();
    json!({"sequence": {"tracks": tracks}, "alignment": "beat"}).to_string()
}

fn scope() -> Scope {
    Scope { tenant_id: "t1".parse().unwrap(), env: "dev".parse().unwrap() }
}

fn peak_megabytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1_024.0
}

fn megabytes(bytes: usize) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
