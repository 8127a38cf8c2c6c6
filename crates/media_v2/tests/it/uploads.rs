use std::io;

use axum::body::{Body, Bytes};
use axum::http::Method;
use futures::{StreamExt, stream};
use media_v2::MediaAsset;
use serde_json::json;
use sha2::{Digest, Sha256};
use tower::ServiceExt;

use crate::form::{BOUNDARY, Form, file_head, tail, upload_request};
use crate::support::{MAX_UPLOAD, TestState, noise, wav};

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[tokio::test]
async fn upload_is_stored_hashed_and_probed() {
    let state = TestState::new().await;
    let bytes = wav(44_100, 2, 66_150);
    let fields = [
        ("tags", "a, b"),
        ("tags", r#"["c,d","a"]"#),
        ("source_ref", "take 1"),
        ("meta", r#"{"mood":"calm"}"#),
    ];
    let reply = state.upload(&bytes, &fields).await;
    let asset = reply.created();
    assert_eq!(
        reply.header("location").unwrap(),
        format!("/media-v2/assets/{}", asset["id"].as_str().unwrap())
    );
    assert_eq!(asset["kind"], "audio");
    assert_eq!(asset["duration_ms"], 1500);
    assert_eq!((&asset["sample_rate"], &asset["audio_channels"]), (&json!(44_100), &json!(2)));
    assert_eq!(asset["fps"], json!(null));
    assert_eq!(asset["codec_info"], "wave: pcm_s16le");
    assert_eq!(asset["size_bytes"], bytes.len());
    assert_eq!(asset["content_sha256"], sha256(&bytes));
    assert_eq!(asset["source_uri"], format!("blob://sha256/{}", sha256(&bytes)));
    assert_eq!(asset["tags"], json!(["a", "b", "c,d"]));
    assert_eq!(asset["source_ref"], "take 1");
    assert_eq!(asset["meta"], json!({"mood": "calm", "file_name": "talk.wav", "media_type": "audio/wav"}));
    assert_eq!(asset["created_at"], "2026-01-02T03:04:05Z");

    let read = state.api.get(&format!("/media-v2/assets/{}", asset["id"].as_str().unwrap())).await.ok();
    assert_eq!(read, json!({"asset": asset, "artifacts": []}));
    assert!(serde_json::from_value::<MediaAsset>(asset).is_ok());
}

#[tokio::test]
async fn the_same_bytes_are_kept_once() {
    let state = TestState::new().await;
    let bytes = wav(8_000, 1, 100);
    let first = state.upload(&bytes, &[]).await.created();
    let second = state.upload(&bytes, &[]).await.created();
    assert_ne!(first["id"], second["id"]);
    assert_eq!(state.media.blob_files(), 1);
}

#[tokio::test]
async fn context_fields_may_come_before_the_file() {
    let state = TestState::new().await;
    let bare = |form: Form| {
        let mut request = form.request();
        for name in ["x-tenant-id", "x-env"] {
            request.headers_mut().remove(name);
        }
        request
    };
    let file = wav(8_000, 1, 10);
    let form =
        Form::new().text("tenant_id", "t9").text("env", "dev").text("user_id", "u1").file("a.wav", &file);
    let asset = state.api.send(bare(form)).await.created();
    assert_eq!((&asset["tenant_id"], &asset["user_id"]), (&json!("t9"), &json!("u1")));

    let late = Form::new().file("a.wav", &file).text("tenant_id", "t1").text("env", "dev");
    state.api.send(bare(late)).await.problem(400, "invalid_context");
    let late = Form::new().file("a.wav", &file).text("tenant_id", "t1");
    assert_eq!(state.api.send(late.request()).await.invalid(), ["/tenant_id"]);
    let other = Form::new().text("tenant_id", "t2").file("a.wav", &file);
    state.api.send(other.request()).await.problem(403, "context_mismatch");
}

#[tokio::test]
async fn invalid_forms_leave_no_blob_or_row() {
    let state = TestState::new().await;
    let file = wav(8_000, 1, 10);
    let form = || Form::new().file("a.wav", &file);
    let long = "x".repeat(600 << 10);
    for (form, pointer) in [
        (form().text("kind", "film"), "/kind"),
        (form().text("kind", "audio").text("kind", "audio"), "/kind"),
        (form().text("tags", "[1]"), "/tags"),
        (form().text("tags", &"x".repeat(200)), "/tags/0"),
        (form().text("meta", "[]"), "/meta"),
        (form().text("meta", r#"{"a":"\u0000"}"#), "/meta"),
        (form().text("source_ref", "a\0b"), "/source_ref"),
        (form().text("source_ref", &long), "/source_ref"),
        (form().text("colour", "red"), "/colour"),
        (form().file("b.wav", &file), "/file"),
        (Form::new().text("kind", "audio"), "/file"),
        (Form::new(), "/file"),
        ((0..200).fold(form(), |form, _| form.text("tags", "a")), ""),
    ] {
        assert_eq!(state.api.send(form.request()).await.invalid(), [pointer]);
    }
    let torn = Body::from(form().body()[..60].to_vec());
    state.api.send(upload_request(torn)).await.problem(400, "malformed_multipart");
    let unbounded =
        state.api.request(Method::POST, "/media-v2/assets").header("content-type", "multipart/form-data");
    state.api.send(unbounded.body(Body::empty()).unwrap()).await.problem(400, "malformed_multipart");
    let plain = state.api.request(Method::POST, "/media-v2/assets").header("content-type", "text/plain");
    state.api.send(plain.body(Body::from("x")).unwrap()).await.problem(415, "unsupported_media_type");
    assert_eq!((state.media.blob_files(), state.asset_count().await), (0, 0));
}

#[tokio::test]
async fn kind_of_other_files_is_detected() {
    let state = TestState::new().await;
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    let mut truncated = wav(8_000, 1, 8_000);
    truncated.truncate(5_000);
    for (bytes, kind, media_type) in [
        (noise(100_000), "other", "application/octet-stream"),
        (Vec::new(), "other", "application/octet-stream"),
        (b"<html><script>alert(1)</script>".to_vec(), "other", "application/octet-stream"),
        (png.to_vec(), "image", "image/png"),
    ] {
        let asset = state.upload(&bytes, &[]).await.created();
        assert_eq!((&asset["kind"], &asset["meta"]["media_type"]), (&json!(kind), &json!(media_type)));
        assert_eq!((&asset["duration_ms"], &asset["sample_rate"]), (&json!(null), &json!(null)));
        assert_eq!(asset["size_bytes"], bytes.len());
    }
    let asset = state.upload(&noise(10), &[("kind", "video")]).await.created();
    assert_eq!(asset["kind"], "video", "the kind given by the caller");
    let cut = state.upload(&truncated, &[]).await.created();
    assert_eq!(cut["kind"], "audio", "a truncated file is still audio");
}

#[tokio::test]
async fn file_name_is_sanitised() {
    let state = TestState::new().await;
    let form = Form::new().file("..\\\\..\\\\evil/../a b.wav", &wav(8_000, 1, 10));
    let asset = state.api.send(form.request()).await.created();
    assert_eq!(asset["meta"]["file_name"], "a b.wav");
}

/// The body is produced piece by piece, and compared with the size of the staging file: at most a few pieces are in
/// memory.
#[tokio::test]
async fn large_upload_is_streamed_to_the_staging_file() {
    const PIECE: usize = 256 << 10;
    const PIECES: usize = 400;
    let state = TestState::new().await;
    let staging = state.media.directory().join("blobs/staging");
    let piece = Bytes::from(noise(PIECE));
    let hash = (0..PIECES).fold(Sha256::new(), |hash, _| hash.chain_update(&piece));
    let pieces = stream::iter(0..PIECES).map(move |index| {
        let staged: u64 =
            std::fs::read_dir(&staging).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
        let in_flight = (index * PIECE) as u64 - staged;
        assert!(in_flight <= 4 * PIECE as u64, "{in_flight} bytes in memory");
        Ok::<_, io::Error>(piece.clone())
    });
    let head = stream::iter([Ok(file_head("big.bin").into())]);
    let end = stream::iter([Ok(b"\r\n".to_vec().into()), Ok(tail().into())]);
    let asset =
        state.api.send(upload_request(Body::from_stream(head.chain(pieces).chain(end)))).await.created();
    assert_eq!(asset["size_bytes"], PIECE * PIECES);
    assert_eq!(asset["content_sha256"], hex::encode(hash.finalize()));
    assert_eq!(state.media.blob_files(), 1, "staging is empty again");
}

#[tokio::test]
async fn aborted_upload_leaves_no_blob_or_row() {
    let state = TestState::new().await;
    let some = || stream::iter([Ok(file_head("a.bin").into()), Ok(Bytes::from(noise(3 << 20)))]);

    // The connection is reset.
    let broken = some().chain(stream::iter([Err(io::Error::from(io::ErrorKind::ConnectionReset))]));
    let reply = state.api.send(upload_request(Body::from_stream(broken))).await;
    reply.problem(400, "malformed_multipart");
    assert_eq!((state.media.blob_files(), state.asset_count().await), (0, 0));

    // The body ends in the middle of the file.
    let reply = state.api.send(upload_request(Body::from_stream(some()))).await;
    reply.problem(400, "malformed_multipart");
    assert_eq!((state.media.blob_files(), state.asset_count().await), (0, 0));

    // The caller disconnects: the request is dropped while it waits for more bytes.
    let (waiting, mut reached) = tokio::sync::mpsc::channel::<()>(1);
    let rest = stream::once(async move {
        waiting.send(()).await.unwrap();
        std::future::pending::<Result<Bytes, io::Error>>().await
    });
    let stalled = upload_request(Body::from_stream(some().chain(rest)));
    let call = tokio::spawn(state.api.router().oneshot(stalled));
    reached.recv().await.unwrap();
    assert_eq!(state.media.blob_files(), 1, "the staging file");
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    assert_eq!((state.media.blob_files(), state.asset_count().await), (0, 0));
}

#[tokio::test]
async fn upload_over_the_limit_is_rejected() {
    let state = TestState::new().await;
    let mut declared = Form::new().file("a.bin", b"x").request();
    declared.headers_mut().insert("content-length", (MAX_UPLOAD + (9 << 20)).into());
    state.api.send(declared).await.problem(413, "upload_too_large");

    let piece = Bytes::from(vec![0; 1 << 20]);
    let endless = stream::iter([Ok::<_, io::Error>(file_head("a.bin").into())])
        .chain(stream::repeat_with(move || Ok(piece.clone())));
    state.api.send(upload_request(Body::from_stream(endless))).await.problem(413, "upload_too_large");
    assert_eq!((state.media.blob_files(), state.asset_count().await), (0, 0));
}

#[tokio::test]
async fn endless_multipart_headers_are_rejected() {
    let state = TestState::new().await;
    let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"");
    for head in [head, String::new()] {
        let endless = stream::iter([Ok::<_, io::Error>(Bytes::from(head))])
            .chain(stream::repeat_with(|| Ok(Bytes::from_static(&[b'x'; 64 << 10]))));
        let reply = state.api.send(upload_request(Body::from_stream(endless))).await;
        reply.problem(400, "malformed_multipart");
    }
}

#[tokio::test]
async fn idempotency_key_registers_an_upload_once() {
    let state = TestState::new().await;
    let send = |form: Form, key: &str| {
        let mut request = form.request();
        request.headers_mut().insert("idempotency-key", key.parse().unwrap());
        state.api.send(request)
    };
    let file = wav(8_000, 1, 100);
    let form = Form::new().text("tags", "a").file("a.wav", &file);
    let first = send(form.clone(), "k1").await.created();
    let again = send(Form::new().file("a.wav", &file).text("tags", "a"), "k1").await.created();
    assert_eq!(first, again);
    assert_eq!(state.asset_count().await, 1);

    let other = send(Form::new().text("tags", "a").file("a.wav", &noise(10)), "k1").await;
    other.problem(422, "idempotency_mismatch");
    assert_eq!((state.media.blob_files(), state.asset_count().await), (1, 1), "the refused file is not kept");
    send(form.clone(), "k|").await.problem(422, "invalid_idempotency_key");

    // A failed request is not stored, so its key can be used again.
    assert!(!send(form.clone().text("kind", "film"), "k2").await.invalid().is_empty());
    send(form, "k2").await.created();
}

#[tokio::test]
async fn idempotency_key_completes_an_upload_whose_caller_disconnects() {
    let state = TestState::new().await;
    let request = || {
        let mut request = Form::new().file("a.wav", &wav(8_000, 1, 100)).request();
        request.headers_mut().insert("idempotency-key", "k1".parse().unwrap());
        request
    };
    // The whole file has been received, and the insertion of its row waits for a lock.
    let mut other = state.media.service.pool().begin().await.unwrap();
    sqlx::query("LOCK TABLE media_assets").execute(&mut *other).await.unwrap();
    let call = tokio::spawn(state.api.router().oneshot(request()));
    let waits =
        "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'media_assets'::regclass)";
    while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&mut *other).await.unwrap() {
        tokio::task::yield_now().await;
    }
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    other.rollback().await.unwrap();

    let mut again = state.api.send(request()).await;
    while again.status == 409 {
        again = state.api.send(request()).await;
    }
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.created()["size_bytes"], wav(8_000, 1, 100).len());
    assert_eq!(state.asset_count().await, 1);
}
