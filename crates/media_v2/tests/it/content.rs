use std::io::{Read, Seek, SeekFrom};

use axum::body::Body;
use serde_json::json;

use crate::support::{World, request, wav};

#[tokio::test]
async fn content_is_served_whole_and_in_ranges() {
    let world = World::new().await;
    let bytes = wav(8_000, 1, 500);
    let size = bytes.len();
    let asset = world.upload(&bytes, &[]).await.created();
    let id = asset["id"].as_str().unwrap();
    let uri = world.source("same.wav", &bytes);
    let copy = world.post("/media-v2/assets", &json!({"source_uri": uri})).await.created();
    let artifact = world.artifact(id, json!({"uri": asset["source_uri"]})).await;
    let etag = format!("\"{}\"", asset["content_sha256"].as_str().unwrap());

    for path in [
        format!("/media-v2/assets/{id}/content"),
        format!("/media-v2/assets/{}/content", copy["id"].as_str().unwrap()),
        format!("/media-v2/artifacts/{artifact}/content"),
    ] {
        let whole = world.get(&path).await;
        assert_eq!((whole.status.as_u16(), whole.body.as_ref()), (200, bytes.as_slice()));
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
            let part = world.get_with(&path, &[("range", range)]).await;
            assert_eq!((part.status.as_u16(), part.body.as_ref()), (206, &bytes[from..to]), "{range}");
            let content_range = format!("bytes {from}-{}/{size}", to - 1);
            assert_eq!(part.header("content-range"), Some(content_range.as_str()));
            assert_eq!(part.header("content-length"), Some((to - from).to_string().as_str()));
            assert_eq!(part.header("etag"), Some(etag.as_str()));
        }
        for range in ["bytes=0-1,3-4", "bytes=2-1", "pages=1-2"] {
            assert_eq!(world.get_with(&path, &[("range", range)]).await.body, bytes, "{range}");
        }
        for range in [format!("bytes={size}-"), "bytes=-0".to_owned()] {
            let beyond = world.get_with(&path, &[("range", &range)]).await;
            beyond.problem(416, "range_not_satisfiable");
            assert_eq!(beyond.header("content-range"), Some(format!("bytes */{size}").as_str()));
        }

        let known = world.get_with(&path, &[("if-none-match", &etag), ("range", "bytes=0-1")]).await;
        assert_eq!((known.status.as_u16(), known.body.len()), (304, 0));
        assert_eq!(known.header("etag"), Some(etag.as_str()));
        let fresh = world.get_with(&path, &[("range", "bytes=0-1"), ("if-range", &etag)]).await;
        assert_eq!((fresh.status.as_u16(), fresh.body.len()), (206, 2));
        let stale = world.get_with(&path, &[("range", "bytes=0-1"), ("if-range", "\"old\"")]).await;
        assert_eq!((stale.status.as_u16(), stale.body.len()), (200, size));
        world.get_with(&path, &[("if-match", "\"old\"")]).await.problem(412, "precondition_failed");

        let head = request("HEAD", &path).header("range", "bytes=0-1").body(Body::empty()).unwrap();
        let head = world.send(head).await;
        assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
        assert_eq!(head.header("content-length"), Some(size.to_string().as_str()));
        assert_eq!(head.header("etag"), Some(etag.as_str()));
    }
}

#[tokio::test]
async fn empty_content_is_served() {
    let world = World::new().await;
    let asset = world.upload(b"", &[]).await.created();
    let path = format!("/media-v2/assets/{}/content", asset["id"].as_str().unwrap());
    let whole = world.get(&path).await;
    assert_eq!((whole.status.as_u16(), whole.header("content-length")), (200, Some("0")));
    world.get_with(&path, &[("range", "bytes=0-")]).await.problem(416, "range_not_satisfiable");
}

#[tokio::test]
async fn html_is_served_as_an_attachment() {
    let world = World::new().await;
    let asset =
        world.upload(b"<script>alert(1)</script>", &[("meta", r#"{"media_type":"text/html"}"#)]).await;
    let id = asset.created()["id"].as_str().unwrap().to_owned();
    let content = world.get(&format!("/media-v2/assets/{id}/content")).await;
    assert_eq!(content.header("content-type"), Some("application/octet-stream"));
    assert!(content.header("content-disposition").unwrap().starts_with("attachment; filename=\"talk.wav\""));

    let more = json!({"uri": asset.created()["source_uri"], "meta": {"media_type": "text/html"}});
    let artifact = world.artifact(&id, more).await;
    let content = world.get(&format!("/media-v2/artifacts/{artifact}/content")).await;
    assert_eq!(content.header("content-type"), Some("application/octet-stream"));
}

#[tokio::test]
async fn unavailable_content_has_its_error_code() {
    let world = World::new().await;
    let asset = world.asset().await;
    for uri in ["https://example.org/a.wav", "file:///etc/passwd", "mem:x"] {
        let artifact = world.artifact(&asset, json!({"uri": uri})).await;
        let reply = world.get(&format!("/media-v2/artifacts/{artifact}/content")).await;
        reply.problem(422, "source_not_allowed");
    }
    std::fs::remove_dir_all(world.directory.path().join("blobs/sha256")).unwrap();
    world.get(&format!("/media-v2/assets/{asset}/content")).await.problem(500, "content_missing");
    world.get("/media-v2/assets/none/content").await.problem(404, "asset_not_found");
    world.get("/media-v2/artifacts/none/content").await.problem(404, "artifact_not_found");
}

#[tokio::test]
async fn other_engines_read_and_seek() {
    let world = World::new().await;
    let bytes = wav(8_000, 1, 50);
    let uploaded = world.upload(&bytes, &[]).await.created();
    let uri = world.source("a.wav", &bytes);
    let source = world.post("/media-v2/assets", &json!({"source_uri": uri})).await.created();
    for asset in [uploaded, source] {
        let asset: media_v2::MediaAsset = serde_json::from_value(asset).unwrap();
        let mut reader = world.service.open_source(asset.content()).await.unwrap();
        let mut all = Vec::new();
        reader.read_to_end(&mut all).unwrap();
        assert_eq!(all, bytes);
        reader.seek(SeekFrom::Start(8)).unwrap();
        let mut word = [0; 4];
        reader.read_exact(&mut word).unwrap();
        assert_eq!(&word, b"WAVE");
    }
}
