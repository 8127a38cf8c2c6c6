//! Renders are reused: identical requests give the same bytes from one run and one file.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use media_time::AssetTime;
use media_v2::{ArtifactKind, MediaAsset};
use scheduling::WorkProgress;
use test_kit::{context, window_ms};
use video_render::{Profile, RenderConfig};

use crate::support::TestState;

const SOURCE: [&str; 10] =
    ["-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=2", "-f", "lavfi", "-i", "sine=d=2", "-threads", "1"];

async fn source(state: &TestState, name: &str) -> MediaAsset {
    let exact = ["-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact"];
    state.make(name, &[SOURCE.as_slice(), &exact].concat()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_gives_the_same_bytes() {
    let mut files = Vec::new();
    for _ in 0..2 {
        let state = TestState::new().await;
        let asset = source(&state, "a.mp4").await;
        let rendered = state.render(&asset, window_ms(333, 1_333), "social_1_1_h264").await;
        let draft = state.render(&asset, window_ms(333, 1_333), "draft_480p_fast").await;
        files.push((state.bytes(&rendered).await, state.bytes(&draft).await));
    }
    assert!(files[0] == files[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn render_is_registered_once_and_reused() {
    let state = TestState::new().await;
    let (asset, copy) = (source(&state, "a.mp4").await, source(&state, "b.mp4").await);
    assert_eq!(asset.content_sha256, copy.content_sha256);
    let first = state.render(&asset, window_ms(0, 500), "draft_480p_fast").await;
    assert!(!first.reused);
    let again = state.render(&asset, window_ms(0, 500), "draft_480p_fast").await;
    assert_eq!((again.reused, &again.artifact_id), (true, &first.artifact_id));
    assert_eq!(again.plan, first.plan);

    // The same bytes as another asset: no new run, but a separate artifact.
    let other = state.render(&copy, window_ms(0, 500), "draft_480p_fast").await;
    assert!(other.reused && other.artifact_id != first.artifact_id);
    assert_eq!((&other.render_asset_id, &other.uri), (&first.render_asset_id, &first.uri));
    let found = state.render(&copy, window_ms(0, 500), "draft_480p_fast").await;
    assert_eq!(found.artifact_id, other.artifact_id);

    let artifact = state.media.service.artifact(&context("t1").scope, &first.artifact_id).await.unwrap();
    assert_eq!((artifact.kind, &artifact.parent_asset_id), (ArtifactKind::Render, &asset.id));
    let window = artifact.start.zip(artifact.end).unwrap();
    assert_eq!(window, (AssetTime::ZERO, AssetTime::from_millis(500)));
    assert_eq!(artifact.meta["render_asset_id"], first.render_asset_id.as_str());
    assert_eq!(artifact.meta["render_profile"], "draft_480p_fast");
    assert!(artifact.meta["backend_version"].as_str().unwrap().starts_with("video_render_v5+ffmpeg-"));
    let render = state.media.service.asset(&context("t1").scope, &first.render_asset_id).await.unwrap();
    assert_eq!(render.source_uri, artifact.uri);
    assert_eq!(render.content_sha256, artifact.content_sha256);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_requests_for_a_copy_register_one_artifact() {
    let state = TestState::new().await;
    let (asset, twin) = (source(&state, "a.mp4").await, source(&state, "b.mp4").await);
    let first = state.render(&asset, window_ms(0, 500), "draft_480p_fast").await;
    let requests = (0..20).map(|_| state.render(&twin, window_ms(0, 500), "draft_480p_fast"));
    let answers = futures::future::join_all(requests).await;
    let ids: BTreeSet<_> = answers.iter().map(|rendered| &rendered.artifact_id).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert!(answers.iter().all(|rendered| rendered.render_asset_id == first.render_asset_id));
    let count = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM artifacts WHERE kind = 'render'");
    assert_eq!(count.fetch_one(&state.media.database.pool).await.unwrap(), 2, "no unreported artifact");
}

#[tokio::test(flavor = "multi_thread")]
async fn identical_requests_at_once_run_once_and_a_batch_answers_in_order() {
    let scripts = tempfile::tempdir().unwrap();
    let script = scripts.path().join("ffmpeg");
    let runs = scripts.path().join("runs");
    let text =
        format!("#!/bin/sh\n[ \"$1\" = -version ] || echo run >> {}\nexec ffmpeg \"$@\"\n", runs.display());
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let config = RenderConfig { ffmpeg: script, waiting: 0, ..RenderConfig::default() };
    let state = Arc::new(TestState::with(config).await);
    let asset = source(&state, "a.mp4").await;

    let render = async || state.render(&asset, window_ms(0, 500), "draft_480p_fast").await;
    let (first, second) = tokio::join!(render(), render());
    assert_eq!(first.artifact_id, second.artifact_id);
    assert_eq!(std::fs::read_to_string(&runs).unwrap().lines().count(), 1);

    // The queue has no waiting slots, but a batch is rendered completely; one failure does not affect the others.
    let windows: Vec<_> = [0, 100, 9_000, 200, 0, 300]
        .map(|start| (asset.clone(), window_ms::<AssetTime>(start, start + 200)))
        .to_vec();
    let profile = Profile::named("draft_480p_fast").unwrap();
    let answers = state.renderer.render_windows(&context("t1"), &windows, profile).await;
    let found: Vec<_> = answers.iter().map(|answer| answer.as_ref().ok().map(|r| r.plan.start)).collect();
    let expected = windows
        .iter()
        .map(|(_, window)| Some(window.start().since_zero()).filter(|s| s.as_micros() < 2_000_000));
    assert!(found.iter().copied().eq(expected), "{found:?}");
    assert_eq!(std::fs::read_to_string(&runs).unwrap().lines().count(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_of_a_batch_is_about_half_after_the_first_of_two_windows() {
    let state = TestState::new().await;
    let asset = source(&state, "a.mp4").await;
    state.render(&asset, window_ms(0, 200), "draft_480p_fast").await;
    // The first is found, and complete before ffprobe has read the source of the second.
    let windows = [0, 500].map(|start| (asset.clone(), window_ms::<AssetTime>(start, start + 200)));
    let profile = Profile::named("draft_480p_fast").unwrap();
    let (progress, context) = (WorkProgress::default(), context("t1"));
    let batch = progress.watch(state.renderer.render_windows(&context, &windows, profile));
    let mut batch = Box::pin(batch);
    let mut seen = Vec::new();
    let answers = loop {
        tokio::select! {
            answers = &mut batch => break answers,
            () = tokio::time::sleep(Duration::from_millis(2)) => seen.push(progress.read()),
        }
    };
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert!(seen.iter().any(|(_, done)| (done - 0.5).abs() < 0.01), "{seen:?}");
    assert!(seen.iter().filter(|(stage, _)| stage.is_some()).all(|(_, done)| *done >= 0.5), "{seen:?}");
    assert_eq!(progress.read().1, 1.0);
}
