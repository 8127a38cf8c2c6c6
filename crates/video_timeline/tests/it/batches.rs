//! Batches of clips and whole timelines: all or nothing, in a constant number of statements.

use serde_json::{Value, json};

use crate::support::{TestState, clip, column};
use db::testing::statements;

fn timeline(project: Value, clips: Vec<Value>) -> Value {
    json!({
        "project": project, "sequence": {"name": "Origin"}, "track": {"kind": "video", "label": "origin"},
        "clips": clips,
    })
}

fn clips(count: usize) -> Vec<Value> {
    (0..count).map(|index| clip(0.0, 250.5, index as f64)).collect()
}

#[tokio::test]
async fn clip_batch_keeps_the_given_order() {
    let state = TestState::new().await;
    let path = format!("/video/tracks/{}/clips", state.track().await);
    let batch = vec![clip(0.0, 1.0, 9.0), clip(0.0, 1.0, 3.0), clip(0.0, 1.0, 3.0)];
    let made = state.api.post(&format!("{path}/batch"), &json!({"clips": batch})).await.created();
    let ids: Vec<&Value> = made.as_array().unwrap().iter().map(|clip| &clip["id"]).collect();
    let page = state.api.get(&path).await.json();
    assert_eq!(column(&page, "id"), [ids[1], ids[2], ids[0]], "ties in the listing are in order of creation");
    assert_eq!(page["items"][2], made[0]);
    let empty = state.api.post(&format!("{path}/batch"), &json!({"clips": []})).await;
    assert_eq!(empty.created(), json!([]));
}

#[tokio::test]
async fn one_invalid_clip_rejects_the_batch() {
    let state = TestState::new().await;
    let path = format!("/video/tracks/{}/clips", state.track().await);
    let mut batch = clips(3);
    batch[2]["out_ms"] = json!(0);
    let problem =
        state.api.post(&format!("{path}/batch"), &json!({"clips": batch})).await.problem(422, "invalid_body");
    assert_eq!(problem["errors"][0]["pointer"], "/clips/2/out_ms");
    batch[2] = json!({"asset_id": "a|b"});
    let problem = state.api.post(&format!("{path}/batch"), &json!({"clips": batch})).await.json();
    assert_eq!(problem["errors"][0]["pointer"], "/clips/2/asset_id");
    let problem = state.api.post(&format!("{path}/batch"), &json!({"clips": clips(10_001)})).await.json();
    assert_eq!(problem["errors"][0]["pointer"], "/clips");
    assert_eq!(state.api.get(&path).await.json()["items"], json!([]));
}

#[tokio::test]
async fn timeline_is_created_in_a_new_or_existing_project() {
    let state = TestState::new().await;
    let new = json!({"new": {"title": "Origin snippets", "render_profile": "draft_480p_fast"}});
    let made = state.api.post("/video/timelines", &timeline(new, clips(3))).await.created();
    let project = &made["project"];
    assert_eq!((&project["title"], &project["user_id"]), (&json!("Origin snippets"), &json!("u1")));
    assert_eq!(made["sequence"]["project_id"], project["id"]);
    assert_eq!(made["track"]["sequence_id"], made["sequence"]["id"]);
    let track = format!("/video/tracks/{}", made["track"]["id"].as_str().unwrap());
    assert_eq!(state.api.get(&track).await.json(), made["track"]);
    assert_eq!(state.api.get(&format!("{track}/clips")).await.json()["items"], made["clips"]);

    let existing = json!({"existing": project["id"]});
    let second = state.api.post("/video/timelines", &timeline(existing, clips(1))).await.created();
    assert_eq!(second["project"], *project);
    assert_eq!(second["sequence"]["position"], 1, "after the first");
    let path = format!("/video/projects/{}/sequences", project["id"].as_str().unwrap());
    assert_eq!(
        column(&state.api.get(&path).await.json(), "id"),
        [&made["sequence"]["id"], &second["sequence"]["id"]]
    );
}

#[tokio::test]
async fn rejected_timeline_leaves_no_rows() {
    let state = TestState::new().await;
    let mut bad = clips(2);
    bad[1]["speed"] = json!(0);
    let new = json!({"new": {"title": "x"}});
    let refused = [
        (timeline(new.clone(), bad), 422, "/clips/1/speed"),
        (timeline(json!({"new": {"title": ""}}), clips(1)), 422, "/project/new/title"),
        (timeline(json!({"existing": "unknown"}), clips(1)), 404, ""),
        (timeline(json!({}), clips(1)), 422, "/project"),
        (timeline(json!({"new": {"title": 1}}), clips(1)), 422, "/project/new/title"),
        (timeline(json!({"newer": {}}), clips(1)), 422, "/project/newer"),
    ];
    for (body, expected, pointer) in refused {
        let reply = state.api.post("/video/timelines", &body).await;
        assert_eq!(reply.status, expected, "{}", reply.text());
        let problem = reply.json();
        if !pointer.is_empty() {
            assert_eq!(problem["errors"][0]["pointer"], pointer);
        }
    }
    assert_eq!(state.api.get("/video/projects").await.json()["items"], json!([]));
}

/// Another owner's project is not distinguished from an unknown one.
#[tokio::test]
async fn attaching_to_a_foreign_project_is_not_found() {
    let state = TestState::new().await;
    let project = state.project().await;
    let body = timeline(json!({"existing": project}), clips(1));
    state.api.tenant("t2").post("/video/timelines", &body).await.problem(404, "project_not_found");
    assert_eq!(state.api.get("/video/clips?asset_id=asset_1").await.json()["items"], json!([]));
}

#[tokio::test]
async fn timeline_uses_a_constant_number_of_statements() {
    let state = TestState::new().await;
    let mut counts = Vec::new();
    for count in [1, 1_000] {
        let before = statements::on_this_thread();
        let body = timeline(json!({"new": {"title": "x"}}), clips(count));
        let made = state.api.post("/video/timelines", &body).await.created();
        assert_eq!(made["clips"].as_array().unwrap().len(), count);
        counts.push(statements::on_this_thread() - before);
    }
    println!("statements for a timeline of 1 and of 1000 clips: {counts:?}");
    assert_eq!(counts[0], counts[1]);
    assert!((4..=8).contains(&counts[0]), "statements are counted at all: {counts:?}");
}
