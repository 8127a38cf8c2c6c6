//! `GET /usage`.

use serde_json::{Value, json};
use test_kit::post_artifact;

use crate::support::TestState;

async fn figures(state: &TestState) -> Value {
    state.api.get("/usage").await.ok()
}

#[tokio::test]
async fn owner_without_anything_has_zeros() {
    let state = TestState::new().await;
    state.asset_of("t2", &[]).await;
    let nothing = json!({"total": 0, "by_kind": {}});
    let expected = json!({
        "stored_bytes": 0, "blobs": 0, "blobs_without_size": 0, "assets": nothing, "artifacts": nothing, "analysed_ms": 0,
        "uploads": {"open": 0, "received_bytes": 0}, "jobs": {"queued": 0, "running": 0},
    });
    assert_eq!(figures(&state).await, expected);
    state.api.get("/usage?tenant=t2").await.problem(422, "invalid_query");
}

#[tokio::test]
async fn assets_and_artifacts_are_counted_by_kind() {
    let state = TestState::new().await;
    let (asset, _) = (state.asset().await, state.asset().await);
    state.hit(&asset).await;
    state.hit(&asset).await;
    post_artifact(&state.api, &asset, json!({"kind": "render"})).await;
    let found = figures(&state).await;
    assert_eq!(found["assets"], json!({"total": 2, "by_kind": {"video": 2}}));
    assert_eq!(found["artifacts"], json!({"total": 3, "by_kind": {"audio_hit": 2, "render": 1}}));
    assert_eq!(state.api.delete(&format!("/media-v2/assets/{asset}?cascade=true")).await.status, 204);
    let found = figures(&state).await;
    assert_eq!(found["assets"], json!({"total": 1, "by_kind": {"video": 1}}));
    assert_eq!(found["artifacts"], json!({"total": 0, "by_kind": {}}));
}

#[tokio::test]
async fn bytes_that_are_referred_to_twice_count_once() {
    let state = TestState::new().await;
    let asset = state.asset().await;
    let stored = state.api.get(&format!("/media-v2/assets/{asset}")).await.ok()["asset"].clone();
    let size = stored["size_bytes"].as_u64().unwrap();
    let blobs = async || {
        let found = figures(&state).await;
        ["stored_bytes", "blobs", "blobs_without_size"].map(|name| found[name].as_u64().unwrap())
    };
    assert_eq!(blobs().await, [size, 1, 0]);
    // An artifact with the bytes of the asset, and one with bytes elsewhere.
    post_artifact(&state.api, &asset, json!({"uri": stored["source_uri"]})).await;
    post_artifact(&state.api, &asset, json!({"uri": "https://example.com/a.wav"})).await;
    assert_eq!(blobs().await, [size, 1, 0]);
    let size_of_list = async |list: &str| {
        let query = "SELECT size_bytes FROM artifacts WHERE id = $1";
        let size: i64 = sqlx::query_scalar(query).bind(list).fetch_one(&state.media.pool()).await.unwrap();
        size.cast_unsigned()
    };
    let list = state.shot_list(&[&asset]).await;
    assert_eq!(blobs().await, [size + size_of_list(&list).await, 2, 0]);
    // As an older version wrote it.
    state
        .execute(
            "UPDATE artifacts SET size_bytes = NULL WHERE tenant_id = $1 AND id = $2 AND $3 = ''",
            &list,
            "",
        )
        .await;
    assert_eq!(blobs().await, [size, 2, 1]);
}

#[tokio::test]
async fn measured_timelines_count_as_analysed() {
    let state = TestState::new().await;
    let asset = state.asset().await;
    let insert = "INSERT INTO artifacts (tenant_id, env, id, parent_asset_id, kind, uri, created_at, meta)
        SELECT $1, 'dev', md5($3), $2, 'audio_semantic_timeline', 'mem:t', now(), jsonb_build_object('pipeline_hash', 'h',
            'model_used', 'm', 'duration_ms', 90000) || $3::jsonb";
    for (meta, counted) in [
        (json!({"backend_version": "signal_v4", "cache_key": "1"}), 90_000),
        (json!({"backend_version": "whisper_aubio_v5+tiny", "cache_key": "2"}), 180_000),
        (json!({"backend_version": "audio_semantic_stub_v1", "cache_key": "3"}), 180_000),
        (json!({"backend_version": "signal_v4", "cache_key": "registered/4"}), 180_000),
        (json!({"backend_version": "signal_v4", "cache_key": "5", "backend_type": "corrected"}), 180_000),
        (json!({"backend_version": "signal_v4", "cache_key": "6", "duration_ms": "long"}), 180_000),
    ] {
        state.execute(insert, &asset, &meta.to_string()).await;
        assert_eq!(figures(&state).await["analysed_ms"], counted, "{meta}");
    }
}

#[tokio::test]
async fn unfinished_uploads_and_jobs_are_counted() {
    let state = TestState::new().await;
    for (state_of_upload, offset) in [("receiving", "3"), ("receiving", "4"), ("finished", "9")] {
        let insert = "INSERT INTO resumable_uploads (tenant_id, env, id, asset_id, length_bytes, metadata, state, offset_bytes,
                digest, created_at, expires_at)
            SELECT $1, 'dev', $2 || $3, 'a', 9, '', $2, $3::bigint, '', now(), now()";
        state.execute(insert, state_of_upload, offset).await;
    }
    for (id, state_of_job) in [("1", "queued"), ("2", "queued"), ("3", "running"), ("4", "failed")] {
        let insert = "INSERT INTO jobs (tenant_id, env, id, kind, priority, state, ticket, request_id, access_level, path, body,
                created_at, finished_at)
            SELECT $1, 'dev', $2, 'analyze', 'interactive', $3, 1, 'r', 'write', '/', '', now(),
                CASE WHEN $3 = 'failed' THEN now() END";
        state.execute(insert, id, state_of_job).await;
    }
    let found = figures(&state).await;
    assert_eq!(found["uploads"], json!({"open": 2, "received_bytes": 7}));
    assert_eq!(found["jobs"], json!({"queued": 2, "running": 1}));
}
