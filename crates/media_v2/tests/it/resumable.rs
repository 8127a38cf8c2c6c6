//! Resumable uploads (tus 1.0) through the router.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::Method;
use blob_store::BlobStore;
use chrono::TimeDelta;
use fake_s3::FakeS3;
use futures::{StreamExt, stream};
use media_v2::{MediaConfig, MediaService};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use test_kit::{Api, Reply};

use crate::support::{MAX_UPLOAD, TestState, noise, wav};

pub(crate) const OFFSET_STREAM: &str = "application/offset+octet-stream";

/// A client of the protocol.
#[derive(Clone)]
pub(crate) struct Tus(pub(crate) Api);

impl Tus {
    pub(crate) fn new(state: &TestState) -> Self {
        Self(state.api.clone())
    }

    /// A client of another process that shares the database and the store.
    pub(crate) fn of_process(state: &TestState, blobs: BlobStore) -> (Self, MediaService) {
        let config = MediaConfig { max_upload_bytes: MAX_UPLOAD, ..MediaConfig::default() };
        let service = MediaService::new(state.media.pool(), blobs, state.media.clock.clone(), config);
        let (router, _) = media_v2::router(service.clone()).split_for_parts();
        (Self(Api::new(router)), service)
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Reply {
        let request = self.0.request(method, path).header("tus-resumable", "1.0.0");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        self.0.send(request.body(body.into()).unwrap()).await
    }

    /// Begins an upload and returns its path.
    pub(crate) async fn create(&self, length: usize, metadata: &str) -> String {
        let length = length.to_string();
        let headers = [("upload-length", &*length), ("upload-metadata", metadata)];
        let reply = self.send(Method::POST, "/media-v2/uploads", &headers, Body::empty()).await;
        reply.created();
        reply.header("location").unwrap().to_owned()
    }

    pub(crate) async fn patch(&self, path: &str, offset: usize, body: impl Into<Body>) -> Reply {
        self.patch_with(path, offset, &[], body).await
    }

    pub(crate) async fn patch_with(
        &self,
        path: &str,
        offset: usize,
        more: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Reply {
        let offset = offset.to_string();
        let headers = [("content-type", OFFSET_STREAM), ("upload-offset", &*offset)];
        self.send(Method::PATCH, path, &[&headers[..], more].concat(), body).await
    }

    pub(crate) async fn head(&self, path: &str) -> Reply {
        self.send(Method::HEAD, path, &[], Body::empty()).await
    }

    pub(crate) async fn offset(&self, path: &str) -> usize {
        offset_of(&self.head(path).await)
    }

    /// The asset of a finished upload.
    pub(crate) async fn asset(&self, path: &str) -> Value {
        let id = self.0.get(path).await.ok()["asset_id"].as_str().unwrap().to_owned();
        self.0.get(&format!("/media-v2/assets/{id}")).await.ok()["asset"].clone()
    }
}

pub(crate) fn offset_of(reply: &Reply) -> usize {
    reply.header("upload-offset").unwrap().parse().unwrap()
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// `bytes`, then an error of the connection.
fn torn(bytes: &[u8]) -> Body {
    let pieces: Vec<_> = bytes.chunks(1_000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let broken = stream::iter([Err(io::Error::from(io::ErrorKind::ConnectionReset))]);
    Body::from_stream(stream::iter(pieces).chain(broken))
}

#[tokio::test]
async fn upload_in_requests_becomes_the_asset_of_a_form() {
    let state = TestState::new().await;
    let tus = Tus::new(&state);
    let bytes = wav(44_100, 2, 66_150);
    let fields =
        [("kind", "audio"), ("tags", "a,b"), ("source_ref", "take 1"), ("meta", r#"{"mood":"calm"}"#)];
    let mut expected = state.upload(&bytes, &fields).await.created();

    // talk.wav, audio, a,b, take 1, {"mood":"calm"}
    let metadata =
        "filename dGFsay53YXY=,kind YXVkaW8=,tags YSxi,source_ref dGFrZSAx,meta eyJtb29kIjoiY2FsbSJ9";
    let upload = tus.create(bytes.len(), metadata).await;
    assert_eq!(tus.offset(&upload).await, 0);
    for range in [0..1, 1..70_000, 70_000..70_000, 70_000..bytes.len()] {
        let reply = tus.patch(&upload, range.start, bytes[range.clone()].to_vec()).await;
        assert_eq!((reply.status, offset_of(&reply)), (204, range.end), "{}", reply.text());
    }
    let head = tus.head(&upload).await;
    assert_eq!((head.status, head.header("upload-length")), (200, Some(&*bytes.len().to_string())));
    assert_eq!(
        (head.header("upload-metadata"), head.header("cache-control")),
        (Some(metadata), Some("no-store"))
    );
    let mut asset = tus.asset(&upload).await;
    assert_eq!(head.header("harkback-asset-id"), asset["id"].as_str());
    for asset in [&mut asset, &mut expected] {
        asset.as_object_mut().unwrap().remove("id");
    }
    assert_eq!(asset, expected);
    assert_eq!(state.media.blob_files(), 1, "the same bytes, stored once");
}

#[tokio::test]
async fn first_bytes_may_come_with_the_creation() {
    let state = TestState::new().await;
    let tus = Tus::new(&state);
    let bytes = noise(5_000);
    for first in [2_000, 5_000] {
        let headers = [("upload-length", "5000"), ("content-type", OFFSET_STREAM)];
        let reply = tus.send(Method::POST, "/media-v2/uploads", &headers, bytes[..first].to_vec()).await;
        assert_eq!((reply.created()["offset_bytes"].clone(), offset_of(&reply)), (json!(first), first));
        let upload = reply.header("location").unwrap();
        assert_eq!(reply.header("harkback-asset-id").is_some(), first == 5_000);
        assert!(first == 5_000 || reply.header("upload-expires").is_some_and(|time| time.ends_with(" GMT")));
        if first < 5_000 {
            assert_eq!(tus.patch(upload, first, bytes[first..].to_vec()).await.status, 204);
        }
        assert_eq!(tus.asset(upload).await["content_sha256"], sha256(&bytes));
    }
    let empty = tus.create(0, "").await;
    assert_eq!(tus.asset(&empty).await["size_bytes"], 0);
}

#[tokio::test]
async fn upload_continues_after_a_broken_connection_in_another_process() {
    let state = TestState::new().await;
    let tus = Tus::new(&state);
    let bytes = noise(300_000);
    let upload = tus.create(bytes.len(), "").await;
    tus.patch(&upload, 0, torn(&bytes[..100_000])).await.problem(400, "unreadable_body");
    assert_eq!(tus.offset(&upload).await, 100_000);

    let blobs = BlobStore::open_directory(&state.media.directory().join("blobs")).unwrap();
    let (other, _) = Tus::of_process(&state, blobs);
    other.patch(&upload, 100_000, torn(&bytes[100_000..250_000])).await.problem(400, "unreadable_body");
    let offset = other.offset(&upload).await;
    assert_eq!(offset, 250_000);
    assert_eq!(tus.patch(&upload, offset, bytes[offset..].to_vec()).await.status, 204);
    assert_eq!(other.asset(&upload).await["content_sha256"], sha256(&bytes));
}

#[tokio::test]
async fn upload_to_an_object_store_needs_no_local_state() {
    let state = TestState::new().await;
    let s3 = FakeS3::start().unwrap();
    let bytes = noise(20 << 20);
    let process = || {
        let staging = tempfile::tempdir().unwrap();
        let url = FakeS3::url().parse().unwrap();
        let blobs = BlobStore::open(&url, s3.options(), staging.path()).unwrap();
        let (tus, service) = Tus::of_process(&state, blobs);
        (tus, service, staging)
    };
    let (first, _, _staging) = process();
    let upload = first.create(bytes.len(), "").await;
    let mut offset = 0;
    for cut in [1_000, 9 << 20, 9_500_000, 17 << 20, 20 << 20] {
        let (tus, _, _staging) = process();
        tus.patch(&upload, offset, torn(&bytes[offset..cut])).await.problem(400, "unreadable_body");
        offset = tus.offset(&upload).await;
        assert_eq!(offset, cut, "all bytes that arrived are stored");
    }
    // The connection broke after the last byte: the state of the upload finishes it.
    let (last, service, _staging) = process();
    assert_eq!(last.asset(&upload).await["content_sha256"], sha256(&bytes));
    assert_eq!((s3.objects(), s3.unfinished_uploads()), (1, 0), "{:?}", s3.requests());

    let abandoned = last.create(bytes.len(), "").await;
    last.patch(&abandoned, 0, torn(&bytes[..10 << 20])).await.problem(400, "unreadable_body");
    assert_eq!((s3.objects(), s3.unfinished_uploads()), (2, 1));
    state.media.clock.advance(TimeDelta::days(2));
    service.sweep_uploads().await;
    assert_eq!((s3.objects(), s3.unfinished_uploads()), (1, 0));
}

#[tokio::test]
async fn checksums_are_verified_before_bytes_are_stored() {
    let state = TestState::new().await;
    let tus = Tus::new(&state);
    let bytes = noise(50_000);
    let upload = tus.create(bytes.len(), "").await;
    // Of "hark back", by openssl.
    let wrong = [("upload-checksum", "sha1 +2Yo6kHVd/PkFdLxGK0vyaEgflA=")];
    let reply = tus.patch_with(&upload, 0, &wrong, bytes[..20_000].to_vec()).await;
    reply.problem(460, "checksum_mismatch");
    assert_eq!(tus.offset(&upload).await, 0);
    let base64 = |bytes: &[u8]| format!("sha256 {}", encoded(&Sha256::digest(bytes)));
    let right = base64(&bytes[..20_000]);
    let right = [("upload-checksum", &*right)];
    tus.patch_with(&upload, 0, &right, torn(&bytes[..10_000])).await.problem(400, "unreadable_body");
    assert_eq!(tus.offset(&upload).await, 0, "incomplete bytes cannot be verified");
    assert_eq!(tus.patch_with(&upload, 0, &right, bytes[..20_000].to_vec()).await.status, 204);
    let rest = base64(&bytes[20_000..]);
    let reply =
        tus.patch_with(&upload, 20_000, &[("upload-checksum", &*rest)], bytes[20_000..].to_vec()).await;
    assert_eq!(reply.status, 204, "{}", reply.text());
    assert_eq!(tus.asset(&upload).await["content_sha256"], sha256(&bytes));

    let upload = tus.create(4, "").await;
    for malformed in ["md5 AAAA", "sha1", "sha1 AAAA", ""] {
        let reply = tus.patch_with(&upload, 0, &[("upload-checksum", malformed)], "hark").await;
        let problem = reply.problem(400, "invalid_tus_header");
        assert_eq!(problem["errors"][0]["pointer"], "Upload-Checksum");
    }
}

/// Base64 with padding.
fn encoded(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let number = group.iter().fold(0_usize, |number, byte| (number << 8) | usize::from(*byte));
        let number = number << (8 * (3 - group.len()));
        for place in 0..4 {
            let letter = char::from(LETTERS[(number >> (18 - 6 * place)) & 63]);
            text.push(if place <= group.len() { letter } else { '=' });
        }
    }
    text
}

#[tokio::test]
async fn expired_uploads_are_gone_and_leave_nothing() {
    let state = TestState::new().await;
    let tus = Tus::new(&state);
    let upload = tus.create(10, "").await;
    let finished = tus.create(4, "").await;
    assert_eq!(tus.patch(&finished, 0, "hark").await.status, 204);
    state.media.clock.advance(TimeDelta::hours(23));
    assert_eq!(tus.patch(&upload, 0, "hark ").await.status, 204, "which moves its expiry");
    state.media.clock.advance(TimeDelta::hours(23));
    assert_eq!(tus.offset(&upload).await, 5);
    state.media.service.sweep_uploads().await;
    assert_eq!(state.media.blob_files(), 2, "the blob, and the bytes of the upload");
    assert_eq!(tus.head(&finished).await.status, 404, "its record was removed");

    state.media.clock.advance(TimeDelta::hours(2));
    for swept in [false, true] {
        tus.patch(&upload, 5, "back!").await.problem(410, "upload_expired");
        assert_eq!(tus.head(&upload).await.status, 410, "swept: {swept}");
        state.media.service.sweep_uploads().await;
        assert_eq!(state.media.blob_files(), 1);
    }
    state.media.clock.advance(TimeDelta::days(8));
    state.media.service.sweep_uploads().await;
    assert_eq!(tus.head(&upload).await.status, 404);
}

#[tokio::test]
async fn one_sweep_removes_any_number_of_expired_uploads() {
    let state = TestState::new().await;
    let tus = Tus::new(&state);
    for _ in 0..101 {
        let upload = tus.create(2, "").await;
        assert_eq!(tus.patch(&upload, 0, "h").await.status, 204);
    }
    assert_eq!(state.media.blob_files(), 101);
    state.media.clock.advance(TimeDelta::days(2));
    state.media.service.sweep_uploads().await;
    assert_eq!(state.media.blob_files(), 0);
}

#[tokio::test]
async fn deleted_upload_leaves_nothing_but_the_asset_of_a_finished_one() {
    let state = TestState::new().await;
    let tus = Tus::new(&state);
    let (upload, finished) = (tus.create(10, "").await, tus.create(4, "").await);
    tus.patch(&upload, 0, "hark ").await;
    tus.patch(&finished, 0, "hark").await;
    for upload in [&upload, &finished] {
        assert_eq!(tus.send(Method::DELETE, upload, &[], Body::empty()).await.status, 204);
        assert_eq!(tus.head(upload).await.status, 404);
        let again = tus.send(Method::DELETE, upload, &[], Body::empty()).await;
        again.problem(404, "upload_not_found");
    }
    assert_eq!((state.media.blob_files(), state.asset_count().await), (1, 1));
}

#[tokio::test]
async fn one_of_parallel_requests_writes() {
    let state = TestState::new().await;
    let tus = Tus::new(&state);
    let bytes = noise(200_000);
    let upload = tus.create(bytes.len(), "").await;
    let patch = || tus.patch(&upload, 0, bytes.clone());
    let replies = tokio::join!(patch(), patch(), patch());
    let mut statuses = [replies.0.status, replies.1.status, replies.2.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409, 409]);
    assert_eq!(tus.asset(&upload).await["content_sha256"], sha256(&bytes));
    assert_eq!(state.asset_count().await, 1);
}

/// The client has lost its connection, which the service does not notice.
#[tokio::test]
async fn request_of_a_silent_client_yields_to_the_next() {
    let state = TestState::new().await;
    let tus = Tus::new(&state);
    let bytes = noise(2_000);
    let upload = tus.create(bytes.len(), "").await;
    let some = stream::iter([Ok::<_, io::Error>(Bytes::copy_from_slice(&bytes[..1_000]))]);
    let silent = Body::from_stream(some.chain(stream::pending()));
    let first = tokio::spawn({
        let (tus, upload) = (tus.clone(), upload.clone());
        async move { tus.patch(&upload, 0, silent).await }
    });
    // Long enough for the first request to acquire its lease.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(tus.offset(&upload).await, 0, "nothing is recorded yet");
    tus.patch(&upload, 0, bytes.clone()).await.problem(409, "upload_offset_mismatch");
    first.await.unwrap().problem(408, "request_timeout");
    assert_eq!(tus.offset(&upload).await, 1_000);
    assert_eq!(tus.patch(&upload, 1_000, bytes[1_000..].to_vec()).await.status, 204);
}

#[tokio::test]
async fn interrupted_end_is_repeated_with_the_same_asset() {
    let state = TestState::new().await;
    let tus = Tus::new(&state);
    let bytes = wav(8_000, 1, 800);
    let upload = tus.create(bytes.len(), "").await;
    tus.patch(&upload, 0, bytes.clone()).await;
    let asset = tus.asset(&upload).await;
    let pool = state.media.pool();
    for by_sweep in [false, true] {
        // The state after a crash between the blob and the transaction.
        for change in ["DELETE FROM media_assets", "UPDATE resumable_uploads SET state = 'receiving'"] {
            sqlx::query(change).execute(&pool).await.unwrap();
        }
        if by_sweep {
            state.media.service.sweep_uploads().await;
        } else {
            assert_eq!(tus.head(&upload).await.header("harkback-asset-id"), asset["id"].as_str());
        }
        assert_eq!(tus.asset(&upload).await, asset);
    }
    assert_eq!(state.media.blob_files(), 1);
}

#[tokio::test]
async fn idempotency_key_begins_an_upload_once() {
    let state = TestState::new().await;
    let tus = Tus::new(&state);
    let create = async |length: &str, body: &'static str| {
        let headers = [("upload-length", length), ("idempotency-key", "k1"), ("content-type", OFFSET_STREAM)];
        tus.send(Method::POST, "/media-v2/uploads", &headers, body).await
    };
    let first = create("10", "hark ").await;
    first.created();
    let again = create("10", "hark ").await;
    assert_eq!((again.header("location"), offset_of(&again)), (first.header("location"), 5));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    create("11", "hark ").await.problem(422, "idempotency_mismatch");
}
