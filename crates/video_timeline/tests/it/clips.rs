//! Clips: defaults, ranges, order, filters.

use serde_json::{Value, json};

use crate::support::{TestState, clip, column};

#[tokio::test]
async fn clip_has_the_documented_fields_and_defaults() {
    let state = TestState::new().await;
    let track = state.track().await;
    let path = format!("/video/tracks/{track}/clips");
    let made = state.api.post(&path, &clip(0.0, 500.25, 1.5)).await.created();
    let id = made["id"].as_str().unwrap();
    let expected = json!({
        "id": id, "track_id": track, "asset_id": "asset_1", "artifact_id": null, "in_ms": 0,
        "out_ms": 500.25, "start_ms_on_timeline": 1.5, "speed": 1.0, "volume_db": 0.0, "opacity": 1.0,
        "meta": {},
    });
    assert_eq!(made, expected);
    let path = format!("/video/clips/{id}");
    assert_eq!(state.api.get(&path).await.ok(), expected);

    let patch = json!({"artifact_id": "artifact_1", "speed": 2, "volume_db": -6.5, "meta": {"k": null}});
    let changed = state.api.patch(&path, &patch).await.ok();
    assert_eq!(changed["artifact_id"], "artifact_1");
    assert_eq!((&changed["speed"], &changed["volume_db"]), (&json!(2.0), &json!(-6.5)));
    assert_eq!(changed["out_ms"], 500.25);
    let changed = state.api.patch(&path, &json!({"artifact_id": null})).await.json();
    assert_eq!(changed["artifact_id"], Value::Null);
    assert_eq!(state.api.get(&path).await.json(), changed);

    assert_eq!(state.api.delete(&path).await.status, 204);
    assert_eq!(state.api.get(&path).await.json()["code"], "clip_not_found");
}

#[tokio::test]
async fn clip_times_are_exact_to_the_microsecond() {
    let state = TestState::new().await;
    let track = state.track().await;
    let far = 1_125_899_906_000.001;
    let id = state.make(&format!("/video/tracks/{track}/clips"), clip(0.001, 0.002, far)).await;
    let found = state.api.get(&format!("/video/clips/{id}")).await.json();
    assert_eq!((&found["in_ms"], &found["out_ms"]), (&json!(0.001), &json!(0.002)));
    assert_eq!(found["start_ms_on_timeline"], far);
}

#[tokio::test]
async fn clip_ranges_are_checked_on_creation_and_change() {
    let state = TestState::new().await;
    let track = state.track().await;
    let path = format!("/video/tracks/{track}/clips");
    let made = state.make(&path, clip(1_000.0, 2_000.0, 0.0)).await;
    for (pointer, field, value) in [
        ("/out_ms", "out_ms", json!(1_000)),
        ("/out_ms", "out_ms", json!(999.999)),
        ("/in_ms", "in_ms", json!(-0.001)),
        ("/in_ms", "in_ms", json!(1e15)),
        ("/in_ms", "in_ms", json!("0")),
        ("/start_ms_on_timeline", "start_ms_on_timeline", json!(-1)),
        ("/speed", "speed", json!(0)),
        ("/speed", "speed", json!(-1)),
        ("/speed", "speed", json!(1e-300)),
        ("/speed", "speed", json!(1e300)),
        ("/opacity", "opacity", json!(1.001)),
        ("/opacity", "opacity", json!(-0.1)),
        ("/volume_db", "volume_db", json!("loud")),
        ("/asset_id", "asset_id", json!("a|b")),
        ("/artifact_id", "artifact_id", json!("")),
        ("/meta", "meta", json!([])),
        ("/meta", "meta", json!({"a": "\u{0}"})),
    ] {
        let mut body = clip(1_000.0, 2_000.0, 0.0);
        body[field] = value.clone();
        for reply in [
            state.api.post(&path, &body).await,
            state.api.patch(&format!("/video/clips/{made}"), &json!({field: value})).await,
        ] {
            let problem = reply.problem(422, "invalid_body");
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{field} = {value}: {problem}");
        }
    }
    let page = state.api.get(&path).await.json();
    assert_eq!(column(&page, "id"), [&json!(made)], "what was refused left nothing");

    // On creation, null selects the default of a field that has one; a change rejects it.
    let mut body = clip(1_000.0, 2_000.0, 0.0);
    for field in ["speed", "volume_db", "opacity", "meta", "artifact_id"] {
        body[field] = json!(null);
    }
    let null = state.api.post(&path, &body).await.created();
    assert_eq!((&null["speed"], &null["opacity"], &null["meta"]), (&json!(1.0), &json!(1.0), &json!({})));
    state
        .api
        .patch(&format!("/video/clips/{made}"), &json!({"speed": null}))
        .await
        .problem(422, "invalid_body");
}

#[tokio::test]
async fn clips_of_a_track_or_sequence_are_listed_by_start() {
    let state = TestState::new().await;
    let sequence = state.sequence().await;
    let tracks = format!("/video/sequences/{sequence}/tracks");
    let first = state.make(&tracks, json!({"kind": "video", "label": "v"})).await;
    let second = state.make(&tracks, json!({"kind": "audio", "label": "a"})).await;
    for (track, start, name) in [
        (&first, 30.0, "c"),
        (&first, 10.0, "a"),
        (&second, 20.0, "b"),
        (&first, 30.0, "d"),
        (&first, 9.5, "_"),
    ] {
        let mut body = clip(0.0, 5.0, start);
        body["meta"] = json!({"name": name});
        state.make(&format!("/video/tracks/{track}/clips"), body).await;
    }
    let lists = [
        (format!("/video/tracks/{first}/clips"), vec!["_", "a", "c", "d"]),
        (format!("/video/sequences/{sequence}/clips"), vec!["_", "a", "b", "c", "d"]),
        ("/video/clips?asset_id=asset_1".to_owned(), vec!["_", "a", "b", "c", "d"]),
    ];
    for (path, expected) in lists {
        for limit in [1, 2, 3, 500] {
            let mut names = Vec::new();
            let mut cursor = String::new();
            loop {
                let join = if path.contains('?') { '&' } else { '?' };
                let page = state.api.get(&format!("{path}{join}limit={limit}{cursor}")).await.ok();
                names.extend(column(&page, "meta").into_iter().map(|meta| meta["name"].clone()));
                let Some(next) = page["next_cursor"].as_str() else { break };
                cursor = format!("&cursor={next}");
            }
            assert_eq!(names, expected, "{path} by {limit}");
        }
    }
}

#[tokio::test]
async fn clips_are_listed_by_asset_or_artifact() {
    let state = TestState::new().await;
    let path = format!("/video/tracks/{}/clips", state.track().await);
    let mut body = clip(0.0, 5.0, 0.0);
    body["artifact_id"] = json!("artifact_1");
    let with_artifact = state.make(&path, body).await;
    let mut body = clip(0.0, 5.0, 1.0);
    body["asset_id"] = json!("asset_2");
    let other_asset = state.make(&path, body).await;

    let page = state.api.get("/video/clips?asset_id=asset_2").await.json();
    assert_eq!(column(&page, "id"), [&json!(other_asset)]);
    let page = state.api.get("/video/clips?artifact_id=artifact_1").await.json();
    assert_eq!(column(&page, "id"), [&json!(with_artifact)]);
    let none = state.api.get("/video/clips?artifact_id=nothing").await.ok();
    assert_eq!(none["items"], json!([]));
    for query in ["", "?asset_id=a&artifact_id=b", "?asset_id=a%7Cb", "?asset=a"] {
        state.api.get(&format!("/video/clips{query}")).await.problem(422, "invalid_query");
    }
}
