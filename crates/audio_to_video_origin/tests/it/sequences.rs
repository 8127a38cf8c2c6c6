//! Shot lists of sequences and patterns: sources, order, and one artifact per list.

use audio_pattern_engine::{PatternEngine, PatternRequest};
use audio_to_video_origin::store::find_shot_lists_using;
use primitives::Id;
use serde_json::{Value, json};
use test_kit::{scope, window_ms};

use crate::support::{ROUTE, TestState, clip, sequence, sound, times};

#[tokio::test]
async fn shot_shows_the_origin_of_its_clip() {
    let state = TestState::new().await;
    let film = state.asset(Some(60_000)).await;
    let hit = state.hit(&film, 10_000, 10_500).await;
    let mut request = sequence(json!([clip(&hit, 250, 200, 50)]));
    request["sequence"]["id"] = json!("song");
    request["sequence"]["tracks"][0]["role"] = json!("lead");
    request["sequence"]["tracks"][0]["clips"][0]["label"] = json!("one");
    request["seed"] = json!(7);
    let list = state.ask(&request).await.ok();
    let shot = &list["shots"][0];
    assert_eq!(shot["source_asset_id"], json!(film));
    assert_eq!(times(&list), [[10_050.0, 10_250.0, 250.0]]);
    assert_eq!(shot["target_duration_ms"], 200);
    let meta = &shot["meta"];
    let fields = ["track", "role", "label", "audio_artifact_id", "semantic_offset_ms", "offset_clamped"];
    let expected = [json!("voice"), json!("lead"), json!("one"), json!(hit), json!(0), json!(false)];
    assert_eq!(fields.map(|name| meta[name].clone()), expected);
    for name in ["semantic_version", "semantic_cache_key", "semantic_backend_type", "clip_offsets"] {
        assert_eq!(meta.get(name), Some(&Value::Null), "{name}");
    }
    assert_eq!((&meta["source_offset_ms"], meta.get("gain_db")), (&json!(50), None));
    assert_eq!(meta["backend_version"], "test", "the artifact's own meta");

    let meta = &list["meta"];
    assert_eq!((&meta["count"], &meta["seed"]), (&json!(1), &json!(7)));
    assert_eq!((&meta["sequence_id"], &meta["pattern_id"]), (&json!("song"), &Value::Null));
    assert_eq!(meta["backend_version"], audio_to_video_origin::BACKEND_VERSION);
    assert_eq!(meta["shot_list_hash"].as_str().unwrap().len(), 64);
}

#[tokio::test]
async fn origin_priority_is_map_then_meta_then_parent() {
    let state = TestState::new().await;
    let (film, other) = (state.asset(None).await, state.asset(None).await);
    let hit = state.hit(&film, 1_000, 2_000).await;
    let conn = &mut *state.conn().await;
    let norm =
        sound(conn, &other, &[&hit], json!({"upstream_window_ms": [100, 200], "source_start_ms": 5})).await;
    let named = sound(conn, &film, &[], json!({"source_asset_id": other, "source_start_ms": 40.5})).await;
    let moved = sound(conn, &film, &[], json!({"source_start_ms": 60, "track": "not this"})).await;
    let plain = state.sound(&film, json!({})).await;
    let whole = json!({"asset_id": other, "start_ms": 5, "duration_ms": 10, "source_offset_ms": 3});
    let clips = [&hit, &norm, &named, &moved, &plain].map(|id| clip(id, 0, 10, 0));
    let list = state.shots(clips.into_iter().chain([whole]).collect()).await;
    let starts: Vec<f64> = times(&list).iter().map(|times| times[0]).collect();
    assert_eq!(starts, [1_000.0, 1_100.0, 40.5, 60.0, 0.0, 3.0]);
    let shots = list["shots"].as_array().unwrap();
    let assets: Vec<&Value> = shots.iter().map(|shot| &shot["source_asset_id"]).collect();
    let (film, other) = (json!(film), json!(other));
    assert_eq!(assets, [&film, &film, &other, &film, &film, &other]);
    assert_eq!(shots[2]["meta"]["source_asset_id"], other, "as the artifact's meta has it");
    assert_eq!(shots[3]["meta"]["track"], "voice", "the shot's own facts go before");
    assert_eq!(shots[5]["meta"]["audio_artifact_id"], Value::Null);
}

#[tokio::test]
async fn shots_are_ordered_by_time_track_and_clip() {
    let state = TestState::new().await;
    let films = [state.asset(None).await, state.asset(None).await];
    let hits = [state.hit(&films[0], 0, 100).await, state.hit(&films[1], 50, 150).await];
    let named = |hit: usize, start: i64, label: &str| {
        let mut clip = clip(&hits[hit], start, 10, 0);
        clip["label"] = json!(label);
        clip
    };
    let tracks = json!([
        {"name": "a", "clips": [named(0, 20, "5"), named(0, 10, "2"), named(1, 0, "1")]},
        {"name": "b", "clips": [named(1, 10, "3"), named(0, 10, "4"), named(1, 30, "6")]},
    ]);
    let list = state.ask(&json!({"sequence": {"tracks": tracks}})).await.ok();
    let shots = list["shots"].as_array().unwrap();
    let labels: Vec<&str> = shots.iter().map(|shot| shot["meta"]["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["1", "2", "3", "4", "5", "6"]);
}

#[tokio::test]
async fn identical_requests_return_the_same_bytes_and_artifact() {
    let state = TestState::new().await;
    let film = state.asset(Some(60_000)).await;
    let hit = state.hit(&film, 10_000, 10_500).await;
    let timeline = state.timeline(&film, None, "signal", &[100], &[]).await;
    let request =
        sequence(json!([clip(&hit, 0, 200, 0), clip(&hit, 100, 200, 0), clip(&hit, 900, 100, 400)]));
    let (first, again) = tokio::join!(state.ask(&request), state.ask(&request));
    let list = first.ok();
    assert_eq!(first.body, again.body, "also when both run at once");
    assert_eq!(first.body, state.ask(&request).await.body);

    let id: Id = serde_json::from_value(list["shot_list_artifact_id"].clone()).unwrap();
    let kept = state.api.get(&format!("{ROUTE}/{id}")).await;
    assert_eq!(kept.body, first.body);
    let conn = &mut *state.conn().await;
    let artifact = media_v2::store::find_artifact(conn, &scope("t1"), &id).await.unwrap().unwrap();
    assert_eq!(artifact.parent_asset_id, film);
    assert_eq!(artifact.upstream_artifact_ids, [hit.clone(), timeline]);
    assert_eq!(artifact.meta["shot_list_hash"], list["meta"]["shot_list_hash"]);
    let all = media_v2::store::latest_artifacts(conn, &scope("t1"), &film, artifact.kind, 9).await.unwrap();
    assert_eq!(all.len(), 1);

    // The list shows 10100–10300 of the film twice, and 10500–10600.
    for (window, used) in [
        (window_ms(0, 10_100), false),
        (window_ms(10_299, 10_300), true),
        (window_ms(10_300, 10_500), false),
        (window_ms(10_599, 99_999), true),
    ] {
        let lists = find_shot_lists_using(conn, &scope("t1"), &film, window, 5).await.unwrap();
        assert_eq!(lists == [id.clone()], used, "{window:?}");
    }
    state.api.tenant("t2").get(&format!("{ROUTE}/{id}")).await.problem(404, "shot_list_not_found");
    state.api.get(&format!("{ROUTE}/{hit}")).await.problem(404, "shot_list_not_found");

    let mut other = request.clone();
    other["seed"] = json!(1);
    let other = state.ask(&other).await.ok();
    assert_ne!(other["shot_list_artifact_id"], list["shot_list_artifact_id"]);
    assert_eq!(other["shots"], list["shots"]);
}

#[tokio::test]
async fn p10_format_is_windows_and_target_times() {
    let state = TestState::new().await;
    let film = state.asset(None).await;
    let hit = state.hit(&film, 10_000, 10_500).await;
    let list = state.shots(json!([clip(&hit, 500, 200, 0)])).await;
    let path = format!("{ROUTE}/{}", list["shot_list_artifact_id"].as_str().unwrap());
    let p10 = state.api.get(&format!("{path}?format=p10")).await.ok();
    let shot = json!({"asset_id": film, "start_ms": 10_000, "end_ms": 10_200, "target_time_on_pattern": 500});
    assert_eq!(p10, json!([shot]));
    assert_eq!(state.api.get(&format!("{path}?format=p10&meta=false")).await.ok(), p10);
    let with_meta = state.api.get(&format!("{path}?format=p10&meta=true")).await.ok();
    assert_eq!(with_meta, json!({"shots": [shot], "meta": list["meta"]}));
    assert_eq!(state.api.get(&format!("{path}?meta=true")).await.ok(), list, "the full form has its meta");
    state.api.get(&format!("{path}?format=edl")).await.problem(422, "invalid_query");
}

#[tokio::test]
async fn overlapping_origin_maps_give_each_shot_its_own_window() {
    let state = TestState::new().await;
    let film = state.asset(Some(60_000)).await;
    // One map within another, two that overlap in part, and one that equals the first.
    let windows = [(10_000, 14_000), (11_000, 12_000), (13_000, 15_000), (10_000, 14_000)];
    let mut hits = Vec::new();
    for (start, end) in windows {
        hits.push(state.hit(&film, start, end).await);
    }
    let clips: Vec<Value> =
        hits.iter().zip([0, 500, 500, 1_500]).map(|(hit, start)| clip(hit, start, 1_000, 250)).collect();
    let mut request = sequence(json!(clips));
    request["alignment"] = json!("none");
    let list = state.ask(&request).await.ok();
    // Source windows overlap, and so do shots on the target; none is merged, moved or cut.
    let expected = [
        [10_250.0, 11_250.0, 0.0],
        [11_250.0, 12_250.0, 500.0],
        [13_250.0, 14_250.0, 500.0],
        [10_250.0, 11_250.0, 1_500.0],
    ];
    assert_eq!(times(&list), expected);
    let shots = list["shots"].as_array().unwrap();
    for (shot, hit) in shots.iter().zip(&hits) {
        assert_eq!(
            (&shot["source_asset_id"], &shot["meta"]["audio_artifact_id"]),
            (&json!(film), &json!(hit))
        );
        assert_eq!(shot["meta"]["offset_clamped"], false);
    }
    // The recording's windows of the list are merged: 10250–12250 and 13250–14250.
    let id: Id = serde_json::from_value(list["shot_list_artifact_id"].clone()).unwrap();
    let conn = &mut *state.conn().await;
    for (window, used) in [
        (window_ms(10_000, 10_250), false),
        (window_ms(12_249, 12_250), true),
        (window_ms(12_250, 13_250), false),
        (window_ms(14_249, 60_000), true),
    ] {
        let lists = find_shot_lists_using(conn, &scope("t1"), &film, window, 5).await.unwrap();
        assert_eq!(lists == [id.clone()], used, "{window:?}");
    }
}

#[tokio::test]
async fn empty_shot_list_has_no_artifact() {
    let state = TestState::new().await;
    for tracks in [json!([]), json!([{"name": "a", "clips": []}])] {
        let list = state.ask(&json!({"sequence": {"tracks": tracks}})).await.ok();
        assert_eq!((&list["shots"], &list["shot_list_artifact_id"]), (&json!([]), &Value::Null));
        assert_eq!(list["meta"]["count"], 0);
    }
}

#[tokio::test]
async fn pattern_is_accepted_complete_or_by_id() {
    let state = TestState::new().await;
    let (film, other) = (state.asset(None).await, state.asset(None).await);
    let kick = state.hit(&film, 1_000, 2_000).await;
    let snare = state.hit(&other, 5_000, 6_000).await;
    let engine = PatternEngine::new(state.media.pool(), state.media.clock.clone());
    let request: PatternRequest = serde_json::from_value(
        json!({"template_id": "boom_bap_90", "sample_map": {"kick": kick, "snare": snare}}),
    )
    .unwrap();
    let pattern = engine.make(&scope("t1"), &request).await.unwrap();
    let pattern = serde_json::to_value(pattern).unwrap();
    let id = &pattern["pattern_id"];

    let whole = state.ask(&json!({"pattern": pattern})).await;
    let list = whole.ok();
    assert_eq!(list["meta"]["pattern_id"], *id);
    let clips = pattern["clips"].as_array().unwrap();
    let shots = list["shots"].as_array().unwrap();
    assert_eq!(shots.len(), clips.len());
    for (shot, clip) in shots.iter().zip(clips) {
        assert_eq!(shot["target_start_ms"], clip["start_ms"], "at the clip's start");
        assert_eq!(shot["target_duration_ms"], clip["duration_ms"]);
        let (asset, start) = if clip["label"] == "kick" { (&film, 1_000) } else { (&other, 5_000) };
        assert_eq!((&shot["source_asset_id"], &shot["source_start_ms"]), (&json!(asset), &json!(start)));
        assert_eq!((&shot["meta"]["role"], &shot["meta"]["track"]), (&clip["label"], &Value::Null));
        let gain_db = clip["gain_db"].as_f64().filter(|gain_db| *gain_db != 0.0);
        assert_eq!(shot["meta"].get("gain_db").and_then(Value::as_f64), gain_db);
    }
    for by_id in [json!({"pattern": id}), json!({"pattern_id": id})] {
        assert_eq!(state.ask(&by_id).await.body, whole.body);
    }
    state.ask(&json!({"pattern_id": "pattern_none"})).await.problem(404, "pattern_not_found");

    // A different pattern with the same id conflicts; a gain change does not, and is in the shot's meta only.
    let mut quieter = pattern.clone();
    quieter["clips"][0]["gain_db"] = json!(-1.25);
    let quieter = state.ask(&json!({"pattern": quieter})).await.ok();
    assert_eq!(times(&quieter), times(&list));
    let gains = quieter["shots"].as_array().unwrap().iter().map(|shot| &shot["meta"]["gain_db"]);
    assert_eq!(gains.filter(|gain_db| **gain_db == json!(-1.25)).count(), 1);
    for (field, value) in [("bpm", 91.0), ("swing_pct", 3.0)] {
        let mut other = pattern.clone();
        other[field] = json!(value);
        state.ask(&json!({"pattern": other})).await.problem(409, "pattern_conflict");
    }
    let mut bare = pattern.clone();
    bare["meta"] = json!({});
    state.ask(&json!({"pattern": bare})).await.ok();
    let mut longer = pattern.clone();
    longer["clips"][0]["duration_ms"] = json!(1);
    state.ask(&json!({"pattern": longer})).await.problem(409, "pattern_conflict");
    longer["pattern_id"] = json!("mine");
    assert_eq!(state.ask(&json!({"pattern": longer})).await.ok()["meta"]["pattern_id"], "mine");
    let foreign = state.api.tenant("t2").post(ROUTE, &json!({"pattern_id": id})).await;
    foreign.problem(404, "pattern_not_found");
}
