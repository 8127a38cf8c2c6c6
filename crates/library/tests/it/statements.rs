//! The number of statements of lists, samples and searches does not grow with the rows that they return.

use db::testing::statements;
use media_v2::AssetKind;
use serde_json::json;

use crate::support::TestState;

#[tokio::test]
async fn lists_and_searches_use_a_constant_number_of_statements() {
    let state = TestState::new().await;
    let one_more = async |number: i64| {
        let asset = state.asset("t1", AssetKind::Audio, &["drums"]).await;
        let event = json!({"peak_db": -3.0, "energy": 0.01, "duration_ms": 100 + number});
        let hit = state.sample("t1", &asset, "audio_hit", json!({"score": 0.5, "event": event})).await;
        state.timeline("t1", &asset, &[("hark", 100), ("back", 400)]).await;
        (asset, hit)
    };
    // A similar sound needs another one.
    one_more(0).await;
    let (asset, hit) = one_more(1).await;
    let asked = [
        "/media-v2/assets?tag=drums&limit=500".to_owned(),
        "/media-v2/artifacts?limit=500".to_owned(),
        format!("/media-v2/assets/{asset}/artifacts?limit=500"),
        "/audio/samples?sort=score&limit=500".to_owned(),
        format!("/audio/samples?similar_to={hit}&limit=500"),
        "/search?q=hark&limit=50".to_owned(),
    ];
    let count = async || {
        let mut counts = Vec::new();
        for path in &asked {
            let before = statements::on_this_thread();
            let page = state.api.get(path).await.ok();
            counts.push((path, statements::on_this_thread() - before));
            assert!(!page["items"].as_array().unwrap().is_empty(), "{path}: {page}");
        }
        counts
    };
    let few = count().await;
    for number in 2..20 {
        one_more(number).await;
    }
    assert_eq!(count().await, few);
    assert!(few.iter().all(|(_, statements)| (1..=6).contains(statements)), "{few:?}");
}
