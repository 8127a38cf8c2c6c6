//! Storage of patterns, and the owners they belong to.

use audio_pattern_engine::store::find_pattern;
use primitives::Id;
use serde_json::json;

use test_kit::scope;

use crate::support::TestState;

#[tokio::test]
async fn concurrent_identical_requests_store_one_row() {
    let state = TestState::new().await;
    let hat = state.sample("t1").await;
    let request = json!({"template_id": "boom_bap_90", "sample_map": {"hat": hat}, "bars": 64, "seed": -3, "swing_pct": 33.3});
    let (a, b, c) = tokio::join!(
        state.api.post("/audio/patterns", &request),
        state.api.post("/audio/patterns", &request),
        state.api.post("/audio/patterns", &request)
    );
    let first = a.ok();
    assert_eq!([b.ok(), c.ok()], [first.clone(), first.clone()]);
    assert_eq!(state.api.post("/audio/patterns", &request).await.ok(), first);

    let conn = &mut state.media.database.pool.acquire().await.unwrap();
    let rows: i64 =
        sqlx::query_scalar("SELECT count(*) FROM audio_patterns").fetch_one(&mut **conn).await.unwrap();
    assert_eq!(rows, 1);
    let id: Id = first["pattern_id"].as_str().unwrap().parse().unwrap();
    let stored = find_pattern(conn, &scope("t1"), &id).await.unwrap().unwrap();
    assert_eq!(serde_json::to_value(stored).unwrap(), first);
}

#[tokio::test]
async fn patterns_of_another_tenant_are_not_found() {
    let state = TestState::new().await;
    let kick = state.sample("t1").await;
    let request = json!({"template_id": "trap_140", "sample_map": {"kick": kick}});
    let pattern = state.api.post("/audio/patterns", &request).await.ok();
    let path = format!("/audio/patterns/{}", pattern["pattern_id"].as_str().unwrap());
    state.api.get(&path).await.ok();
    state.api.tenant("t2").get(&path).await.problem(404, "pattern_not_found");
    state.api.get("/audio/patterns/pattern_none").await.problem(404, "pattern_not_found");

    let id: Id = pattern["pattern_id"].as_str().unwrap().parse().unwrap();
    let conn = &mut state.media.database.pool.acquire().await.unwrap();
    assert_eq!(find_pattern(conn, &scope("t2"), &id).await.unwrap(), None);
}
