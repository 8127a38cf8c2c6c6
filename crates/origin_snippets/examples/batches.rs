//! Measures the cost of a `timeline_only` batch: time and SQL statements. `make bench` prints it.
//!
//! `cargo run --release -p origin_snippets --example batches`. It uses the Postgres of `TEST_DATABASE_URL`, or starts a
//! private one.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program that prints measurements, and stops when it cannot"
)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use audio_to_video_origin::VideoOrigins;
use blob_store::BlobStore;
use db::testing::{TestDatabase, statements};
use http_kit::RequestContext;
use media_time::{AssetTime, MediaTime};
use media_v2::{ArtifactKind, MediaConfig, MediaService, NewArtifact, NewAsset, store};
use origin_snippets::{BatchRequest, OriginSnippets};
use primitives::{Clock, Id, Scope, SystemClock};
use scheduling::WorkQueue;
use serde_json::{Value, json};
use sqlx::PgPool;
use video_render::{RenderConfig, Renderer};
use video_timeline::{TimelineService, VideoTimeline};

/// Number of runs for each size; the fastest run counts.
const RUNS: usize = 5;
/// Number of artifacts that the items name in turn.
const ARTIFACTS: i64 = 1_000;

#[tokio::main]
async fn main() {
    statements::count();
    let database = TestDatabase::create().await;
    let directory = tempfile::tempdir().unwrap();
    let snippets = service(&database.pool, BlobStore::open_directory(directory.path()).unwrap());
    let scope = Scope { tenant_id: "t1".parse().unwrap(), env: "dev".parse().unwrap() };
    let hits = hits(&database.pool, &scope).await;
    let context = RequestContext { scope, user_id: None, request_id: String::new() };
    for count in [1, 1_000, 10_000] {
        let items: Vec<Value> =
            hits.iter().cycle().take(count).map(|hit| json!({"audio_artifact_id": hit})).collect();
        let request = json!({ "items": items });
        let (mut fastest_s, mut counted) = (f64::INFINITY, 0);
        for _ in 0..RUNS {
            let request: BatchRequest = serde_json::from_value(request.clone()).unwrap();
            let (before, started) = (statements::on_all_threads(), Instant::now());
            let made = snippets.batch(&context, request).await.unwrap();
            fastest_s = fastest_s.min(started.elapsed().as_secs_f64());
            counted = statements::on_all_threads() - before;
            assert_eq!(made.snippets.len(), count);
        }
        println!("  {count:>6} items {:>8.1} ms {counted:>4} SQL statements", fastest_s * 1_000.0);
    }
}

/// The service over a local timeline; nothing is rendered.
fn service(pool: &PgPool, blobs: BlobStore) -> OriginSnippets {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let media = MediaService::new(pool.clone(), blobs, clock.clone(), MediaConfig::default());
    let timeline: Arc<dyn VideoTimeline> = Arc::new(TimelineService::new(pool.clone(), clock.clone()));
    let no_ffmpeg = RenderConfig { ffmpeg: PathBuf::from("/nowhere/ffmpeg"), ..RenderConfig::default() };
    let shot_lists = VideoOrigins::new(media.clone(), WorkQueue::new("shot_lists", 1, 1), clock.clone());
    let renderer = Renderer::new(media, timeline.clone(), shot_lists, no_ffmpeg, clock.clone());
    OriginSnippets::new(pool.clone(), timeline, renderer, clock)
}

/// Hits of 200 ms at intervals of three seconds, in one recording that contains them all.
async fn hits(pool: &PgPool, scope: &Scope) -> Vec<Id> {
    let conn = &mut *pool.acquire().await.unwrap();
    let asset = NewAsset { duration: Some(MediaTime::from_millis(3_600_000)), ..NewAsset::default() };
    let asset = store::insert_asset(conn, scope, SystemClock.now(), asset).await.unwrap().id;
    let hit = |index: i64| {
        let (kind, uri) = (ArtifactKind::AudioHit, "mem:hit".to_owned());
        let mut hit = NewArtifact::new(kind, asset.clone(), uri, "hits_v1", &json!({ "index": index }));
        hit.start = Some(AssetTime::from_millis(index * 3_000));
        hit.end = Some(AssetTime::from_millis(index * 3_000 + 200));
        hit
    };
    let hits = (0..ARTIFACTS).map(hit).collect();
    let made = store::insert_artifacts(conn, scope, SystemClock.now(), hits).await.unwrap();
    made.into_iter().map(|artifact| artifact.id).collect()
}
