use serde_json::json;

use crate::support::{TestState, wav};

#[tokio::test]
async fn allowed_file_is_hashed_and_probed_without_copying() {
    let state = TestState::new().await;
    let bytes = wav(48_000, 6, 24_000);
    let uri = state.source("take 1.wav", &bytes).replace(' ', "%20");
    let body = json!({"source_uri": uri, "tags": ["x"], "source_ref": "r", "meta": {"k": 1}});
    let asset = state.api.post("/media-v2/assets", &body).await.created();
    let uploaded = state.upload(&bytes, &[]).await.created();
    for name in
        ["kind", "duration_ms", "sample_rate", "audio_channels", "codec_info", "size_bytes", "content_sha256"]
    {
        assert_eq!(asset[name], uploaded[name], "{name}");
    }
    assert_eq!(asset["duration_ms"], 500);
    assert_eq!((&asset["source_uri"], &asset["tags"]), (&json!(uri), &json!(["x"])));
    assert_eq!(asset["meta"], json!({"k": 1, "file_name": "take 1.wav", "media_type": "audio/wav"}));
    let content = state.api.get(&format!("/media-v2/assets/{}/content", asset["id"].as_str().unwrap())).await;
    assert_eq!(content.body, bytes);
    assert_eq!(content.header("cache-control"), Some("private, no-cache"));
}

#[tokio::test]
async fn other_sources_cannot_be_registered() {
    let state = TestState::new().await;
    let outside = state.media.directory().join("secret.wav");
    std::fs::write(&outside, wav(8_000, 1, 10)).unwrap();
    std::os::unix::fs::symlink(&outside, state.media.source("link.wav")).unwrap();
    let root = state.media.directory().display().to_string();
    for uri in [
        format!("file://{root}/secret.wav"),
        format!("file://{root}/sources/../secret.wav"),
        format!("file://{root}/sources/%2e%2e/secret.wav"),
        format!("file://{root}/sources/link.wav"),
        "file:///etc/passwd".to_owned(),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "s3://bucket/key.wav".to_owned(),
        format!("blob://sha256/{}", "0".repeat(64)),
        "blob://sha256/../../etc/passwd".to_owned(),
    ] {
        let reply = state.api.post("/media-v2/assets", &json!({"source_uri": uri})).await;
        let detail = reply.problem(422, "source_not_allowed")["detail"].as_str().unwrap().to_owned();
        assert!(!detail.contains(&root), "{detail}");
    }
    for uri in [format!("file://{root}/sources/none.wav"), format!("file://{root}/sources")] {
        let reply = state.api.post("/media-v2/assets", &json!({"source_uri": uri})).await;
        reply.problem(422, "source_unreadable");
    }
    assert_eq!(state.asset_count().await, 0);
}

#[tokio::test]
async fn invalid_registrations_name_their_fields() {
    let state = TestState::new().await;
    for (body, pointer) in [
        (json!({}), ""),
        (json!({"source_uri": "no uri"}), "/source_uri"),
        (json!({"source_uri": "file:///a", "colour": 1}), ""),
        (json!({"source_uri": "file:///a", "kind": "film"}), "/kind"),
        (json!({"source_uri": "file:///a", "tags": ["a", 1]}), "/tags/1"),
        (json!({"source_uri": "file:///a", "tags": [""]}), "/tags/0"),
        (json!({"source_uri": "file:///a", "meta": []}), "/meta"),
        (json!({"source_uri": "file:///a", "source_ref": ""}), "/source_ref"),
    ] {
        let pointers = state.api.post("/media-v2/assets", &body).await.invalid();
        assert_eq!(pointers.len(), 1, "{body}");
        assert!(pointers[0].starts_with(pointer), "{body}: {pointers:?}");
    }
    let mismatch = json!({"source_uri": "file:///a", "tenant_id": "t2"});
    state.api.post("/media-v2/assets", &mismatch).await.problem(403, "context_mismatch");
    let large = json!({"source_uri": "file:///a", "source_ref": "x".repeat(2 << 20)});
    state.api.post("/media-v2/assets", &large).await.problem(413, "body_too_large");
}

#[tokio::test]
async fn own_blob_can_be_registered_again() {
    let state = TestState::new().await;
    let uploaded = state.upload(&wav(8_000, 1, 80), &[]).await.created();
    let asset =
        state.api.post("/media-v2/assets", &json!({"source_uri": uploaded["source_uri"]})).await.created();
    for name in ["source_uri", "content_sha256", "duration_ms", "size_bytes", "kind"] {
        assert_eq!(asset[name], uploaded[name], "{name}");
    }
}

#[tokio::test]
async fn changed_file_is_source_changed() {
    let state = TestState::new().await;
    let uri = state.source("a.wav", &wav(8_000, 1, 10));
    let asset = state.api.post("/media-v2/assets", &json!({"source_uri": uri})).await.created();
    let path = format!("/media-v2/assets/{}/content", asset["id"].as_str().unwrap());
    state.source("a.wav", &wav(8_000, 1, 11));
    state.api.get(&path).await.problem(409, "source_changed");
    // Other bytes of the same size.
    state.source("a.wav", &wav(8_000, 1, 10).into_iter().rev().collect::<Vec<_>>());
    state.api.get(&path).await.problem(409, "source_changed");
    std::fs::remove_file(state.media.source("a.wav")).unwrap();
    state.api.get(&path).await.problem(422, "source_unreadable");
}

/// The stored fingerprint of an asset's file: modification time in ns, and inode.
async fn fingerprint(state: &TestState, asset: &serde_json::Value) -> (Option<i64>, Option<i64>) {
    sqlx::query_as("SELECT source_modified_ns, source_inode FROM media_assets WHERE id = $1")
        .bind(asset["id"].as_str().unwrap())
        .fetch_one(state.media.service.pool())
        .await
        .unwrap()
}

/// Sets the modification time of a source file.
fn touch(state: &TestState, name: &str, seconds: u64) {
    let file = std::fs::File::options().write(true).open(state.media.source(name));
    file.unwrap().set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds)).unwrap();
}

#[tokio::test]
async fn touched_file_is_hashed_again_and_its_fingerprint_is_updated() {
    let state = TestState::new().await;
    let uri = state.source("a.wav", &wav(8_000, 1, 10));
    touch(&state, "a.wav", 1_000);
    let asset = state.api.post("/media-v2/assets", &json!({"source_uri": uri})).await.created();
    let path = format!("/media-v2/assets/{}/content", asset["id"].as_str().unwrap());
    let (modified, inode) = fingerprint(&state, &asset).await;
    assert_eq!(modified, Some(1_000_000_000_000));
    state.api.get(&path).await;
    touch(&state, "a.wav", 2_000);
    let body = state.api.get(&path).await;
    assert_eq!((body.status, body.body.len()), (200, 44 + 20));
    assert_eq!(fingerprint(&state, &asset).await, (Some(2_000_000_000_000), inode));

    // A copy that replaces the file has another inode.
    let sources = state.media.directory().join("sources");
    std::fs::copy(sources.join("a.wav"), sources.join("b.wav")).unwrap();
    std::fs::rename(sources.join("b.wav"), sources.join("a.wav")).unwrap();
    touch(&state, "a.wav", 2_000);
    assert_eq!(state.api.get(&path).await.status, 200);
    assert_ne!(fingerprint(&state, &asset).await.1, inode);

    // Other bytes of the same size, even with the old time.
    let other = [&wav(8_000, 1, 9)[..], &[1, 1]].concat();
    std::fs::write(sources.join("b.wav"), other).unwrap();
    std::fs::rename(sources.join("b.wav"), sources.join("a.wav")).unwrap();
    touch(&state, "a.wav", 2_000);
    state.api.get(&path).await.problem(409, "source_changed");

    // A row of an earlier version has no fingerprint: only the size is checked.
    sqlx::query("UPDATE media_assets SET source_modified_ns = NULL, source_inode = NULL")
        .execute(state.media.service.pool())
        .await
        .unwrap();
    assert_eq!(state.api.get(&path).await.status, 200);
}
