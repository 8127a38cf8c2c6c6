//! Requests and their responses.

use serde_json::json;

use crate::support::TestState;

#[tokio::test]
async fn templates_are_listed_in_full() {
    let state = TestState::new().await;
    let listed = state.api.get("/audio/patterns/templates").await.ok();
    let every_step: Vec<u32> = (0..16).collect();
    assert_eq!(
        listed,
        json!({"next_cursor": null, "items": [
            {"template_id": "four_on_the_floor", "bpm": 124.0, "swing_pct": 0.0, "parts": [
                {"role": "kick", "steps": [0, 4, 8, 12], "velocity": 1.0},
                {"role": "snare", "steps": [4, 12], "velocity": 0.9},
                {"role": "hat", "steps": [2, 6, 10, 14], "velocity": 0.7}]},
            {"template_id": "boom_bap_90", "bpm": 90.0, "swing_pct": 25.0, "parts": [
                {"role": "kick", "steps": [0, 2, 7, 10], "velocity": 1.0},
                {"role": "snare", "steps": [4, 12], "velocity": 1.0},
                {"role": "hat", "steps": every_step, "velocity": 0.6}]},
            {"template_id": "trap_140", "bpm": 140.0, "swing_pct": 0.0, "parts": [
                {"role": "kick", "steps": [0, 8], "velocity": 1.0},
                {"role": "snare", "steps": [8], "velocity": 1.0},
                {"role": "hat", "steps": every_step, "velocity": 0.8}]},
        ]})
    );
}

#[tokio::test]
async fn a_pattern_has_the_documented_fields() {
    let state = TestState::new().await;
    let kick = state.sample("t1").await;
    let request =
        json!({"tenant_id": "t1", "env": "dev", "template_id": "trap_140", "sample_map": {"kick": kick}});
    let pattern = state.api.post("/audio/patterns", &request).await.ok();
    let id = pattern["pattern_id"].as_str().unwrap();
    assert!(id.starts_with("pattern_") && id.len() == 72, "{id}");
    let clip = |start_ms| {
        json!({"artifact_id": kick, "start_ms": start_ms, "duration_ms": 500, "source_offset_ms": 0,
            "gain_db": 0.0, "label": "kick"})
    };
    assert_eq!(
        pattern,
        json!({
            "pattern_id": id, "bpm": 140.0, "swing_pct": 0.0,
            "clips": [clip(json!(0)), clip(json!(857.143))],
            "meta": {
                "template_id": "trap_140", "backend_version": "audio_pattern_engine_v1", "bpm": 140.0,
                "swing_pct": 0.0, "bars": 1, "seed": null, "steps_per_bar": 16, "length_ms": 1_714.286,
                "silent_roles": ["snare", "hat"],
            },
        })
    );
    assert_eq!(state.api.get(&format!("/audio/patterns/{id}")).await.ok(), pattern);
}

#[tokio::test]
async fn invalid_requests_have_distinct_codes() {
    let state = TestState::new().await;
    let kick = state.sample("t1").await;
    let send = |body| {
        let state = &state;
        async move { state.api.post("/audio/patterns", &body).await }
    };
    let unknown = send(json!({"template_id": "polka", "sample_map": {"kick": kick}})).await;
    let unknown = unknown.problem(422, "unknown_template");
    assert_eq!(unknown["errors"][0]["pointer"], "/template_id");
    assert!(unknown["detail"].as_str().unwrap().contains("four_on_the_floor, boom_bap_90, trap_140"));

    let invalid = json!({"template_id": "trap_140", "sample_map": {"cowbell": kick}, "bpm": 10_000,
        "swing_pct": -1, "bars": 0});
    assert_eq!(send(invalid).await.invalid(), ["/bpm", "/swing_pct", "/bars", "/sample_map/cowbell"]);

    for (field, value) in
        [("bpm", json!("fast")), ("bars", json!(1.5)), ("seed", json!("x")), ("beat", json!(1))]
    {
        let mut request = json!({"template_id": "trap_140", "sample_map": {}});
        request[field] = value;
        send(request).await.problem(422, "invalid_body");
    }
    let mismatch = json!({"tenant_id": "t2", "template_id": "trap_140", "sample_map": {}});
    send(mismatch).await.problem(403, "context_mismatch");
}

#[tokio::test]
async fn missing_and_foreign_samples_are_listed_in_one_404() {
    let state = TestState::new().await;
    let (mine, theirs) = (state.sample("t1").await, state.sample("t2").await);
    let samples = json!({"kick": mine, "snare": theirs, "hat": "unknown_id"});
    let request = json!({"template_id": "trap_140", "sample_map": samples});
    let missing = state.api.post("/audio/patterns", &request).await.problem(404, "artifact_not_found");
    let mut ids: Vec<&str> =
        missing["ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    ids.sort_unstable();
    let mut expected = [theirs.as_str(), "unknown_id"];
    expected.sort_unstable();
    assert_eq!(ids, expected);
}
