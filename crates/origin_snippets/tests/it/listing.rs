//! Tests of the listing of an artifact's snippets.

use serde_json::{Value, json};
use test_kit::window_ms;

use crate::support::TestState;

#[tokio::test]
async fn listing_repeats_the_response_of_a_batch() {
    let state = TestState::new().await;
    let hit = state.hit_at("t1", window_ms(1_000, 1_200)).await;
    let item = json!({"audio_artifact_id": hit, "padding_ms": 0.25});
    let mut expected = state.batch(&json!({"items": [item]})).await.ok();
    let listed = state.for_audio("t1", hit.as_str()).await.ok();
    let place = json!({"mode": "timeline_only", "project_id": expected["project_id"],
        "sequence_id": expected["sequence_id"], "track_id": expected["meta"]["track_id"]});
    let meta = expected["snippets"][0]["meta"].as_object_mut().unwrap();
    meta.extend(place.as_object().unwrap().clone());
    assert_eq!(listed, expected);
}

#[tokio::test]
async fn listing_pages_batches_newest_first() {
    let state = TestState::new().await;
    let film = state.asset("t1", Some(60_000)).await;
    let hit = state.hit(&film, Some(window_ms(1_000, 1_200)), &[]).await;
    let other = state.hit(&film, Some(window_ms(1_000, 1_200)), &[]).await;
    let mut made = Vec::new();
    for _ in 0..3 {
        let items = json!([{"audio_artifact_id": hit}, {"audio_artifact_id": other}]);
        made.push(state.batch(&json!({"items": items})).await.ok()["snippets"][0]["video_clip_id"].clone());
        state.later();
    }
    made.reverse();
    let mut listed: Vec<Value> = Vec::new();
    let mut path = format!("{hit}?limit=2");
    loop {
        let page = state.for_audio("t1", &path).await.ok();
        listed.extend(page["snippets"].as_array().unwrap().iter().map(|s| s["video_clip_id"].clone()));
        assert_eq!(page["meta"]["mode"], "timeline_only");
        match page["meta"]["next_cursor"].as_str() {
            Some(cursor) => path = format!("{hit}?limit=2&cursor={cursor}"),
            None => break,
        }
        assert_eq!(page["project_id"], Value::Null, "more than one");
    }
    assert_eq!(listed, made);
    state.for_audio("t1", &format!("{hit}?limit=0")).await.problem(422, "invalid_query");
}

#[tokio::test]
async fn unknown_and_foreign_audio_artifacts_are_the_same_404() {
    let state = TestState::new().await;
    let hit = state.hit_at("t1", window_ms(1_000, 1_200)).await;
    let none = state.for_audio("t1", hit.as_str()).await.ok();
    assert_eq!(
        none,
        json!({"snippets": [], "project_id": null, "sequence_id": null, "meta": {"mode": null, "track_id": null, "next_cursor": null}})
    );
    state.batch(&json!({"items": [{"audio_artifact_id": hit}]})).await.ok();
    state.for_audio("t2", hit.as_str()).await.problem(404, "artifact_not_found");
    state.for_audio("t1", "unknown").await.problem(404, "artifact_not_found");
}
