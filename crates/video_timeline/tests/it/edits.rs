//! Trim, split and move over HTTP; unit tests in `model::edit` cover their arithmetic.

use serde_json::json;

use crate::support::TestState;

#[tokio::test]
async fn trim_keeps_the_remaining_part_in_place() {
    let state = TestState::new().await;
    let path = format!("/video/clips/{}", state.clip().await);
    let trimmed =
        state.api.post(&format!("{path}/trim"), &json!({"in_ms": 1_500, "out_ms": 2_000})).await.ok();
    assert_eq!((&trimmed["in_ms"], &trimmed["out_ms"]), (&json!(1_500), &json!(2_000)));
    assert_eq!(trimmed["start_ms_on_timeline"], 10_500);
    assert_eq!(state.api.get(&path).await.json(), trimmed);

    for body in [json!({"in_ms": 2_000}), json!({"out_ms": 1_500}), json!({"in_ms": -1})] {
        state.api.post(&format!("{path}/trim"), &body).await.problem(422, "invalid_body");
    }
    assert_eq!(state.api.get(&path).await.json(), trimmed);
}

#[tokio::test]
async fn split_leaves_two_adjacent_clips() {
    let state = TestState::new().await;
    let id = state.clip().await;
    let path = format!("/video/clips/{id}");
    state.api.patch(&path, &json!({"speed": 2, "artifact_id": "artifact_1", "meta": {"k": 1}})).await;
    let pieces = state.api.post(&format!("{path}/split"), &json!({"at_ms": 10_250})).await.ok();
    let (left, right) = (&pieces["left"], &pieces["right"]);
    assert_eq!(left["id"], json!(id));
    assert_eq!((&left["in_ms"], &left["out_ms"]), (&json!(1_000), &json!(1_500)));
    assert_eq!((&right["in_ms"], &right["out_ms"]), (&json!(1_500), &json!(3_000)));
    assert_eq!(right["start_ms_on_timeline"], 10_250);
    for field in ["track_id", "asset_id", "artifact_id", "speed", "meta"] {
        assert_eq!(left[field], right[field], "{field}");
    }
    let right_path = format!("/video/clips/{}", right["id"].as_str().unwrap());
    assert_eq!(state.api.get(&path).await.json(), *left);
    assert_eq!(state.api.get(&right_path).await.json(), *right);

    for at in [json!(10_000), json!(10_250), json!(0), json!(-5), json!(1e14)] {
        let problem = state
            .api
            .post(&format!("{path}/split"), &json!({"at_ms": at}))
            .await
            .problem(422, "invalid_body");
        assert_eq!(problem["errors"][0]["pointer"], "/at_ms", "{at}");
    }
}

#[tokio::test]
async fn move_changes_track_and_start() {
    let state = TestState::new().await;
    let path = format!("/video/clips/{}", state.clip().await);
    let track = state.track().await;
    let moved = state
        .api
        .post(&format!("{path}/move"), &json!({"track_id": track, "start_ms_on_timeline": 0}))
        .await
        .ok();
    assert_eq!((&moved["track_id"], &moved["start_ms_on_timeline"]), (&json!(track), &json!(0)));
    assert_eq!((&moved["in_ms"], &moved["out_ms"]), (&json!(1_000), &json!(3_000)));
    assert_eq!(state.api.get(&path).await.json(), moved);

    let problem = state
        .api
        .post(&format!("{path}/move"), &json!({"track_id": "unknown"}))
        .await
        .problem(404, "track_not_found");
    assert_eq!(problem["id"], "unknown");
}

#[tokio::test]
async fn move_to_a_foreign_track_is_rejected() {
    let state = TestState::new().await;
    let path = format!("/video/clips/{}", state.clip().await);
    let timeline = json!({
        "project": {"new": {"title": "theirs"}}, "sequence": {"name": "s"},
        "track": {"kind": "video", "label": "origin"}, "clips": [],
    });
    let made = state.api.tenant("t2").post("/video/timelines", &timeline).await.created();
    let theirs = &made["track"]["id"];
    state
        .api
        .post(&format!("{path}/move"), &json!({"track_id": theirs}))
        .await
        .problem(404, "track_not_found");
}
