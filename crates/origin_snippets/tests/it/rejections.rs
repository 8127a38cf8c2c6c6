//! A rejected batch leaves no rows.

use std::sync::Arc;

use serde_json::{Value, json};
use test_kit::window_ms;
use video_timeline::{HttpTimeline, HttpTimelineConfig};

use crate::support::TestState;

fn pointers(problem: &Value) -> Vec<&str> {
    problem["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect()
}

fn ids(problem: &Value) -> Vec<&str> {
    let mut ids: Vec<&str> =
        problem["ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn batch_reports_all_fields_out_of_range() {
    let state = TestState::new().await;
    let items = json!([
        {"audio_artifact_id": "a", "padding_ms": -1}, {"audio_artifact_id": "a"},
        {"audio_artifact_id": "a", "padding_ms": 2_592_000_001_i64, "max_duration_ms": -0.001},
    ]);
    let wrong = state.batch(&json!({"items": items})).await.problem(422, "invalid_body");
    let expected = ["/items/0/padding_ms", "/items/2/padding_ms", "/items/2/max_duration_ms"];
    assert_eq!(pointers(&wrong), expected);

    let many = vec![json!({"audio_artifact_id": "a"}); 10_001];
    let many = state.batch(&json!({"items": many})).await.problem(422, "invalid_body");
    assert_eq!(pointers(&many), ["/items"]);

    for body in [
        json!({}),
        json!({"items": [{"audio_artifact_id": "a|b"}]}),
        json!({"items": [{"audio_artifact_id": "a", "padding": 1}]}),
        json!({"items": [], "mode": "both"}),
        json!({"items": [], "profile": "x"}),
    ] {
        state.batch(&body).await.problem(422, "invalid_body");
    }
    let profile = json!({"items": [{"audio_artifact_id": "a"}], "render_profile": "vhs"});
    let profile = state.batch(&profile).await.problem(422, "unknown_render_profile");
    assert_eq!(pointers(&profile), ["/render_profile"]);
    state.assert_untouched().await;
}

#[tokio::test]
async fn unknown_and_foreign_artifacts_are_the_same_404() {
    let state = TestState::new().await;
    let mine = state.hit_at("t1", window_ms(0, 100)).await;
    let theirs = state.hit_at("t2", window_ms(0, 100)).await;
    let items: Vec<Value> = [mine.as_str(), theirs.as_str(), "unknown", "unknown"]
        .map(|id| json!({"audio_artifact_id": id}))
        .into();
    let missing = state.batch(&json!({"items": items})).await.problem(404, "artifact_not_found");
    let mut expected = [theirs.as_str(), "unknown"];
    expected.sort_unstable();
    assert_eq!(ids(&missing), expected);
    state.assert_untouched().await;
}

#[tokio::test]
async fn batch_reports_all_missing_origins() {
    let state = TestState::new().await;
    let film = state.asset("t1", Some(5_000)).await;
    let good = state.hit(&film, Some(window_ms(0, 100)), &[]).await;
    let (lost, found_out) = (state.hit(&film, None, &[]).await, state.hit(&film, None, &[]).await);
    let items: Vec<Value> = [&good, &lost, &found_out].map(|id| json!({"audio_artifact_id": id})).into();
    let missing = state.batch(&json!({"items": items})).await.problem(422, "origin_missing");
    let mut expected = [lost.as_str(), found_out.as_str()];
    expected.sort_unstable();
    assert_eq!(ids(&missing), expected);

    let malformed = state.hit_with_meta(&film, json!({"source_asset_id": 7})).await;
    let items = json!([{"audio_artifact_id": good}, {"audio_artifact_id": malformed}]);
    let invalid = state.batch(&json!({"items": items})).await.problem(422, "origin_invalid");
    assert_eq!(ids(&invalid), [malformed.as_str()]);

    state.assert_untouched().await;
}

/// An unknown project and another owner's project are both 404.
#[tokio::test]
async fn batch_rejects_unknown_and_foreign_projects() {
    let state = TestState::new().await;
    let hit = state.hit_at("t1", window_ms(0, 100)).await;
    let theirs = state.project("t2").await;
    let to = |project: &str| json!({"items": [{"audio_artifact_id": hit}], "attach_to_project_id": project});
    state.batch(&to("project_none")).await.problem(404, "project_not_found");
    state.batch(&to(theirs.id.as_str())).await.problem(404, "project_not_found");
    // Neither batch has a clip to put into it.
    for items in [json!([]), json!([{"audio_artifact_id": hit, "max_duration_ms": 0}])] {
        let none = json!({"items": items, "attach_to_project_id": theirs.id});
        state.batch(&none).await.problem(404, "project_not_found");
    }
    let mismatch = json!({"tenant_id": "t2", "items": []});
    state.batch(&mismatch).await.problem(403, "context_mismatch");
    state.assert_untouched().await;
}

#[tokio::test]
async fn missing_ffmpeg_disables_only_rendered_snippets() {
    let state = TestState::new().await;
    let hit = state.hit_at("t1", window_ms(0, 100)).await;
    let mut request = json!({"items": [{"audio_artifact_id": hit}], "mode": "render_clips"});
    state.batch(&request).await.problem(503, "renderer_unavailable");
    state.assert_untouched().await;
    request["mode"] = json!("timeline_only");
    state.batch(&request).await.ok();
}

#[tokio::test]
async fn unreachable_timeline_leaves_no_rows() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{closed}").parse().unwrap();
    let state =
        TestState::with_timeline(|_| Arc::new(HttpTimeline::new(HttpTimelineConfig::new(url)).unwrap()))
            .await;
    let hit = state.hit_at("t1", window_ms(0, 100)).await;
    let request = json!({"items": [{"audio_artifact_id": hit}]});
    state.batch(&request).await.problem(502, "timeline_unavailable");
    state.assert_untouched().await;
    let listed = state.for_audio("t1", hit.as_str()).await.ok();
    assert_eq!(listed["snippets"], json!([]));
}
