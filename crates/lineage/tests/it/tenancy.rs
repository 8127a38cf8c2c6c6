//! Another owner's ids are treated as unknown, and another owner's objects are not listed.

use serde_json::{Value, json};
use test_kit::post_artifact;

use crate::support::TestState;

#[tokio::test]
async fn anothers_ids_answer_as_unknown_ones() {
    let state = TestState::new().await;
    let film = state.asset().await;
    let hit = state.hit(&film, 0.0, 10.0).await;
    for (foreign, unknown, code) in [
        (format!("/media-v2/assets/{film}/usages"), "/media-v2/assets/none/usages", "asset_not_found"),
        (
            format!("/media-v2/artifacts/{hit}/lineage"),
            "/media-v2/artifacts/none/lineage",
            "artifact_not_found",
        ),
        (
            format!("/media-v2/artifacts/{hit}/lineage?direction=down"),
            "/media-v2/artifacts/none/lineage?direction=down",
            "artifact_not_found",
        ),
    ] {
        let foreign = state.api.tenant("t2").get(&foreign).await.problem(404, code);
        let unknown = state.api.tenant("t2").get(unknown).await.problem(404, code);
        let same = foreign.to_string().replace(&film, "none").replace(&hit, "none");
        assert_eq!(same, unknown.to_string());
    }
    state
        .api
        .get("/media-v2/assets/no id/usages".replace(' ', "%20").as_str())
        .await
        .problem(404, "asset_not_found");
}

#[tokio::test]
async fn clips_and_maps_of_other_owners_are_not_listed() {
    let state = TestState::new().await;
    let film = state.asset().await;
    let hit = state.hit(&film, 0.0, 10.0).await;
    // A timeline without a catalogue does not check ids: another owner's clip may name our asset.
    let track = state.track("t2").await;
    let clip =
        json!({"asset_id": film, "artifact_id": hit, "in_ms": 0, "out_ms": 9, "start_ms_on_timeline": 0});
    state.api.tenant("t2").post(&format!("/video/tracks/{track}/clips"), &clip).await.ok();
    assert_eq!(state.usages(&film, "", 50).await.len(), 1);
    let lineage = state.api.get(&format!("/media-v2/artifacts/{hit}/lineage")).await.ok();
    assert_eq!(lineage["clips"], json!([]));

    let theirs = state.asset_of("t2").await;
    post_artifact(&state.api.tenant("t2"), &theirs, json!({"start_ms": 1, "end_ms": 2})).await;
    let used = state.api.tenant("t2").get(&format!("/media-v2/assets/{theirs}/usages")).await.ok();
    assert_eq!(used["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(used["next_cursor"], Value::Null);
}
