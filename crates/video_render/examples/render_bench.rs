//! Compares the time of a render with that of plain ffmpeg for the same work: `make bench`.
//!
//! The source is 60 s of 720p at 30 frames per second. Plain ffmpeg seeks, scales, pads and encodes with the same
//! options as the profile, without locks, keys, exact first frames, checks or registration. Times are medians of three
//! windows.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints its measurements")]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use audio_to_video_origin::VideoOrigins;
use blob_store::BlobStore;
use db::testing::TestDatabase;
use http_kit::RequestContext;
use media_time::{AssetTime, MediaTime, Window};
use media_v2::{Description, MediaConfig, MediaService, SourcePolicy};
use primitives::{Scope, SystemClock};
use scheduling::WorkQueue;
use video_render::{Argument, Plan, Profile, RenderConfig, Renderer};
use video_timeline::TimelineService;

/// Starts of the windows; the first one of all also probes the source.
const STARTS_MS: [i64; 3] = [25_010, 7_040, 33_330];
const LENGTHS_MS: [i64; 2] = [2_000, 20_000];

#[tokio::main]
async fn main() {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("source.mp4");
    ffmpeg(&[
        "-f",
        "lavfi",
        "-i",
        "testsrc2=s=1280x720:r=30:d=60",
        "-f",
        "lavfi",
        "-i",
        "sine=d=60",
        "-c:v",
        "libx264",
        "-preset",
        "veryfast",
        source.to_str().unwrap(),
    ]);
    let database = TestDatabase::create().await;
    let blobs = BlobStore::open_directory(&directory.path().join("blobs")).unwrap();
    let sources = SourcePolicy::new([directory.path().to_path_buf()]).unwrap();
    let config = MediaConfig { sources, ..MediaConfig::default() };
    let media = MediaService::new(database.pool.clone(), blobs, Arc::new(SystemClock), config);
    let timeline = TimelineService::new(database.pool.clone(), Arc::new(SystemClock));
    let config = RenderConfig::default();
    let queue = WorkQueue::new("shot_lists", 1, 1);
    let shot_lists = VideoOrigins::new(media.clone(), queue, Arc::new(SystemClock));
    let renderer =
        Renderer::new(media.clone(), Arc::new(timeline), shot_lists, config, Arc::new(SystemClock));
    let context = RequestContext {
        scope: Scope { tenant_id: "bench".parse().unwrap(), env: "dev".parse().unwrap() },
        user_id: None,
        request_id: "bench".to_owned(),
    };
    let uri = format!("file://{}", source.display());
    let asset = media
        .register_source(&context, uri, Description::default(), primitives::AccessLevel::Admin)
        .await
        .unwrap();
    renderer.version().await.unwrap();

    for name in ["draft_480p_fast", "1080p_30_web"] {
        for length in LENGTHS_MS {
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            for start in STARTS_MS {
                let start = AssetTime::from_millis(start);
                let window = Window::starting_at(start, MediaTime::from_millis(length));
                let profile = Profile::named(name).unwrap();
                let begun = Instant::now();
                let rendered = renderer.render_window(&context, &asset, window, profile).await.unwrap();
                ours.push(begun.elapsed());
                let begun = Instant::now();
                plain(&rendered.plan, profile, &source, &directory.path().join("plain.mp4"));
                theirs.push(begun.elapsed());
            }
            print(name, length, median(ours), median(theirs));
        }
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn print(name: &str, length_ms: i64, ours: Duration, plain: Duration) {
    let (ours, plain) = (ours.as_secs_f64(), plain.as_secs_f64());
    println!(
        "  {name:<18} {:>3} s window {ours:>7.2} s, ffmpeg {plain:>7.2} s: {:.2} ×",
        length_ms / 1_000,
        ours / plain
    );
}

/// Renders with plain ffmpeg: an accurate seek, a simple filter chain, and the encoders of the plan.
fn plain(plan: &Plan, profile: &Profile, source: &Path, output: &Path) {
    let (width, height) = (profile.width, profile.height);
    let filter = format!(
        "scale={width}:{height}:force_original_aspect_ratio=decrease:force_divisible_by=2,pad={width}:{height}:-1:-1,\
         fps=30,format=yuv420p"
    );
    let seek = format!("{:.3}", plan.start.as_secs_f64());
    let length = format!("{:.3}", (plan.end - plan.start).as_secs_f64());
    let encoders = plan.arguments.iter().skip_while(|argument| argument.to_string() != "-c:v");
    let encoders = encoders.filter(|argument| **argument != Argument::Output).map(ToString::to_string);
    let mut arguments: Vec<String> =
        ["-y", "-ss", &seek, "-i", source.to_str().unwrap(), "-t", &length, "-vf", &filter, "-ac", "2"]
            .map(str::to_owned)
            .to_vec();
    arguments.extend(encoders);
    arguments.push(output.to_str().unwrap().to_owned());
    ffmpeg(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
}

fn ffmpeg(arguments: &[&str]) {
    let status = Command::new("ffmpeg").args(["-nostdin", "-v", "error"]).args(arguments).status().unwrap();
    assert!(status.success(), "{arguments:?}");
}
