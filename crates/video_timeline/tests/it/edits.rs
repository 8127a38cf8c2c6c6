//! Trim, split and move over HTTP; unit tests in `model::edit` cover their arithmetic.

use http::{Method, StatusCode};
use serde_json::json;

use crate::support::TestState;

#[tokio::test]
async fn trim_keeps_the_remaining_part_in_place() {
    let state = TestState::new().await;
    let path = format!("/video/clips/{}", state.clip().await);
    let (status, trimmed) =
        state.post(&format!("{path}/trim"), json!({"in_ms": 1_500, "out_ms": 2_000})).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!((&trimmed["in_ms"], &trimmed["out_ms"]), (&json!(1_500), &json!(2_000)));
    assert_eq!(trimmed["start_ms_on_timeline"], 10_500);
    assert_eq!(state.get(&path).await.1, trimmed);

    for body in [json!({"in_ms": 2_000}), json!({"out_ms": 1_500}), json!({"in_ms": -1})] {
        let (status, problem) = state.post(&format!("{path}/trim"), body.clone()).await;
        assert_eq!(
            (status, &problem["code"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("invalid_body")),
            "{body}"
        );
    }
    assert_eq!(state.get(&path).await.1, trimmed);
}

#[tokio::test]
async fn split_leaves_two_adjacent_clips() {
    let state = TestState::new().await;
    let id = state.clip().await;
    let path = format!("/video/clips/{id}");
    state.patch(&path, json!({"speed": 2, "artifact_id": "artifact_1", "meta": {"k": 1}})).await;
    let (status, pieces) = state.post(&format!("{path}/split"), json!({"at_ms": 10_250})).await;
    assert_eq!(status, StatusCode::OK, "{pieces}");
    let (left, right) = (&pieces["left"], &pieces["right"]);
    assert_eq!(left["id"], json!(id));
    assert_eq!((&left["in_ms"], &left["out_ms"]), (&json!(1_000), &json!(1_500)));
    assert_eq!((&right["in_ms"], &right["out_ms"]), (&json!(1_500), &json!(3_000)));
    assert_eq!(right["start_ms_on_timeline"], 10_250);
    for field in ["track_id", "asset_id", "artifact_id", "speed", "meta"] {
        assert_eq!(left[field], right[field], "{field}");
    }
    let right_path = format!("/video/clips/{}", right["id"].as_str().unwrap());
    assert_eq!(state.get(&path).await.1, *left);
    assert_eq!(state.get(&right_path).await.1, *right);

    for at in [json!(10_000), json!(10_250), json!(0), json!(-5), json!(1e14)] {
        let (status, problem) = state.post(&format!("{path}/split"), json!({"at_ms": at})).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{at}");
        assert_eq!(problem["errors"][0]["pointer"], "/at_ms", "{at}");
    }
}

#[tokio::test]
async fn move_changes_track_and_start() {
    let state = TestState::new().await;
    let path = format!("/video/clips/{}", state.clip().await);
    let track = state.track().await;
    let (status, moved) =
        state.post(&format!("{path}/move"), json!({"track_id": track, "start_ms_on_timeline": 0})).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!((&moved["track_id"], &moved["start_ms_on_timeline"]), (&json!(track), &json!(0)));
    assert_eq!((&moved["in_ms"], &moved["out_ms"]), (&json!(1_000), &json!(3_000)));
    assert_eq!(state.get(&path).await.1, moved);

    let (status, problem) = state.post(&format!("{path}/move"), json!({"track_id": "unknown"})).await;
    assert_eq!((status, &problem["code"]), (StatusCode::NOT_FOUND, &json!("track_not_found")));
    assert_eq!(problem["id"], "unknown");
}

#[tokio::test]
async fn move_to_a_foreign_track_is_rejected() {
    let state = TestState::new().await;
    let path = format!("/video/clips/{}", state.clip().await);
    let made = state.call_as(
        "t2",
        Method::POST,
        "/video/timelines",
        Some(json!({
            "project": {"new": {"title": "theirs"}}, "sequence": {"name": "s"},
            "track": {"kind": "video", "label": "origin"}, "clips": [],
        })),
    );
    let theirs = made.await.1["track"]["id"].clone();
    let (status, problem) = state.post(&format!("{path}/move"), json!({"track_id": theirs})).await;
    assert_eq!((status, &problem["code"]), (StatusCode::NOT_FOUND, &json!("track_not_found")));
}
