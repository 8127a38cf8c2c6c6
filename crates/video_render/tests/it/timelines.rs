//! Renders of windows of a project's timeline.

use std::path::PathBuf;

use media_v2::ArtifactKind;
use serde_json::{Value, json};
use test_kit::{Api, Reply, context, with_members};
use video_timeline::{CreatedTimeline, NewProject, NewTimeline, VideoTimeline};

use crate::frames::{clicks, numbered, numbers};
use crate::support::TestState;

pub(crate) async fn timeline(state: &TestState, clips: Value) -> CreatedTimeline {
    let new = json!({
        "project": {"new": {"title": "P"}}, "sequence": {"name": "S"},
        "track": {"kind": "video", "label": "v1"}, "clips": clips
    });
    let new: NewTimeline = serde_json::from_value(new).unwrap();
    state.timeline.create_timeline(&context("t1"), new).await.unwrap()
}

async fn post(state: &TestState, tenant: &str, body: Value) -> Reply {
    let (router, _) = video_render::router(state.renderer.clone()).split_for_parts();
    Api::new(router).tenant(tenant).post("/video/render", &body).await
}

/// Renders `[start, end)` of a timeline, in ms, to a file.
pub(crate) async fn render_timeline(
    state: &TestState,
    made: &CreatedTimeline,
    (start_ms, end_ms): (i64, i64),
    profile: &str,
) -> PathBuf {
    let body = json!({
        "project_id": made.project.id, "start_ms": start_ms, "end_ms": end_ms, "render_profile": profile
    });
    let answer = post(state, "t1", body).await.ok();
    let hash = answer["uri"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    state.media.directory().join("blobs/sha256").join(&hash[..2]).join(hash)
}

#[tokio::test(flavor = "multi_thread")]
async fn clips_are_rendered_at_their_positions_and_gaps_are_black() {
    let state = TestState::new().await;
    numbered(&state.media.source("numbers.mp4"), 200, "25", &[]);
    let asset = state.register("numbers.mp4").await;
    let clip = |in_ms: i64, start: i64| json!({"asset_id": asset.id, "in_ms": in_ms, "out_ms": in_ms + 1_000, "start_ms_on_timeline": start});
    let made = timeline(&state, json!([clip(2_000, 0), clip(5_000, 1_500)])).await;
    let project = &made.project.id;
    let body = json!({
        "project_id": project, "start_ms": 500, "end_ms": 2_250, "render_profile": "draft_480p_fast"
    });
    let answer = post(&state, "t1", body.clone()).await.ok();

    let scope = context("t1").scope;
    let artifact_id = answer["artifact_id"].as_str().unwrap().parse().unwrap();
    let artifact = state.media.service.artifact(&scope, &artifact_id).await.unwrap();
    assert_eq!(artifact.parent_asset_id.as_str(), answer["asset_id"]);
    let path = state.media.directory().join("out");
    let mut reader = state.media.service.open_source(artifact.content()).await.unwrap();
    std::io::copy(&mut reader, &mut std::fs::File::create(&path).unwrap()).unwrap();
    // 13 frames of the first clip from 500 ms on, 12 black ones, 19 of the second clip.
    let expected: Vec<usize> = (62..75).chain([0; 12]).chain(125..144).collect();
    assert_eq!(numbers(&path, (854, 480)), expected);
    let found = clicks(&path);
    assert!(found.len() == 1 && (found[0] - 1.0).abs() < 0.002, "second 5 of the source: {found:?}");

    let mut conn = state.media.database.pool.acquire().await.unwrap();
    let kind = ArtifactKind::RenderSegment;
    let mut segments =
        media_v2::store::latest_artifacts(&mut conn, &scope, &asset.id, kind, 10).await.unwrap();
    segments.sort_by_key(|segment| segment.start);
    let windows: Vec<_> = segments
        .iter()
        .map(|segment| [segment.start, segment.end].map(|time| time.unwrap().since_zero().as_millis_floor()))
        .collect();
    assert_eq!(windows, [[2_500, 3_000], [5_000, 5_750]]);
    for (segment, clip) in segments.iter().zip(&made.clips) {
        assert_eq!(segment.upstream_artifact_ids, std::slice::from_ref(&artifact.id));
        assert_eq!(segment.meta["clip_id"], clip.id.as_str());
    }
    assert_eq!(post(&state, "t1", body.clone()).await.ok()["artifact_id"], answer["artifact_id"], "kept");

    post(&state, "t2", body).await.problem(404, "project_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn layer_opacity_is_applied() {
    let state = TestState::new().await;
    let color = |name: &'static str| format!("color={name}:s=64x64:r=30:d=2");
    let white = state.make("white.mp4", &["-f", "lavfi", "-i", &color("white"), "-c:v", "libx264"]).await;
    let made = timeline(
        &state,
        json!([{"asset_id": white.id, "in_ms": 0, "out_ms": 1_000, "start_ms_on_timeline": 0, "opacity": 0.5}]),
    )
    .await;
    let render = json!({
        "project_id": made.project.id, "start_ms": 0, "end_ms": 200, "render_profile": "social_1_1_h264"
    });
    let answer = post(&state, "t1", render).await.ok();
    let uri = answer["uri"].as_str().unwrap();
    let hash = uri.rsplit('/').next().unwrap();
    let blob = state.media.directory().join("blobs/sha256").join(&hash[..2]).join(hash);
    let gray = crate::support::decode(&blob, &["-frames:v", "1", "-vf", "format=gray", "-f", "rawvideo"]);
    let middle = gray[540 * 1080 + 540];
    assert!((110..140).contains(&middle), "half of white on black: {middle}");
}

#[tokio::test(flavor = "multi_thread")]
async fn clip_beyond_the_end_of_its_source_is_refused() {
    let state = TestState::new().await;
    let video = ["-f", "lavfi", "-i", "testsrc=s=64x36:r=25:d=2", "-c:v", "libx264"];
    let video = state.make("video.mp4", &video).await;
    let clips = json!([
        {"asset_id": video.id, "in_ms": 1_000, "out_ms": 3_000, "start_ms_on_timeline": 0},
        {"asset_id": video.id, "in_ms": 2_500, "out_ms": 3_000, "start_ms_on_timeline": 3_000},
    ]);
    let made = timeline(&state, clips).await;
    let render = async |start_ms: u32, end_ms: u32| {
        let body = json!({
            "project_id": made.project.id, "start_ms": start_ms, "end_ms": end_ms, "dry_run": true,
            "render_profile": "draft_480p_fast"
        });
        post(&state, "t1", body).await
    };
    assert_eq!(render(0, 1_000).await.status, 200);
    for (start_ms, end_ms, clip) in [(500, 1_500, 0), (1_500, 2_000, 0), (2_500, 3_500, 1)] {
        let problem = render(start_ms, end_ms).await.problem(422, "window_outside_source");
        assert_eq!(problem["id"], made.clips[clip].id.as_str(), "{start_ms}: {problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_requests_have_their_error_codes() {
    let state = TestState::new().await;
    let audio = state.make("a.wav", &["-f", "lavfi", "-i", "sine=d=2"]).await;
    let fast = json!([{
        "asset_id": audio.id, "in_ms": 0, "out_ms": 2_000, "start_ms_on_timeline": 0, "speed": 5
    }]);
    let made = timeline(&state, fast).await;
    let request = |more: Value| {
        with_members(json!({"start_ms": 0, "end_ms": 500, "render_profile": "draft_480p_fast"}), more)
    };
    let asset = json!({"asset_id": audio.id});
    let empty = NewProject { title: "P".to_owned(), ..NewProject::default() };
    let empty = state.timeline.create_project(&context("t1"), empty).await.unwrap();
    for (body, status, code) in [
        (request(json!({"project_id": made.project.id, "end_ms": 400})), 422, "unsupported_clip"),
        (request(json!({"project_id": made.project.id, "end_ms": 3_000})), 422, "window_outside_source"),
        (request(json!({"project_id": made.project.id, "sequence_id": "seq_0"})), 404, "sequence_not_found"),
        (request(json!({"project_id": empty.id})), 422, "empty_project"),
        (request(json!({"project_id": "project_0"})), 404, "project_not_found"),
        (request(json!({"asset_id": "asset_0"})), 404, "asset_not_found"),
        (request(json!({})), 422, "invalid_body"),
        (request(json!({"asset_id": audio.id, "project_id": made.project.id})), 422, "invalid_body"),
        (request(json!({"asset_id": audio.id, "end_ms": 0})), 422, "invalid_window"),
        (request(json!({"asset_id": audio.id, "start_ms": 700})), 422, "invalid_window"),
        (request(json!({"asset_id": audio.id, "end_ms": 2_001})), 422, "window_outside_source"),
        (request(json!({"asset_id": audio.id, "render_profile": "8k"})), 422, "unknown_render_profile"),
        (request(json!({"asset_id": audio.id, "speed": 2})), 422, "invalid_body"),
    ] {
        println!("{body}");
        post(&state, "t1", body).await.problem(status, code);
    }
    let mut dry = request(asset);
    dry["dry_run"] = json!(true);
    let answer = post(&state, "t1", dry).await.ok();
    for field in ["asset_id", "artifact_id", "uri"] {
        assert!(answer[field].is_null(), "{answer}");
    }
    let arguments = answer["plan"]["arguments"].as_array().unwrap();
    assert!(arguments.contains(&json!("{source:0}")) && arguments.contains(&json!("{output}")), "{answer}");
    let whole = answer.to_string();
    assert!(!whole.contains("/proc") && !whole.contains("/tmp"), "the plan contains paths: {whole}");
}
