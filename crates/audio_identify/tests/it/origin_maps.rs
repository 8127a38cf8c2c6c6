//! Matches that become origin maps.

use serde_json::json;

use crate::music::{at_speed, piece};
use crate::support::{IDENTIFY, TestState};

#[tokio::test]
async fn match_of_a_hit_becomes_its_origin_map_but_replaces_no_other() {
    let state = TestState::new().await;
    let samples = piece(11, 20);
    let film = state.upload(&samples).await;
    state.index().await;
    // A hit that was cut elsewhere, and registered with another recording.
    let other = state.upload(&piece(12, 2)).await;
    let hit = state.hit(&other, &samples[64_000..112_000]).await;
    let request = json!({"artifact_id": hit, "register": true});
    let path = format!("/audio/to-video-origin/origin-maps/{hit}");
    state.api.get(&path).await.problem(404, "origin_map_not_found");
    let found = state.api.post(IDENTIFY, &request).await.ok();
    let map = &found["origin_map"];
    assert_eq!(map["parent_asset_id"], json!(film.id), "{found}");
    assert!((map["source_start_ms"].as_f64().unwrap() - 4_000.0).abs() < 0.1, "{found}");
    assert!((map["source_end_ms"].as_f64().unwrap() - 7_000.0).abs() < 0.1, "{found}");
    assert_eq!(map["meta"], json!({"found_by": audio_identify::VERSION}));
    let stored = state.api.get(&path).await.ok();
    assert_eq!((&stored["meta"], &stored["source_start_ms"]), (&map["meta"], &map["source_start_ms"]));
    // A found map is replaced by a found one, a caller's map is not.
    assert!(state.api.post(IDENTIFY, &request).await.ok()["origin_map"].is_object());
    let own = json!({"parent_asset_id": film.id, "source_start_ms": 1, "source_end_ms": 2});
    assert_eq!(state.api.put(&path, &own).await.ok()["meta"], json!({}));
    let found = state.api.post(IDENTIFY, &request).await.ok();
    assert_eq!((&found["origin_map"], &found["not_registered"]), (&json!(null), &json!("already_mapped")));
    assert_eq!(state.api.get(&path).await.ok()["source_start_ms"], 1);
}

#[tokio::test]
async fn what_an_origin_map_cannot_express_is_not_registered() {
    let state = TestState::new().await;
    let samples = piece(13, 20);
    let film = state.upload(&samples).await;
    state.index().await;
    let slow = state.hit(&film, &at_speed(&samples[64_000..144_000], 0.95)).await;
    let unrelated = state.hit(&film, &piece(14, 3)).await;
    let mostly_other = state.hit(&film, &[piece(15, 6), samples[64_000..112_000].to_vec()].concat()).await;
    for (hit, reason) in [(slow, "speed_changed"), (unrelated, "no_match"), (mostly_other, "partial")] {
        let found = state.api.post(IDENTIFY, &json!({"artifact_id": hit, "register": true})).await.ok();
        assert_eq!(
            (&found["origin_map"], &found["not_registered"]),
            (&json!(null), &json!(reason)),
            "{found}"
        );
    }
    let asset = json!({"asset_id": film.id, "register": true});
    let problem = state.api.post(IDENTIFY, &asset).await.problem(422, "invalid_body");
    assert_eq!(problem["errors"][0]["pointer"], "/register");
}
