use media_v2::{ArtifactKind, MediaError, NewArtifact, store};
use serde_json::{Value, json};

use test_kit::scope;

use crate::support::{TestState, wav};

fn transcript(cache_key: &str) -> Value {
    json!({
        "kind": "audio_semantic_timeline", "uri": "mem:timeline",
        "meta": {"backend_version": "b1", "model_used": "m", "cache_key": cache_key, "duration_ms": 100.5},
    })
}

#[tokio::test]
async fn artifact_is_registered_and_read() {
    let state = TestState::new().await;
    let asset = state.asset().await;
    let upstream = state.artifact(&asset, json!({})).await;
    let body = json!({
        "tenant_id": "t1", "kind": "audio_phrase", "uri": "mem:x", "start_ms": 10, "end_ms": 20.25,
        "track_label": "lead", "upstream_artifact_ids": [upstream, upstream], "content_sha256": "a".repeat(64),
        "meta": {"score": 0.5},
    });
    let reply = state.api.post(&format!("/media-v2/assets/{asset}/artifacts"), &body).await;
    let artifact = reply.created();
    let path = format!("/media-v2/artifacts/{}", artifact["id"].as_str().unwrap());
    assert_eq!(reply.header("location"), Some(path.as_str()));
    assert_eq!(artifact["parent_asset_id"], asset);
    assert_eq!((&artifact["start_ms"], &artifact["end_ms"]), (&json!(10), &json!(20.25)));
    assert_eq!(artifact["upstream_artifact_ids"], json!([upstream]));
    assert_eq!(artifact["meta"]["score"], 0.5);
    assert_eq!(artifact["meta"]["backend_version"], "external");
    assert_eq!(artifact["meta"]["pipeline_hash"].as_str().unwrap().len(), 64);
    assert_eq!(state.api.get(&path).await.ok(), artifact);

    // The same request has the same pipeline hash.
    let again = state.api.post(&format!("/media-v2/assets/{asset}/artifacts"), &body).await.created();
    assert_eq!(again["meta"]["pipeline_hash"], artifact["meta"]["pipeline_hash"]);
    assert_ne!(again["id"], artifact["id"]);
}

#[tokio::test]
async fn invalid_artifacts_name_their_fields() {
    let state = TestState::new().await;
    let asset = state.asset().await;
    let path = format!("/media-v2/assets/{asset}/artifacts");
    for (body, pointers) in [
        (json!({"kind": "song", "uri": "mem:x"}), vec!["/kind"]),
        (json!({"kind": "audio_hit", "uri": "x"}), vec!["/uri"]),
        (json!({"kind": "audio_hit", "uri": "mem:x", "start_ms": -1}), vec!["/start_ms"]),
        (json!({"kind": "audio_hit", "uri": "mem:x", "start_ms": 5, "end_ms": 4}), vec!["/end_ms"]),
        (json!({"kind": "audio_hit", "uri": "mem:x", "end_ms": 1e300}), vec!["/end_ms"]),
        (json!({"kind": "audio_hit", "uri": "mem:x", "content_sha256": "x"}), vec!["/content_sha256"]),
        (
            json!({"kind": "audio_hit", "uri": "mem:x", "upstream_artifact_ids": ["a b"]}),
            vec!["/upstream_artifact_ids/0"],
        ),
        (
            json!({"kind": "audio_hit", "uri": "mem:x", "meta": {"backend_version": 1}}),
            vec!["/meta/backend_version"],
        ),
        (
            json!({"kind": "audio_hit", "uri": "mem:x", "meta": {"pipeline_hash": "x"}}),
            vec!["/meta/pipeline_hash"],
        ),
        (
            json!({"kind": "audio_hit", "uri": "mem:x", "meta": {"pipeline_hash": null}}),
            vec!["/meta/pipeline_hash"],
        ),
        (
            json!({"kind": "asr_transcript", "uri": "mem:x"}),
            vec!["/meta/backend_version", "/meta/model_used", "/meta/cache_key", "/meta/duration_ms"],
        ),
        (
            json!({"kind": "audio_semantic_timeline", "uri": "mem:x", "meta": {
                "backend_version": "b", "model_used": "m", "cache_key": "k".repeat(3_000), "duration_ms": "1"}}),
            vec!["/meta/duration_ms", "/meta/cache_key"],
        ),
    ] {
        assert_eq!(state.api.post(&path, &body).await.invalid(), pointers, "{body}");
    }
}

#[tokio::test]
async fn parents_and_upstreams_must_exist() {
    let state = TestState::new().await;
    let asset = state.asset().await;
    let hit = json!({"kind": "audio_hit", "uri": "mem:x"});
    for missing in ["asset_none", "a%20b"] {
        let reply = state.api.post(&format!("/media-v2/assets/{missing}/artifacts"), &hit).await;
        reply.problem(404, "asset_not_found");
    }
    let known = state.artifact(&asset, json!({})).await;
    let body =
        json!({"kind": "audio_hit", "uri": "mem:x", "upstream_artifact_ids": ["x2", known, "x1", "x2"]});
    let reply = state.api.post(&format!("/media-v2/assets/{asset}/artifacts"), &body).await;
    assert_eq!(reply.problem(404, "artifact_not_found")["ids"], json!(["x2", "x1"]));
    state.api.get("/media-v2/artifacts/none").await.problem(404, "artifact_not_found");
    state.api.get("/media-v2/artifacts/a%20b").await.problem(404, "artifact_not_found");
    state.api.get("/media-v2/assets/none").await.problem(404, "asset_not_found");
}

#[tokio::test]
async fn semantic_timeline_is_unique_per_cache_key() {
    let state = TestState::new().await;
    let (one, two) = (state.asset().await, state.asset().await);
    let first =
        state.api.post(&format!("/media-v2/assets/{one}/artifacts"), &transcript("k")).await.created();
    let second = state.api.post(&format!("/media-v2/assets/{two}/artifacts"), &transcript("k")).await;
    second.problem(409, "duplicate_cache_key");
    state.api.post(&format!("/media-v2/assets/{two}/artifacts"), &transcript("k2")).await.created();

    let mut conn = state.media.service.pool().acquire().await.unwrap();
    // A registered key differs from the key of an analysis.
    assert!(store::find_semantic_timeline(&mut conn, &scope("t1"), "k").await.unwrap().is_none());
    let found =
        store::find_semantic_timeline(&mut conn, &scope("t1"), "registered/k").await.unwrap().unwrap();
    assert_eq!(first["id"], found.id.as_str());
    let foreign = primitives::Scope { env: "prod".parse().unwrap(), ..scope("t1") };
    assert!(store::find_semantic_timeline(&mut conn, &foreign, "registered/k").await.unwrap().is_none());
    let asset = one.parse().unwrap();
    let kind = ArtifactKind::AudioSemanticTimeline;
    let latest = store::latest_artifacts(&mut conn, &scope("t1"), &asset, kind, 5).await.unwrap();
    assert_eq!(latest, [found]);
}

#[tokio::test]
async fn content_hash_defaults_to_the_hash_of_the_blob() {
    let state = TestState::new().await;
    let uploaded = state.upload(&wav(8_000, 1, 10), &[]).await.created();
    let path = format!("/media-v2/assets/{}/artifacts", uploaded["id"].as_str().unwrap());
    let body = json!({"kind": "audio_hit", "uri": uploaded["source_uri"]});
    let artifact = state.api.post(&path, &body).await.created();
    assert_eq!(artifact["content_sha256"], uploaded["content_sha256"]);
    let wrong = json!({"kind": "audio_hit", "uri": uploaded["source_uri"], "content_sha256": "a".repeat(64)});
    assert_eq!(state.api.post(&path, &wrong).await.invalid(), ["/content_sha256"]);
    let foreign = json!({"kind": "audio_hit", "uri": format!("blob://sha256/{}", "0".repeat(64))});
    state.api.post(&path, &foreign).await.problem(422, "source_not_allowed");
}

/// Other engines insert many artifacts in their own transaction.
#[tokio::test]
async fn artifacts_are_inserted_in_order_or_not_at_all() {
    let state = TestState::new().await;
    let asset: primitives::Id = state.asset().await.parse().unwrap();
    let hit = |label: usize| {
        let uri = format!("mem:{label}");
        NewArtifact::new(ArtifactKind::AudioHit, asset.clone(), uri, "hits_v1", &json!({"label": label}))
    };
    let now = primitives::Clock::now(&*state.media.clock);
    let mut conn = state.media.service.pool().acquire().await.unwrap();
    let made =
        store::insert_artifacts(&mut conn, &scope("t1"), now, (0..1_000).map(hit).collect()).await.unwrap();
    let uris: Vec<_> = made.iter().map(|artifact| artifact.uri.clone()).collect();
    assert_eq!(uris, (0..1_000).map(|label| format!("mem:{label}")).collect::<Vec<_>>());
    let ids: Vec<_> = made.iter().map(|artifact| artifact.id.clone()).collect();
    let mut found = store::find_artifacts(&mut conn, &scope("t1"), &ids).await.unwrap();
    found.sort_by_key(|artifact| ids.iter().position(|id| *id == artifact.id));
    assert_eq!(found, made);
    assert!(store::insert_artifacts(&mut conn, &scope("t1"), now, Vec::new()).await.unwrap().is_empty());

    let mut bad = hit(1);
    bad.upstream_artifact_ids = vec!["none".parse().unwrap()];
    let refused = store::insert_artifacts(&mut conn, &scope("t1"), now, vec![hit(0), bad]).await;
    assert!(matches!(refused, Err(MediaError::ArtifactsNotFound(ids)) if ids == ["none"]));
}

#[tokio::test]
async fn sizes_of_bytes_are_recorded_where_they_are_missing() {
    let state = TestState::new().await;
    let asset = state.asset().await;
    let uri = state.api.get(&format!("/media-v2/assets/{asset}")).await.ok()["asset"]["source_uri"].clone();
    let stored = state.artifact(&asset, json!({"uri": uri})).await;
    state.artifact(&asset, json!({"uri": "https://example.com/a.wav"})).await;
    let missing = state.artifact(&asset, json!({})).await;
    let pool = state.media.pool();
    sqlx::query("UPDATE artifacts SET uri = 'blob://sha256/' || repeat('0', 64) WHERE id = $1")
        .bind(&missing)
        .execute(&pool)
        .await
        .unwrap();
    let batch = media_v2::record_sizes(&pool, state.media.service.blobs(), None).await.unwrap();
    assert_eq!((batch.recorded, batch.skipped), (1, 1));
    let rest = media_v2::record_sizes(&pool, state.media.service.blobs(), batch.last.as_ref()).await.unwrap();
    assert_eq!(rest, media_v2::SizeBatch::default());
    let sizes: Vec<(String, i64)> =
        sqlx::query_as("SELECT id, size_bytes FROM artifacts WHERE size_bytes IS NOT NULL")
            .fetch_all(&pool)
            .await
            .unwrap();
    assert_eq!(sizes, [(stored, 1_644)]);
}
