//! Rejected requests and their error responses.

use http::Method;
use serde_json::{Value, json};
use test_kit::window_ms;

use crate::support::{ROUTE, TestState, clip, map, sequence};

#[tokio::test]
async fn all_missing_ids_are_reported_at_once() {
    let state = TestState::new().await;
    let film = state.asset(None).await;
    let astray = state.sound(&film, json!({"source_asset_id": "gone"})).await;
    let unknown = |id: &str| clip(&id.parse().unwrap(), 0, 1, 0);
    let nowhere = json!({"asset_id": "nowhere", "start_ms": 0, "duration_ms": 1});
    let clips = json!([unknown("b"), clip(&astray, 0, 1, 0), unknown("a"), nowhere, unknown("b")]);
    let problem = state.ask(&sequence(clips)).await.problem(404, "artifact_not_found");
    assert_eq!(problem["artifact_ids"], json!(["b", "a"]));
    assert_eq!(problem["asset_ids"], json!(["gone", "nowhere"]));
    assert_eq!(problem["ids"], json!(["b", "a", "gone", "nowhere"]));
    let problem = state.ask(&sequence(json!([clip(&astray, 0, 1, 0)]))).await.problem(404, "asset_not_found");
    assert_eq!(problem["ids"], json!(["gone"]));
}

#[tokio::test]
async fn foreign_artifact_is_unknown() {
    let state = TestState::new().await;
    let film = state.asset(None).await;
    let hit = state.hit(&film, 0, 9).await;
    let ask = async |tenant: &str, id: &str| {
        let body = sequence(json!([clip(&id.parse().unwrap(), 0, 1, 0)]));
        let mut problem =
            state.api.tenant(tenant).post(ROUTE, &body).await.problem(404, "artifact_not_found");
        problem["request_id"] = Value::Null;
        problem.to_string().replace(id, "ID")
    };
    assert_eq!(ask("t2", hit.as_str()).await, ask("t1", "unknown").await);
}

#[tokio::test]
async fn origin_map_is_required_in_patterns_and_strict_requests() {
    let state = TestState::new().await;
    let film = state.asset(None).await;
    let (plain, bare) = (state.sound(&film, json!({})).await, state.sound(&film, json!({})).await);
    let named = state.sound(&film, json!({"source_start_ms": 5})).await;
    let hit = state.hit(&film, 0, 9).await;
    let clips: Vec<Value> = [&plain, &named, &hit, &bare].map(|id| clip(id, 0, 1, 0)).into();
    let mut strict = sequence(clips.clone().into());
    strict["strict"] = json!(true);
    let pattern = json!({"pattern": {"pattern_id": "p", "bpm": 90, "clips": clips}});
    for request in [strict, pattern] {
        let problem = state.ask(&request).await.problem(422, "origin_map_missing");
        assert_eq!(problem["ids"], json!([plain, bare]));
    }
    state.shots(json!([clip(&plain, 0, 1, 0)])).await;
}

#[tokio::test]
async fn invalid_source_in_meta_is_reported() {
    let state = TestState::new().await;
    let film = state.asset(None).await;
    let mut bad = Vec::new();
    for meta in [
        json!({"source_asset_id": 7}),
        json!({"source_asset_id": "a|b"}),
        json!({"source_start_ms": -1}),
        json!({"source_start_ms": "soon"}),
        json!({"source_start_ms": 1e300}),
    ] {
        bad.push(state.sound(&film, meta).await);
    }
    let clips = bad.iter().map(|id| clip(id, 0, 1, 0)).collect();
    let problem = state.ask(&sequence(clips)).await.problem(422, "origin_invalid");
    assert_eq!(problem["ids"], json!(bad));
}

#[tokio::test]
async fn invalid_clip_fields_have_pointers() {
    let state = TestState::new().await;
    let clips = json!([
        {"artifact_id": "a", "asset_id": "b", "start_ms": 0, "duration_ms": 1},
        {"start_ms": 0, "duration_ms": 1},
        {"asset_id": "b", "start_ms": -1, "duration_ms": 0, "source_offset_ms": -1},
    ]);
    let reply = state.ask(&sequence(clips)).await;
    let at = |field: &str| format!("/sequence/tracks/0/clips/{field}");
    assert_eq!(reply.invalid(), ["0", "1", "2/start_ms", "2/duration_ms", "2/source_offset_ms"].map(at));

    let text = r#"{"sequence": {"tracks": [{"name": "a", "clips": [{"asset_id": "b", "start_ms": NaN}]}]}}"#;
    let reply = state.api.send_json(Method::POST, ROUTE, text).await;
    reply.problem(400, "malformed_json");
    assert_eq!(
        state.api.send_json(Method::POST, ROUTE, text.replace("NaN", "1e999")).await.invalid(),
        ["/sequence/tracks/0/clips/0/start_ms"]
    );
    let pattern =
        json!({"pattern": {"pattern_id": "p", "bpm": 90, "clips": [{"artifact_id": "a", "start_ms": true}]}});
    assert_eq!(state.ask(&pattern).await.invalid(), ["/pattern/clips/0/start_ms"]);
}

#[tokio::test]
async fn tempo_is_validated() {
    let state = TestState::new().await;
    for bpm in [json!(0), json!(-120), json!(1e300)] {
        let sequence = json!({"sequence": {"bpm": bpm, "tracks": []}});
        let reply = state.ask(&sequence).await;
        assert_eq!(reply.invalid(), ["/sequence/bpm"], "{bpm}");
        assert!(reply.json()["detail"].as_str().unwrap().len() < 200, "{}", reply.text());
        let pattern = json!({"pattern": {"pattern_id": "p", "bpm": bpm, "clips": []}});
        assert_eq!(state.ask(&pattern).await.invalid(), ["/pattern/bpm"], "{bpm}");
    }
}

#[tokio::test]
async fn offset_beyond_the_recording_is_rejected() {
    let state = TestState::new().await;
    let film = state.asset(Some(10_000)).await;
    let hit = state.hit(&film, 9_000, 9_500).await;
    let fine = [clip(&hit, 0, 100, 0), clip(&hit, 0, 500, 999)];
    state.shots(json!(fine)).await;
    let far = json!({"asset_id": film, "start_ms": 0, "duration_ms": 1, "source_offset_ms": 20_000});
    let tracks = json!([
        {"name": "a", "clips": [fine[0], far]}, {"name": "none", "clips": []},
        {"name": "b", "clips": [fine[1], clip(&hit, 0, 1, 1_000)]},
    ]);
    let reply = state.ask(&json!({"sequence": {"tracks": tracks}})).await;
    let at = |place: &str| format!("/sequence/tracks/{place}/source_offset_ms");
    assert_eq!(reply.invalid(), [at("0/clips/1"), at("2/clips/1")]);
    let pattern = json!({"pattern": {"pattern_id": "p", "bpm": 90, "clips": [clip(&hit, 0, 1, 0), clip(&hit, 0, 1, 5_000)]}});
    assert_eq!(state.ask(&pattern).await.invalid(), ["/pattern/clips/1/source_offset_ms"]);
}

#[tokio::test]
async fn null_is_absent() {
    let state = TestState::new().await;
    let film = state.asset(None).await;
    let clip = json!({
        "asset_id": film, "artifact_id": null, "start_ms": 0, "duration_ms": 10, "source_offset_ms": null, "label": null
    });
    let request = json!({
        "tenant_id": null, "env": null, "user_id": null, "pattern": null, "pattern_id": null, "alignment": null,
        "seed": null, "strict": null, "require_semantics": null,
        "sequence": {"id": null, "bpm": null, "tracks": [{"name": "a", "role": null, "meta": null, "clips": [clip]}]},
    });
    let list = state.ask(&request).await.ok();
    assert_eq!(list["meta"]["alignment"], "first_speech");
}

#[tokio::test]
async fn request_names_exactly_one_of_sequence_and_pattern() {
    let state = TestState::new().await;
    let mut both = sequence(json!([]));
    both["pattern_id"] = json!("p");
    for request in [json!({}), both, json!({"pattern": "p", "pattern_id": "p"})] {
        assert_eq!(state.ask(&request).await.invalid(), ["/sequence"]);
    }
    let mut other = sequence(json!([]));
    other["tenant_id"] = json!("t2");
    state.ask(&other).await.problem(403, "context_mismatch");
}

#[tokio::test]
async fn upstream_window_outside_the_upstream_is_rejected() {
    let state = TestState::new().await;
    let film = state.asset(None).await;
    let hit = state.hit(&film, 0, 9).await;
    let conn = &mut *state.conn().await;
    let cut = crate::support::sound(conn, &film, &[&hit], json!({"upstream_window_ms": [4, 99_999]})).await;
    let request = sequence(json!([clip(&cut, 0, 1, 0)]));
    let problem = state.ask(&request).await.problem(422, "upstream_window_invalid");
    assert_eq!(problem["ids"], json!([cut]));
    let own = map(&cut, &film, window_ms(1, 2));
    let now = crate::support::at(2);
    audio_to_video_origin::store::put_origin_map(conn, &test_kit::scope("t1"), now, &own).await.unwrap();
    state.ask(&request).await.ok();
}
