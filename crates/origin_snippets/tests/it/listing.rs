//! Tests of the listing of an artifact's snippets.

use serde_json::{Value, json};

use crate::support::{World, ok, problem, window};

#[tokio::test]
async fn listing_repeats_the_response_of_a_batch() {
    let world = World::new().await;
    let hit = world.hit_at("t1", window(1_000, 1_200)).await;
    let item = json!({"audio_artifact_id": hit, "padding_ms": 0.25});
    let mut expected = ok(world.batch(&json!({"items": [item]})).await);
    let listed = ok(world.for_audio("t1", hit.as_str()).await);
    let place = json!({"mode": "timeline_only", "project_id": expected["project_id"],
        "sequence_id": expected["sequence_id"], "track_id": expected["meta"]["track_id"]});
    let meta = expected["snippets"][0]["meta"].as_object_mut().unwrap();
    meta.extend(place.as_object().unwrap().clone());
    assert_eq!(listed, expected);
}

#[tokio::test]
async fn listing_pages_batches_newest_first() {
    let world = World::new().await;
    let film = world.asset("t1", Some(60_000)).await;
    let hit = world.hit("t1", &film, Some(window(1_000, 1_200)), &[]).await;
    let other = world.hit("t1", &film, Some(window(1_000, 1_200)), &[]).await;
    let mut made = Vec::new();
    for _ in 0..3 {
        let items = json!([{"audio_artifact_id": hit}, {"audio_artifact_id": other}]);
        made.push(ok(world.batch(&json!({"items": items})).await)["snippets"][0]["video_clip_id"].clone());
        world.later();
    }
    made.reverse();
    let mut listed: Vec<Value> = Vec::new();
    let mut path = format!("{hit}?limit=2");
    loop {
        let page = ok(world.for_audio("t1", &path).await);
        listed.extend(page["snippets"].as_array().unwrap().iter().map(|s| s["video_clip_id"].clone()));
        assert_eq!(page["meta"]["mode"], "timeline_only");
        match page["meta"]["next_cursor"].as_str() {
            Some(cursor) => path = format!("{hit}?limit=2&cursor={cursor}"),
            None => break,
        }
        assert_eq!(page["project_id"], Value::Null, "more than one");
    }
    assert_eq!(listed, made);
    problem(world.for_audio("t1", &format!("{hit}?limit=0")).await, 422, "invalid_query");
}

#[tokio::test]
async fn unknown_and_foreign_audio_artifacts_are_the_same_404() {
    let world = World::new().await;
    let hit = world.hit_at("t1", window(1_000, 1_200)).await;
    let none = ok(world.for_audio("t1", hit.as_str()).await);
    assert_eq!(
        none,
        json!({"snippets": [], "project_id": null, "sequence_id": null, "meta": {"mode": null, "track_id": null, "next_cursor": null}})
    );
    ok(world.batch(&json!({"items": [{"audio_artifact_id": hit}]})).await);
    problem(world.for_audio("t2", hit.as_str()).await, 404, "artifact_not_found");
    problem(world.for_audio("t1", "unknown").await, 404, "artifact_not_found");
}
