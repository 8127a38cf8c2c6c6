//! The routes of origin maps over HTTP.

use http::Method;
use primitives::Id;
use serde_json::{Value, json};

use crate::support::{ROUTE, TestState, sound};

fn path(artifact: &Id) -> String {
    format!("{ROUTE}/origin-maps/{artifact}")
}

#[tokio::test]
async fn origin_map_is_stored_and_returned() {
    let state = TestState::new().await;
    let film = state.asset(Some(60_000)).await;
    let hit = state.sound(&film, json!({})).await;
    state.api.get(&path(&hit)).await.problem(404, "origin_map_not_found");
    let body = json!({
        "tenant_id": "t1", "env": "dev", "parent_asset_id": film, "source_start_ms": 10_000.5,
        "source_end_ms": 60_000, "clip_offsets": [{"offset_ms": 500, "duration_ms": 0.25}],
    });
    let put = state.api.put(&path(&hit), &body).await.ok();
    assert_eq!(put["audio_artifact_id"], json!(hit));
    assert_eq!(put["source_start_ms"], 10_000.5);
    assert_eq!(put["created_at"], "2026-01-02T03:04:05Z");
    assert_eq!(state.api.put(&path(&hit), &body).await.ok(), put, "again is the same");

    let got = state.api.get(&path(&hit)).await.ok();
    assert_eq!(got["chain"], json!([hit]));
    assert_eq!(got["clip_offsets"][0], json!({"offset_ms": 500, "duration_ms": 0.25}));
    let whole = json!({"parent_asset_id": film, "source_start_ms": 0, "source_end_ms": 1});
    let put = state.api.put(&path(&hit), &whole).await.ok();
    assert_eq!(put["clip_offsets"], Value::Null);
    state.api.tenant("t2").get(&path(&hit)).await.problem(404, "origin_map_not_found");
}

#[tokio::test]
async fn origin_of_a_derived_artifact_follows_the_chain() {
    let state = TestState::new().await;
    let film = state.asset(None).await;
    let hit = state.hit(&film, 1_000, 2_000).await;
    let conn = &mut *state.conn().await;
    let norm = sound(conn, &film, &[&hit], json!({"upstream_window_ms": [250, 750]})).await;
    let got = state.api.get(&path(&norm)).await.ok();
    let expected = json!({
        "audio_artifact_id": norm, "parent_asset_id": film, "source_start_ms": 1_250, "source_end_ms": 1_750,
        "clip_offsets": null, "created_at": "1970-01-01T00:01:00Z", "meta": {}, "chain": [norm, hit],
    });
    assert_eq!(got, expected);
    let bad = sound(conn, &film, &[&hit], json!({"upstream_window_ms": "all"})).await;
    let problem = state.api.get(&path(&bad)).await.problem(422, "upstream_window_invalid");
    assert_eq!(problem["ids"], json!([bad]));
}

#[tokio::test]
async fn origin_map_window_must_be_inside_the_recording() {
    let state = TestState::new().await;
    let film = state.asset(Some(60_000)).await;
    let hit = state.sound(&film, json!({})).await;
    let put = async |start: f64, end: f64| {
        let body = json!({"parent_asset_id": film, "source_start_ms": start, "source_end_ms": end});
        let problem = state.api.put(&path(&hit), &body).await.problem(422, "invalid_body");
        problem["errors"][0]["pointer"].as_str().unwrap().to_owned()
    };
    assert_eq!(put(5.0, 5.0).await, "/source_end_ms");
    assert_eq!(put(5.0, 4.0).await, "/source_end_ms");
    assert_eq!(put(-1.0, 4.0).await, "/source_start_ms");
    assert_eq!(put(0.0, 60_000.001).await, "/source_end_ms", "beyond the recording");
    for body in ["{\"source_start_ms\": NaN}", "{}"] {
        let refused = state.api.send_json(Method::PUT, &path(&hit), body).await;
        assert!((400..500).contains(&refused.status), "{refused:?}");
    }
    state.api.get(&path(&hit)).await.problem(404, "origin_map_not_found");
}

#[tokio::test]
async fn origin_map_rejects_unknown_and_foreign_ids() {
    let state = TestState::new().await;
    let film = state.asset(None).await;
    let hit = state.sound(&film, json!({})).await;
    let body = |asset: &str| json!({"parent_asset_id": asset, "source_start_ms": 0, "source_end_ms": 1});
    let unknown: Id = "unknown".parse().unwrap();
    let problem = state.api.put(&path(&unknown), &body("nowhere")).await.problem(404, "artifact_not_found");
    assert_eq!(problem["ids"], json!(["unknown", "nowhere"]));
    let problem = state.api.put(&path(&hit), &body("nowhere")).await.problem(404, "asset_not_found");
    assert_eq!(problem["ids"], json!(["nowhere"]));
    let foreign = state.api.tenant("t2").put(&path(&hit), &body(film.as_str())).await;
    assert_eq!(foreign.problem(404, "artifact_not_found")["ids"], json!([hit, film]));
}

#[tokio::test]
async fn origin_maps_of_a_recording_are_listed() {
    let state = TestState::new().await;
    let film = state.asset(None).await;
    // Maps may overlap.
    let hits = [state.hit(&film, 0, 1_000).await, state.hit(&film, 500, 1_500).await];
    let list = format!("{ROUTE}/origin-maps?parent_asset_id={film}");
    let first = state.api.get(&format!("{list}&limit=1")).await.ok();
    assert_eq!(first["items"][0]["audio_artifact_id"], json!(hits[1]));
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = state.api.get(&format!("{list}&limit=1&cursor={cursor}")).await.ok();
    assert_eq!(second["items"][0]["audio_artifact_id"], json!(hits[0]));
    assert_eq!(second["next_cursor"], Value::Null);
    state
        .api
        .get(&format!("{ROUTE}/origin-maps?parent_asset_id=nowhere"))
        .await
        .problem(404, "asset_not_found");
    state.api.get(&format!("{ROUTE}/origin-maps")).await.problem(422, "invalid_query");
    state.api.get(&format!("{list}&limit=0")).await.problem(422, "invalid_query");
    state.api.tenant("t2").get(&list).await.problem(404, "asset_not_found");
}
