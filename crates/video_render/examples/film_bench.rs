//! Compares the time of films with that of plain ffmpeg for the same list: `film_bench [PROFILE] [SHOTS…]`, by default
//! `preview_720p_fast` with 50 and 1000 shots.
//!
//! Five sources of unlike rates and 60 s each are shown in shots of 400 ms. Plain ffmpeg reads the same windows by the concat
//! demuxer, scales, pads and encodes them by one encoder with the options of the profile, without exact first frames,
//! checks or registration.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints its measurements")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use audio_to_video_origin::{ShotListRequest, VideoOrigins};
use blob_store::BlobStore;
use db::testing::TestDatabase;
use http_kit::RequestContext;
use media_v2::{Description, MediaAsset, MediaConfig, MediaService, SourcePolicy};
use primitives::{Scope, SystemClock};
use scheduling::WorkQueue;
use serde_json::json;
use video_render::{Profile, RenderConfig, RenderRequest, Renderer};
use video_timeline::TimelineService;

const DEFAULT_PROFILE: &str = "preview_720p_fast";
const RATES: [&str; 5] = ["25", "30", "24000/1001", "50", "15"];
const SOURCE_S: usize = 60;
const SHOT_MS: usize = 400;

/// Start of a shot in its source, in ms.
fn from_ms(shot: usize) -> usize {
    shot * 1_237 % (1_000 * SOURCE_S - SHOT_MS)
}

#[tokio::main]
async fn main() {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_profile = arguments.first().is_some_and(|first| Profile::named(first).is_ok());
    let profile = if is_profile { arguments.remove(0) } else { DEFAULT_PROFILE.to_owned() };
    let profile = Profile::named(&profile).unwrap();
    let shots: Vec<usize> = arguments.iter().map(|count| count.parse().unwrap()).collect();
    let shots = if shots.is_empty() { vec![50, 1_000] } else { shots };
    let directory = tempfile::tempdir().unwrap();
    let sources: Vec<PathBuf> = RATES.iter().map(|rate| source(directory.path(), rate)).collect();
    let database = TestDatabase::create().await;
    let blobs = BlobStore::open_directory(&directory.path().join("blobs")).unwrap();
    let policy = SourcePolicy::new([directory.path().to_path_buf()]).unwrap();
    let config = MediaConfig { sources: policy, ..MediaConfig::default() };
    let clock = Arc::new(SystemClock);
    let media = MediaService::new(database.pool.clone(), blobs, clock.clone(), config);
    let timeline = Arc::new(TimelineService::new(database.pool.clone(), clock.clone()));
    let shot_lists = VideoOrigins::new(media.clone(), WorkQueue::new("shot_lists", 1, 1), clock.clone());
    let renderer = Renderer::new(media.clone(), timeline, shot_lists.clone(), RenderConfig::default(), clock);
    let context = RequestContext {
        scope: Scope { tenant_id: "bench".parse().unwrap(), env: "dev".parse().unwrap() },
        user_id: None,
        request_id: "bench".to_owned(),
    };
    let mut assets = Vec::new();
    for path in &sources {
        let (uri, level) = (format!("file://{}", path.display()), primitives::AccessLevel::Admin);
        assets.push(media.register_source(&context, uri, Description::default(), level).await.unwrap());
    }
    renderer.version().await.unwrap();
    for count in shots {
        let list = shot_lists.shot_list(&context.scope, request(&assets, count)).await.unwrap();
        let body = json!({"shot_list_artifact_id": list.artifact_id, "render_profile": profile.name});
        let body: RenderRequest = serde_json::from_value(body).unwrap();
        let begun = Instant::now();
        let rendered = renderer.render(&context, &body).await.unwrap();
        let ours = begun.elapsed().as_secs_f64();
        let begun = Instant::now();
        plain(profile, &sources, count, directory.path());
        let plain = begun.elapsed().as_secs_f64();
        let pieces = rendered.plan.pieces.unwrap_or_default();
        println!(
            "  {count:>6} shots, {pieces:>6} pieces, {profile} {ours:>7.2} s, ffmpeg {plain:>7.2} s: {:.2} ×",
            ours / plain
        );
    }
}

fn source(directory: &Path, rate: &str) -> PathBuf {
    let path = directory.join(format!("{}.mp4", rate.replace('/', "_")));
    let pictures = format!("testsrc2=s=640x360:r={rate}:d={SOURCE_S}");
    let tone = format!("sine=d={SOURCE_S}:r=48000");
    let encode =
        ["-c:v", "libx264", "-preset", "veryfast", "-g", "60", "-c:a", "aac", path.to_str().unwrap()];
    let inputs = ["-f", "lavfi", "-i", &pictures, "-f", "lavfi", "-i", &tone];
    ffmpeg(&[inputs.as_slice(), &encode].concat());
    path
}

fn request(assets: &[MediaAsset], count: usize) -> ShotListRequest {
    let clip = |n: usize| {
        let (asset, start) = (&assets[n % assets.len()].id, n * SHOT_MS);
        json!({"asset_id": asset, "source_offset_ms": from_ms(n), "start_ms": start, "duration_ms": SHOT_MS})
    };
    let clips: Vec<_> = (0..count).map(clip).collect();
    let body = json!({"sequence": {"tracks": [{"name": "v", "clips": clips}]}, "alignment": "none"});
    serde_json::from_value(body).unwrap()
}

/// Renders the list with plain ffmpeg.
fn plain(profile: &Profile, sources: &[PathBuf], count: usize, directory: &Path) {
    let mut list = "ffconcat version 1.0\n".to_owned();
    for n in 0..count {
        let (path, from) = (sources[n % sources.len()].display(), from_ms(n));
        let [start, end] = [from, from + SHOT_MS].map(|ms| ms as f64 / 1_000.0);
        writeln!(list, "file '{path}'\ninpoint {start}\noutpoint {end}").unwrap();
    }
    let path = directory.join("list.ffconcat");
    std::fs::write(&path, list).unwrap();
    let (width, height) = (profile.width, profile.height);
    let filter = format!(
        "scale={width}:{height}:force_original_aspect_ratio=decrease:force_divisible_by=2,pad={width}:{height}:-1:-1,\
         fps=25,format=yuv420p"
    );
    // As in the two profiles that this is run with.
    let [preset, crf, audio] = match profile.name {
        "draft_480p_fast" => ["ultrafast", "30", "96k"],
        _ => ["veryfast", "26", "128k"],
    };
    let output = directory.join("plain.mp4");
    ffmpeg(&[
        "-y",
        "-f",
        "concat",
        "-safe",
        "0",
        "-i",
        path.to_str().unwrap(),
        "-vf",
        &filter,
        "-c:v",
        "libx264",
        "-preset",
        preset,
        "-crf",
        crf,
        "-threads:v",
        "4",
        "-c:a",
        "aac",
        "-b:a",
        audio,
        output.to_str().unwrap(),
    ]);
}

fn ffmpeg(arguments: &[&str]) {
    let status = Command::new("ffmpeg").args(["-nostdin", "-v", "error"]).args(arguments).status().unwrap();
    assert!(status.success(), "{arguments:?}");
}
