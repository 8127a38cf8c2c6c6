use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{TestState, wav};

fn ids(page: &Value) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn pages_are_newest_first_and_stable() {
    let state = TestState::new().await;
    let mut made = Vec::new();
    for index in 0..7 {
        // Some assets have the same creation time: then the id determines the order.
        if index % 2 == 0 {
            state.media.clock.advance(TimeDelta::microseconds(1));
        }
        made.push(state.asset().await);
    }
    made.reverse();

    let first = state.api.get("/media-v2/assets?limit=3").await.ok();
    assert_eq!(ids(&first), made[..3]);
    // A new asset does not shift the following pages.
    state.media.clock.advance(TimeDelta::seconds(1));
    state.asset().await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = state.api.get(&format!("/media-v2/assets?limit=3&cursor={cursor}")).await.ok();
    assert_eq!(ids(&second), made[3..6]);
    let cursor = second["next_cursor"].as_str().unwrap();
    let third = state.api.get(&format!("/media-v2/assets?limit=3&cursor={cursor}")).await.ok();
    assert_eq!((ids(&third), &third["next_cursor"]), (made[6..].to_vec(), &json!(null)));
}

#[tokio::test]
async fn filters_narrow_the_list() {
    let state = TestState::new().await;
    let audio = wav(8_000, 1, 10);
    let one = state.upload(&audio, &[("tags", "a,b"), ("source_ref", "r1")]).await.created();
    let two = state.upload(&audio, &[("tags", "b")]).await.created();
    let three = state.upload(b"text", &[("tags", "a")]).await.created();
    for (query, expected) in [
        ("kind=audio", vec![&two, &one]),
        ("tag=a", vec![&three, &one]),
        ("tag=a&kind=audio", vec![&one]),
        ("source_ref=r1", vec![&one]),
        ("source_ref=none", vec![]),
        ("kind=video", vec![]),
    ] {
        let page = state.api.get(&format!("/media-v2/assets?{query}")).await.ok();
        let expected: Vec<_> =
            expected.iter().map(|asset| asset["id"].as_str().unwrap().to_owned()).collect();
        assert_eq!(ids(&page), expected, "{query}");
    }
}

#[tokio::test]
async fn invalid_queries_are_rejected() {
    let state = TestState::new().await;
    for query in ["limit=0", "limit=501", "limit=x", "kind=film", "color=red"] {
        state.api.get(&format!("/media-v2/assets?{query}")).await.problem(422, "invalid_query");
    }
    state.api.get("/media-v2/assets?cursor=zzz").await.problem(422, "invalid_cursor");
}

#[tokio::test]
async fn artifacts_of_an_asset_are_paged() {
    let state = TestState::new().await;
    let asset = state.asset().await;
    let mut made = Vec::new();
    for _ in 0..3 {
        state.media.clock.advance(TimeDelta::microseconds(1));
        made.push(state.artifact(&asset, json!({})).await);
    }
    let render = state.artifact(&asset, json!({"kind": "render"})).await;
    made.push(render.clone());
    made.reverse();
    let path = format!("/media-v2/assets/{asset}/artifacts");
    let first = state.api.get(&format!("{path}?limit=3")).await.ok();
    assert_eq!(ids(&first), made[..3]);
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(ids(&state.api.get(&format!("{path}?cursor={cursor}")).await.ok()), made[3..]);
    assert_eq!(ids(&state.api.get(&format!("{path}?kind=render")).await.ok()), [render]);
    state.api.get(&format!("{path}?kind=song")).await.problem(422, "invalid_query");

    let whole = state.api.get(&format!("/media-v2/assets/{asset}")).await.ok();
    assert_eq!(ids(&json!({"items": whole["artifacts"]})), made);
}

#[tokio::test]
async fn artifacts_of_all_assets_are_paged() {
    let state = TestState::new().await;
    let (one, two) = (state.asset().await, state.asset().await);
    let mut made = Vec::new();
    for (index, kind) in ["audio_hit", "render", "audio_loop", "audio_hit", "render"].into_iter().enumerate()
    {
        // Some have the same creation time: then the id determines the order.
        if index % 2 == 0 {
            state.media.clock.advance(TimeDelta::microseconds(1));
        }
        let asset = if index % 3 == 0 { &one } else { &two };
        made.push((state.artifact(asset, json!({"kind": kind})).await, index / 2, kind));
    }
    made.sort_by(|a, b| (b.1, &b.0).cmp(&(a.1, &a.0)));
    let expected = |kind: &str| -> Vec<String> {
        made.iter().filter(|made| kind.is_empty() || made.2 == kind).map(|made| made.0.clone()).collect()
    };
    for (query, kind) in [("", ""), ("kind=audio_hit&", "audio_hit"), ("kind=audio_phrase&", "audio_phrase")]
    {
        let (mut listed, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = state.api.get(&format!("/media-v2/artifacts?{query}limit=2{cursor}")).await.ok();
            listed.extend(ids(&page));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(listed, expected(kind), "{query}");
    }
    let upstream = json!({"upstream_artifact_ids": [made[0].0]});
    let derived = state.artifact(&one, upstream).await;
    let page = state.api.get("/media-v2/artifacts?limit=500").await.ok();
    let found = page["items"].as_array().unwrap().iter().find(|item| item["id"] == derived).unwrap();
    assert_eq!(found["upstream_artifact_ids"], json!([made[0].0]));
    assert_eq!(ids(&state.api.tenant("t2").get("/media-v2/artifacts").await.ok()), [""; 0]);
    for query in ["kind=song", "limit=0", "asset=1"] {
        state.api.get(&format!("/media-v2/artifacts?{query}")).await.problem(422, "invalid_query");
    }
    state.api.get("/media-v2/artifacts?cursor=zzz").await.problem(422, "invalid_cursor");
}
