//! `PATCH /media-v2/assets/{id}`: tags, reference and metadata.

use serde_json::{Value, json};

use crate::support::{TestState, wav};

async fn listed(state: &TestState, query: &str) -> Vec<String> {
    let page = state.api.get(&format!("/media-v2/assets?{query}")).await.ok();
    page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn patch_changes_the_given_fields_only() {
    let state = TestState::new().await;
    let fields = [("tags", "a,b"), ("source_ref", "r1"), ("meta", r#"{"camera": "B"}"#)];
    let asset = state.upload(&wav(8_000, 1, 10), &fields).await.created();
    let path = format!("/media-v2/assets/{}", asset["id"].as_str().unwrap());
    let mut expected = asset.clone();
    let mut check = async |changes: Value, changed: &[(&str, Value)]| {
        for (name, value) in changed {
            expected[*name] = value.clone();
        }
        // The same changes again change nothing.
        for _ in 0..2 {
            assert_eq!(state.api.patch(&path, &changes).await.ok(), expected, "{changes}");
        }
        assert_eq!(state.api.get(&path).await.ok()["asset"], expected, "{changes}");
    };
    check(json!({}), &[]).await;
    check(json!({"tags": ["b", "c", "b"]}), &[("tags", json!(["b", "c"]))]).await;
    check(json!({"source_ref": "r2"}), &[("source_ref", json!("r2"))]).await;
    check(json!({"source_ref": null}), &[("source_ref", json!(null))]).await;
    check(json!({"tags": []}), &[("tags", json!([]))]).await;
    // What registration has set stays, regardless of the caller's values.
    let own = |name: &str| asset["meta"][name].clone();
    let meta = json!({"scene": 7, "file_name": own("file_name"), "media_type": own("media_type")});
    check(json!({"meta": {"scene": 7, "media_type": "text/html"}}), &[("meta", meta)]).await;
    assert_eq!((own("file_name"), own("media_type")), (json!("talk.wav"), json!("audio/wav")));
}

#[tokio::test]
async fn listings_use_the_new_tags_and_reference() {
    let state = TestState::new().await;
    let audio = wav(8_000, 1, 10);
    let one = state.upload(&audio, &[("tags", "a"), ("source_ref", "r1")]).await.id();
    let two = state.upload(&audio, &[("tags", "a")]).await.id();
    state
        .api
        .patch(&format!("/media-v2/assets/{one}"), &json!({"tags": ["b"], "source_ref": "r2"}))
        .await
        .ok();
    for (query, expected) in [
        ("tag=a", vec![two]),
        ("tag=b", vec![one.clone()]),
        ("source_ref=r1", vec![]),
        ("source_ref=r2", vec![one]),
    ] {
        assert_eq!(listed(&state, query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn changes_have_the_limits_of_new_assets() {
    let state = TestState::new().await;
    let path = format!("/media-v2/assets/{}", state.asset().await);
    let tags: Vec<String> = (0..64).map(|index| format!("{index}{}", "x".repeat(126))).collect();
    let largest = json!({"tags": tags, "source_ref": "x".repeat(512), "meta": {"text": "x".repeat(262_133)}});
    state.api.patch(&path, &largest).await.ok();
    for (changes, pointers) in [
        (json!({"tags": vec!["x"; 65]}), vec!["/tags"]),
        (json!({"tags": ["", "x".repeat(129), "a\u{0}"]}), vec!["/tags/0", "/tags/1", "/tags/2"]),
        (json!({"source_ref": ""}), vec!["/source_ref"]),
        (json!({"source_ref": "x".repeat(513)}), vec!["/source_ref"]),
        (json!({"meta": {"text": "x".repeat(262_144)}}), vec!["/meta"]),
        (json!({"meta": {"text": "\u{0}"}}), vec!["/meta"]),
        (json!({"tags": null}), vec!["/tags"]),
        (json!({"meta": null}), vec!["/meta"]),
    ] {
        assert_eq!(state.api.patch(&path, &changes).await.invalid(), pointers, "{changes}");
    }
    state.api.patch(&path, &json!({"kind": "audio"})).await.problem(422, "invalid_body");
    let asset = state.api.get(&path).await.ok()["asset"].clone();
    assert_eq!((&asset["tags"], &asset["source_ref"]), (&largest["tags"], &largest["source_ref"]));
}

#[tokio::test]
async fn assets_of_others_are_not_changed() {
    let state = TestState::new().await;
    let id = state.asset().await;
    let path = format!("/media-v2/assets/{id}");
    let before = state.api.get(&path).await.ok();
    let changes = json!({"tags": ["mine"]});
    for other in [state.api.tenant("t2"), state.api.header("x-env", "prod")] {
        other.patch(&path, &changes).await.problem(404, "asset_not_found");
    }
    state.api.patch("/media-v2/assets/none", &changes).await.problem(404, "asset_not_found");
    state.api.patch(&path, &json!({"tenant_id": "t2", "tags": []})).await.problem(403, "context_mismatch");
    assert_eq!(state.api.get(&path).await.ok(), before);
}
