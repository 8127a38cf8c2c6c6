use std::io::{Read, Seek, SeekFrom};

use axum::body::Body;
use axum::http::Method;
use serde_json::json;

use crate::support::{TestState, wav};

#[tokio::test]
async fn content_is_served_whole_and_in_ranges() {
    let state = TestState::new().await;
    let bytes = wav(8_000, 1, 500);
    let size = bytes.len();
    let asset = state.upload(&bytes, &[]).await.created();
    let id = asset["id"].as_str().unwrap();
    let uri = state.source("same.wav", &bytes);
    let copy = state.api.post("/media-v2/assets", &json!({"source_uri": uri})).await.created();
    let artifact = state.artifact(id, json!({"uri": asset["source_uri"]})).await;
    let etag = format!("\"{}\"", asset["content_sha256"].as_str().unwrap());

    for path in [
        format!("/media-v2/assets/{id}/content"),
        format!("/media-v2/assets/{}/content", copy["id"].as_str().unwrap()),
        format!("/media-v2/artifacts/{artifact}/content"),
    ] {
        let whole = state.api.get(&path).await;
        assert_eq!((whole.status, whole.body.as_slice()), (200, bytes.as_slice()));
        // The ETag of a file outside the store also identifies its version.
        let is_copy = path.contains(copy["id"].as_str().unwrap());
        let etag = if is_copy { whole.header("etag").unwrap().to_owned() } else { etag.clone() };
        assert_eq!(whole.header("etag"), Some(etag.as_str()));
        assert_eq!(etag[1..].split(['-', '"']).next(), asset["content_sha256"].as_str());
        assert_eq!(whole.header("content-type"), Some("audio/wav"));
        assert_eq!(whole.header("content-length"), Some(size.to_string().as_str()));
        assert_eq!(whole.header("accept-ranges"), Some("bytes"));
        assert_eq!(whole.header("x-content-type-options"), Some("nosniff"));

        for (range, from, to) in [
            ("bytes=0-0", 0, 1),
            ("bytes=100-199", 100, 200),
            ("bytes=44-", 44, size),
            ("bytes=-10", size - 10, size),
            ("bytes=-99999", 0, size),
            ("bytes=1000-99999", 1000, size),
        ] {
            let part = state.get_with(&path, &[("range", range)]).await;
            assert_eq!((part.status, part.body.as_slice()), (206, &bytes[from..to]), "{range}");
            let content_range = format!("bytes {from}-{}/{size}", to - 1);
            assert_eq!(part.header("content-range"), Some(content_range.as_str()));
            assert_eq!(part.header("content-length"), Some((to - from).to_string().as_str()));
            assert_eq!(part.header("etag"), Some(etag.as_str()));
        }
        for range in ["bytes=0-1,3-4", "bytes=2-1", "pages=1-2"] {
            assert_eq!(state.get_with(&path, &[("range", range)]).await.body, bytes, "{range}");
        }
        for range in [format!("bytes={size}-"), "bytes=-0".to_owned()] {
            let beyond = state.get_with(&path, &[("range", &range)]).await;
            beyond.problem(416, "range_not_satisfiable");
            assert_eq!(beyond.header("content-range"), Some(format!("bytes */{size}").as_str()));
        }

        let known = state.get_with(&path, &[("if-none-match", &etag), ("range", "bytes=0-1")]).await;
        assert_eq!((known.status, known.body.len()), (304, 0));
        assert_eq!(known.header("etag"), Some(etag.as_str()));
        let fresh = state.get_with(&path, &[("range", "bytes=0-1"), ("if-range", &etag)]).await;
        assert_eq!((fresh.status, fresh.body.len()), (206, 2));
        let stale = state.get_with(&path, &[("range", "bytes=0-1"), ("if-range", "\"old\"")]).await;
        assert_eq!((stale.status, stale.body.len()), (200, size));
        state.get_with(&path, &[("if-match", "\"old\"")]).await.problem(412, "precondition_failed");

        let head =
            state.api.request(Method::HEAD, &path).header("range", "bytes=0-1").body(Body::empty()).unwrap();
        let head = state.api.send(head).await;
        assert_eq!((head.status, head.body.len()), (200, 0));
        assert_eq!(head.header("content-length"), Some(size.to_string().as_str()));
        assert_eq!(head.header("etag"), Some(etag.as_str()));
    }
}

#[tokio::test]
async fn empty_content_is_served() {
    let state = TestState::new().await;
    let asset = state.upload(b"", &[]).await.created();
    let path = format!("/media-v2/assets/{}/content", asset["id"].as_str().unwrap());
    let whole = state.api.get(&path).await;
    assert_eq!((whole.status, whole.header("content-length")), (200, Some("0")));
    state.get_with(&path, &[("range", "bytes=0-")]).await.problem(416, "range_not_satisfiable");
}

#[tokio::test]
async fn html_is_served_as_an_attachment() {
    let state = TestState::new().await;
    let asset =
        state.upload(b"<script>alert(1)</script>", &[("meta", r#"{"media_type":"text/html"}"#)]).await;
    let id = asset.created()["id"].as_str().unwrap().to_owned();
    let content = state.api.get(&format!("/media-v2/assets/{id}/content")).await;
    assert_eq!(content.header("content-type"), Some("application/octet-stream"));
    assert!(content.header("content-disposition").unwrap().starts_with("attachment; filename=\"talk.wav\""));

    let more = json!({"uri": asset.created()["source_uri"], "meta": {"media_type": "text/html"}});
    let artifact = state.artifact(&id, more).await;
    let content = state.api.get(&format!("/media-v2/artifacts/{artifact}/content")).await;
    assert_eq!(content.header("content-type"), Some("application/octet-stream"));
}

#[tokio::test]
async fn unavailable_content_has_its_error_code() {
    let state = TestState::new().await;
    let asset = state.asset().await;
    for uri in ["https://example.org/a.wav", "file:///etc/passwd", "mem:x"] {
        let artifact = state.artifact(&asset, json!({"uri": uri})).await;
        let reply = state.api.get(&format!("/media-v2/artifacts/{artifact}/content")).await;
        reply.problem(422, "source_not_allowed");
    }
    std::fs::remove_dir_all(state.media.directory().join("blobs/sha256")).unwrap();
    state.api.get(&format!("/media-v2/assets/{asset}/content")).await.problem(500, "content_missing");
    state.api.get("/media-v2/assets/none/content").await.problem(404, "asset_not_found");
    state.api.get("/media-v2/artifacts/none/content").await.problem(404, "artifact_not_found");
}

#[tokio::test]
async fn other_engines_read_and_seek() {
    let state = TestState::new().await;
    let bytes = wav(8_000, 1, 50);
    let uploaded = state.upload(&bytes, &[]).await.created();
    let uri = state.source("a.wav", &bytes);
    let source = state.api.post("/media-v2/assets", &json!({"source_uri": uri})).await.created();
    for asset in [uploaded, source] {
        let asset: media_v2::MediaAsset = serde_json::from_value(asset).unwrap();
        let mut reader = state.media.service.open_source(asset.content()).await.unwrap();
        let mut all = Vec::new();
        reader.read_to_end(&mut all).unwrap();
        assert_eq!(all, bytes);
        reader.seek(SeekFrom::Start(8)).unwrap();
        let mut word = [0; 4];
        reader.read_exact(&mut word).unwrap();
        assert_eq!(&word, b"WAVE");
    }
}
