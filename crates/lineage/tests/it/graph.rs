use serde_json::{Value, json};

use crate::support::TestState;

fn nodes(lineage: &Value) -> Vec<(u64, String)> {
    let nodes = lineage["artifacts"].as_array().unwrap().iter();
    nodes.map(|node| (node["depth"].as_u64().unwrap(), node["id"].as_str().unwrap().to_owned())).collect()
}

/// a ← b ← d, a ← c ← d (a diamond), over two assets.
#[tokio::test]
async fn lineage_follows_a_graph_in_both_directions() {
    let state = TestState::new().await;
    let (sound, film) = (state.asset().await, state.asset().await);
    let a = state.artifact(&sound, json!({"start_ms": 100, "end_ms": 200})).await;
    let b = state.artifact(&sound, json!({"kind": "audio_loop", "upstream_artifact_ids": [a]})).await;
    let c = state.artifact(&film, json!({"kind": "render", "upstream_artifact_ids": [a]})).await;
    let d = state.artifact(&film, json!({"kind": "render", "upstream_artifact_ids": [c, b]})).await;
    let lonely = state.artifact(&sound, json!({})).await;

    let up = state.api.get(&format!("/media-v2/artifacts/{d}/lineage?direction=up")).await.ok();
    assert_eq!(nodes(&up), [(0, d.clone()), (1, b.clone()), (1, c.clone()), (2, a.clone())]);
    assert_eq!(
        (&up["artifact_id"], &up["direction"], &up["truncated"]),
        (&json!(d), &json!("up"), &json!(false))
    );
    let edge =
        |artifact: &str, upstream: &str| json!({"artifact_id": artifact, "upstream_artifact_id": upstream});
    assert_eq!(up["edges"], json!([edge(&d, &c), edge(&d, &b), edge(&b, &a), edge(&c, &a)]));
    let assets: Vec<_> = up["assets"].as_array().unwrap().iter().map(|asset| asset["id"].clone()).collect();
    assert_eq!(assets, [json!(sound), json!(film)]);
    let source = &up["artifacts"][3];
    assert_eq!((&source["start_ms"], &source["end_ms"]), (&json!(100), &json!(200)));
    assert_eq!(source["parent_asset_id"], sound);

    let down = state.api.get(&format!("/media-v2/artifacts/{a}/lineage?direction=down")).await.ok();
    assert_eq!(nodes(&down), [(0, a.clone()), (1, b.clone()), (1, c.clone()), (2, d.clone())]);
    assert_eq!(down["direction"], "down");
    assert_eq!(down["edges"].as_array().unwrap().len(), 4);
    assert_eq!(nodes(&state.api.get(&format!("/media-v2/artifacts/{a}/lineage")).await.ok()), [(0, a)]);
    let alone = state.api.get(&format!("/media-v2/artifacts/{lonely}/lineage?direction=down")).await.ok();
    assert_eq!(nodes(&alone), [(0, lonely)]);

    state.api.get("/media-v2/artifacts/none/lineage").await.problem(404, "artifact_not_found");
    state
        .api
        .get(&format!("/media-v2/artifacts/{d}/lineage?direction=left"))
        .await
        .problem(422, "invalid_query");
    state.api.get(&format!("/media-v2/artifacts/{d}/lineage?depth=1")).await.problem(422, "invalid_query");
}

#[tokio::test]
async fn lineage_truncates_a_long_chain() {
    let state = TestState::new().await;
    let asset = state.asset().await;
    let mut last = state.artifact(&asset, json!({})).await;
    let first = last.clone();
    for _ in 0..64 {
        last = state.artifact(&asset, json!({"upstream_artifact_ids": [last]})).await;
    }
    let whole = state.api.get(&format!("/media-v2/artifacts/{last}/lineage")).await.ok();
    assert_eq!((nodes(&whole).len(), &whole["truncated"]), (65, &json!(false)));
    assert_eq!(nodes(&whole)[64], (64, first));
    let longer = state.artifact(&asset, json!({"upstream_artifact_ids": [last]})).await;
    let cut = state.api.get(&format!("/media-v2/artifacts/{longer}/lineage")).await.ok();
    assert_eq!((nodes(&cut).len(), &cut["truncated"]), (65, &json!(true)));
}

#[tokio::test]
async fn lineage_truncates_a_wide_graph_and_terminates_on_a_cycle() {
    let state = TestState::new().await;
    let asset = state.asset().await;
    let (a, b) = (state.artifact(&asset, json!({})).await, state.artifact(&asset, json!({})).await);
    // The service cannot create a cycle; a damaged or restored database may have one.
    for (artifact, upstream) in [(&a, &b), (&b, &a)] {
        sqlx::query("INSERT INTO artifact_upstreams VALUES ('t1', 'dev', $1, 0, $2)")
            .bind(artifact)
            .bind(upstream)
            .execute(&state.media.database.pool)
            .await
            .unwrap();
    }
    for direction in ["up", "down"] {
        let around =
            state.api.get(&format!("/media-v2/artifacts/{a}/lineage?direction={direction}")).await.ok();
        assert_eq!(nodes(&around), [(0, a.clone()), (1, b.clone())]);
    }

    let root = state.artifact(&asset, json!({})).await;
    sqlx::query(
        "INSERT INTO artifacts (tenant_id, env, id, parent_asset_id, kind, uri, created_at, meta)
         SELECT 't1', 'dev', 'leaf_' || n, $1, 'audio_hit', 'mem:x', now(),
                '{\"pipeline_hash\": \"h\", \"backend_version\": \"b\"}'
         FROM generate_series(1, 1200) AS n",
    )
    .bind(&asset)
    .execute(&state.media.database.pool)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO artifact_upstreams
         SELECT 't1', 'dev', 'leaf_' || n, 0, $1 FROM generate_series(1, 1200) AS n",
    )
    .bind(&root)
    .execute(&state.media.database.pool)
    .await
    .unwrap();
    let wide = state.api.get(&format!("/media-v2/artifacts/{root}/lineage?direction=down")).await.ok();
    assert_eq!((nodes(&wide).len(), &wide["truncated"]), (1_000, &json!(true)));
}
