//! Storage of patterns, and the owners they belong to.

use audio_pattern_engine::store::find_pattern;
use primitives::Id;
use serde_json::json;

use crate::support::{World, ok, problem, scope};

#[tokio::test]
async fn concurrent_identical_requests_store_one_row() {
    let world = World::new().await;
    let hat = world.sample("t1").await;
    let request = json!({"template_id": "boom_bap_90", "sample_map": {"hat": hat}, "bars": 64, "seed": -3, "swing_pct": 33.3});
    let (a, b, c) =
        tokio::join!(world.post("t1", &request), world.post("t1", &request), world.post("t1", &request));
    let first = ok(a);
    assert_eq!([ok(b), ok(c)], [first.clone(), first.clone()]);
    assert_eq!(ok(world.post("t1", &request).await), first);

    let conn = &mut world.database.pool.acquire().await.unwrap();
    let rows: i64 =
        sqlx::query_scalar("SELECT count(*) FROM audio_patterns").fetch_one(&mut **conn).await.unwrap();
    assert_eq!(rows, 1);
    let id: Id = first["pattern_id"].as_str().unwrap().parse().unwrap();
    let stored = find_pattern(conn, &scope("t1"), &id).await.unwrap().unwrap();
    assert_eq!(serde_json::to_value(stored).unwrap(), first);
}

#[tokio::test]
async fn patterns_of_another_tenant_are_not_found() {
    let world = World::new().await;
    let kick = world.sample("t1").await;
    let request = json!({"template_id": "trap_140", "sample_map": {"kick": kick}});
    let pattern = ok(world.post("t1", &request).await);
    let path = format!("/audio/patterns/{}", pattern["pattern_id"].as_str().unwrap());
    ok(world.get("t1", &path).await);
    problem(world.get("t2", &path).await, 404, "pattern_not_found");
    problem(world.get("t1", "/audio/patterns/pattern_none").await, 404, "pattern_not_found");

    let id: Id = pattern["pattern_id"].as_str().unwrap().parse().unwrap();
    let conn = &mut world.database.pool.acquire().await.unwrap();
    assert_eq!(find_pattern(conn, &scope("t2"), &id).await.unwrap(), None);
}
