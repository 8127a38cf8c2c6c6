//! Requests of resumable uploads that are refused, and those without bytes.

use std::io;

use axum::body::{Body, Bytes};
use axum::http::Method;
use futures::stream;

use crate::resumable::{OFFSET_STREAM, Tus, offset_of};
use crate::support::{MAX_UPLOAD, TestState};

#[tokio::test]
async fn requests_at_another_offset_are_refused() {
    let state = TestState::new().await;
    let tus = Tus::new(&state);
    let upload = tus.create(10, "").await;
    tus.patch(&upload, 0, "hark ").await;
    for offset in [0, 4, 6, 10] {
        let problem = tus.patch(&upload, offset, "back!").await.problem(409, "upload_offset_mismatch");
        assert_eq!(problem["offset"], 5);
    }
    assert_eq!(tus.patch(&upload, 5, "back!").await.status, 204);
    tus.patch(&upload, 5, "back!").await.problem(409, "upload_offset_mismatch");
    assert_eq!(tus.patch(&upload, 10, "").await.status, 204);
}

#[tokio::test]
async fn uploads_over_the_limits_are_refused() {
    let state = TestState::new().await;
    let tus = Tus::new(&state);
    let create = async |length: &str| {
        tus.send(Method::POST, "/media-v2/uploads", &[("upload-length", length)], Body::empty()).await
    };
    create(&(MAX_UPLOAD + 1).to_string()).await.problem(413, "upload_too_large");
    for malformed in ["", "-1", "x", "1e3"] {
        create(malformed).await.problem(400, "invalid_tus_header");
    }
    let upload = tus.create(10, "").await;
    let declared = [("content-length", "11")];
    tus.patch_with(&upload, 0, &declared, "hark back, ").await.problem(413, "upload_too_large");
    assert_eq!(tus.offset(&upload).await, 0);
    let pieces = ["hark ", "back, and more"].map(|piece| Ok::<_, io::Error>(Bytes::from(piece)));
    let longer = Body::from_stream(stream::iter(pieces));
    tus.patch(&upload, 0, longer).await.problem(413, "upload_too_large");
    assert_eq!(tus.offset(&upload).await, 5, "the bytes that fit are stored");
}

#[tokio::test]
async fn malformed_requests_are_refused() {
    let state = TestState::new().await;
    let tus = Tus::new(&state);
    let upload = tus.create(10, "").await;
    let path = "/media-v2/uploads";
    for (method, path) in [(Method::POST, path), (Method::PATCH, &*upload), (Method::DELETE, &*upload)] {
        let request = tus.0.request(method.clone(), path).header("tus-resumable", "0.2.2");
        let reply = tus.0.send(request.body(Body::empty()).unwrap()).await;
        reply.problem(412, "tus_version_unsupported");
    }
    let json = [("content-type", "application/json"), ("upload-offset", "0"), ("upload-length", "2")];
    tus.send(Method::PATCH, &upload, &json, "{}").await.problem(415, "unsupported_media_type");
    tus.send(Method::POST, path, &json, "{}").await.problem(415, "unsupported_media_type");
    let without = [("content-type", OFFSET_STREAM)];
    tus.send(Method::PATCH, &upload, &without, "hark").await.problem(400, "invalid_tus_header");
    let create = async |metadata: &str| {
        let headers = [("upload-length", "2"), ("upload-metadata", metadata)];
        tus.send(Method::POST, path, &headers, Body::empty()).await
    };
    create("filename ?").await.problem(400, "invalid_tus_header");
    assert_eq!(create("colour cmVk").await.invalid(), ["/colour"]);
    assert_eq!(create("kind ZmlsbQ==").await.invalid(), ["/kind"]);
}

#[tokio::test]
async fn uploads_of_others_are_unknown() {
    let state = TestState::new().await;
    let tus = Tus::new(&state);
    let upload = tus.create(10, "").await;
    for api in [state.api.tenant("t2"), state.api.header("x-env", "prod")] {
        let other = Tus(api);
        assert_eq!(other.head(&upload).await.status, 404);
        other.0.get(&upload).await.problem(404, "upload_not_found");
        other.patch(&upload, 0, "hark").await.problem(404, "upload_not_found");
        let deleted = other.send(Method::DELETE, &upload, &[], Body::empty()).await;
        deleted.problem(404, "upload_not_found");
    }
    tus.patch("/media-v2/uploads/none", 0, "hark").await.problem(404, "upload_not_found");
    assert_eq!(tus.patch(&upload, 0, "hark").await.status, 204);
}

#[tokio::test]
async fn methods_may_be_overridden() {
    let state = TestState::new().await;
    let tus = Tus::new(&state);
    let upload = tus.create(10, "").await;
    let post = async |method: &str, body: &'static str| {
        let headers =
            [("x-http-method-override", method), ("content-type", OFFSET_STREAM), ("upload-offset", "0")];
        tus.send(Method::POST, &upload, &headers, body).await
    };
    assert_eq!(post("PATCH", "hark").await.status, 204);
    assert_eq!(offset_of(&post("HEAD", "").await), 4);
    post("PUT", "").await.problem(405, "method_not_allowed");
    assert_eq!(post("delete", "").await.status, 204);
    assert_eq!(tus.head(&upload).await.status, 404);
}

#[tokio::test]
async fn options_list_what_is_supported() {
    let state = TestState::new().await;
    let tus = Tus::new(&state);
    let reply = tus.send(Method::OPTIONS, "/media-v2/uploads", &[], Body::empty()).await;
    assert_eq!((reply.status, reply.header("tus-version")), (204, Some("1.0.0")));
    let extensions = reply.header("tus-extension").unwrap();
    for extension in ["creation", "creation-with-upload", "expiration", "checksum", "termination"] {
        assert!(extensions.split(',').any(|known| known == extension), "{extension}: {extensions}");
    }
    assert_eq!(reply.header("tus-max-size"), Some(&*MAX_UPLOAD.to_string()));
    assert_eq!(reply.header("tus-checksum-algorithm"), Some("sha1,sha256"));
}
