//! Retention of assets by their tags.

use chrono::TimeDelta;
use housekeeping::{Expired, RetentionRule};
use serde_json::json;

use crate::support::TestState;

async fn left(state: &TestState, tenant: &str) -> Vec<String> {
    let page = state.api.tenant(tenant).get("/media-v2/assets?limit=500").await.ok();
    let mut ids: Vec<_> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn old_assets_with_the_tag_are_removed() {
    let state = TestState::new().await;
    let old = state.asset_of("t1", &["draft", "a"]).await;
    state.measure(&old).await;
    let untagged = state.asset_of("t1", &["drafts"]).await;
    let foreign = state.asset_of("t2", &["draft"]).await;
    let used = state.asset_of("t1", &["draft"]).await;
    let (_, track) = state.track().await;
    state.clip(&track, &used, json!({})).await;
    state.media.clock.advance(TimeDelta::days(30));
    let young = state.asset_of("t1", &["draft"]).await;
    let rule: RetentionRule = "draft=30".parse().unwrap();
    assert_eq!(state.housekeeping.remove_expired(&rule, false).await.unwrap(), Expired::default(), "not yet");
    state.media.clock.advance(TimeDelta::milliseconds(1));

    let expected = Expired { assets: 2, artifacts: 3, in_use: 1 };
    assert_eq!(state.housekeeping.remove_expired(&rule, true).await.unwrap(), expected);
    let mut all = vec![old, untagged.clone(), used.clone(), young.clone()];
    all.sort();
    assert_eq!((left(&state, "t1").await, left(&state, "t2").await), (all, vec![foreign]), "a dry run");

    assert_eq!(state.housekeeping.remove_expired(&rule, false).await.unwrap(), expected);
    let mut kept = vec![untagged, used, young];
    kept.sort();
    assert_eq!((left(&state, "t1").await, left(&state, "t2").await), (kept, Vec::new()));
    let again = Expired { in_use: 1, ..Expired::default() };
    assert_eq!(state.housekeeping.remove_expired(&rule, false).await.unwrap(), again);
}
