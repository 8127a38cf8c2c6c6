//! Registration of files of web servers and buckets.

use std::time::Duration;

use blob_store::open_bucket;
use fake_s3::FakeS3;
use media_v2::Description;
use object_store::ObjectStoreExt as _;
use primitives::AccessLevel;
use remote_source::{RemoteConfig, RemoteSources, TransferLimits};
use scheduling::{WorkProgress, defer};
use serde_json::{Value, json};
use test_kit::{Cloud, Exchange, Reply, WebServer, context};

use crate::support::{MAX_UPLOAD, TestState, wav};

const ASSETS: &str = "/media-v2/assets";

/// A service that fetches files of 127.0.0.1 at the port of `server`, with two attempts.
async fn state(server: &WebServer) -> TestState {
    let config = RemoteConfig {
        hosts: vec!["127.0.0.1".parse().unwrap()],
        ports: vec![server.port()],
        networks: vec!["127.0.0.1".parse().unwrap()],
        limits: TransferLimits {
            attempts: 2,
            pause: Duration::from_millis(1),
            stall: Duration::from_secs(2),
            ..TransferLimits::default()
        },
        ..RemoteConfig::default()
    };
    TestState::with(RemoteSources::new(config).unwrap()).await
}

async fn register(state: &TestState, uri: impl Into<Value>) -> Reply {
    let uri: Value = uri.into();
    state.api.post(ASSETS, &json!({"source_uri": uri})).await
}

#[tokio::test]
async fn fetched_file_is_registered_as_an_upload_is() {
    let bytes = wav(48_000, 2, 24_000);
    let served = bytes.clone();
    let server = WebServer::start(move |exchange| exchange.send_file(&served, "\"a\""));
    let state = state(&server).await;
    let body = json!({
        "source_uri": server.url("/talks/take%201.wav?X-Signature=secret"), "tags": ["x"], "source_ref": "r",
        "meta": {"k": 1}
    });
    let progress = WorkProgress::default();
    let asset = progress.watch(state.api.post(ASSETS, &body)).await;
    assert_eq!(asset.header("location"), Some(format!("{ASSETS}/{}", asset.id()).as_str()));
    assert_eq!(progress.read(), (Some("probing"), 1.0));
    let (id, asset) = (asset.id(), asset.created());
    let uploaded = state.upload(&bytes, &[]).await.created();
    for name in
        ["kind", "source_uri", "duration_ms", "sample_rate", "audio_channels", "codec_info", "content_sha256"]
    {
        assert_eq!(asset[name], uploaded[name], "{name}");
    }
    assert_eq!((&asset["tags"], &asset["source_ref"]), (&json!(["x"]), &json!("r")));
    let fetched_from = server.url("/talks/take%201.wav");
    let meta = json!({
        "k": 1, "file_name": "take 1.wav", "media_type": "audio/wav", "fetched_from": fetched_from
    });
    assert_eq!(asset["meta"], meta);
    assert_eq!(state.api.get(&format!("{ASSETS}/{id}/content")).await.body, bytes);
    assert_eq!((server.requests().len(), state.media.blob_files()), (1, 1));
}

#[tokio::test]
async fn idempotency_key_fetches_a_file_once() {
    let bytes = wav(8_000, 1, 800);
    let server = WebServer::start(move |exchange| exchange.send_file(&bytes, "\"a\""));
    let state = state(&server).await;
    let api = state.api.header("idempotency-key", "k1");
    let body = json!({"source_uri": server.url("/talk.wav")});
    let (first, again) = (api.post(ASSETS, &body).await, api.post(ASSETS, &body).await);
    assert_eq!(first.created(), again.created());
    assert_eq!((server.requests().len(), state.asset_count().await), (1, 1));
    // Without the key a registration is a new asset, as an upload is.
    assert_ne!(register(&state, server.url("/talk.wav")).await.id(), first.id());
}

#[tokio::test]
async fn broken_transfers_leave_only_the_complete_file() {
    let bytes = wav(8_000, 1, 100_000);
    let (served, half) = (bytes.clone(), bytes.len() / 2);
    let server = WebServer::start(move |exchange| {
        // `/ranges` continues; `/whole` has no ETag, and starts again.
        let is_first = exchange.index() % 2 == 0;
        let first = match exchange.target() {
            "/ranges" => exchange.begin_file(served.len(), "\"a\""),
            _ => {
                exchange.begin("200 -", &format!("content-length: {}\r\n", served.len()));
                0
            }
        };
        exchange.send(&served[first..if is_first { half } else { served.len() }]);
    });
    let state = state(&server).await;
    for path in ["/ranges", "/whole"] {
        let asset = register(&state, server.url(path)).await;
        let content = state.api.get(&format!("{ASSETS}/{}/content", asset.id())).await;
        assert!(content.body == bytes, "{path}: {} bytes", content.body.len());
    }
    assert_eq!((server.requests().len(), state.media.blob_files()), (4, 1));
}

/// Breaks the first connection after four bytes, and then has another file.
fn change(exchange: &mut Exchange) {
    if exchange.index() == 0 {
        let _ = exchange.begin_file(8, "\"a\"");
        exchange.send("talk");
    } else {
        exchange.send_file(b"new talk", "\"b\"");
    }
}

#[tokio::test]
async fn failed_transfers_have_codes_and_leave_nothing() {
    type Answer = fn(&mut Exchange);
    let answers: [(Answer, u16, &str); 10] = [
        (|exchange| exchange.begin("404 -", "content-length: 0\r\n"), 422, "source_unreadable"),
        (
            |exchange| exchange.begin("302 -", "location: http://169.254.169.254/\r\n"),
            422,
            "source_redirect_refused",
        ),
        (
            |exchange| exchange.begin("302 -", "location: http://localhost/\r\n"),
            422,
            "source_redirect_refused",
        ),
        (|exchange| exchange.begin("503 -", "content-length: 0\r\n"), 502, "source_unavailable"),
        (|exchange| exchange.begin("200 -", "content-encoding: gzip\r\n"), 502, "source_response_invalid"),
        (|exchange| exchange.begin("200 -", "content-length: 9\r\n"), 502, "source_truncated"),
        (change, 409, "source_changed"),
        (Exchange::stall, 504, "source_timed_out"),
        (
            |exchange| {
                exchange.begin("200 -", &format!("content-length: {}\r\n", MAX_UPLOAD + 1));
                exchange.stall();
            },
            413,
            "upload_too_large",
        ),
        (
            |exchange| {
                exchange.begin("200 -", "");
                while exchange.send([0_u8; 64 << 10]) {}
            },
            413,
            "upload_too_large",
        ),
    ];
    for (answer, status, code) in answers {
        let server = WebServer::start(answer);
        let state = state(&server).await;
        register(&state, server.url("/talk.wav?X-Signature=secret")).await.problem(status, code);
        assert_eq!((state.media.blob_files(), state.asset_count().await), (0, 0), "{code}");
    }
}

#[tokio::test]
async fn address_that_is_not_allowed_is_refused_before_the_call_becomes_a_job() {
    let server = WebServer::start(|exchange| exchange.send_file(b"talk", "\"a\""));
    let state = state(&server).await;
    let deferred = defer(register(&state, server.url("/talk.wav"))).await;
    assert_eq!((deferred.status, &deferred.json()["code"]), (202, &json!("deferred")));
    for (uri, setting) in [
        ("http://example.org/talk.wav".to_owned(), "--source-host"),
        ("http://127.0.0.1/talk.wav".to_owned(), "--source-port"),
        (server.url("/talk.wav").replace("127.0.0.1", "user:secret@127.0.0.1"), "user name"),
        ("s3://bucket/talk.wav".to_owned(), "--source-bucket"),
    ] {
        let refused = defer(register(&state, uri.as_str())).await.problem(422, "source_not_allowed");
        let detail = refused["detail"].as_str().unwrap();
        assert!(detail.contains(setting) && !detail.contains("secret"), "{detail}");
    }
    let invalid = json!({"source_uri": server.url("/talk.wav"), "tags": [""]});
    assert_eq!(defer(state.api.post(ASSETS, &invalid)).await.invalid(), ["/tags/0"]);
    // Other sources never become jobs.
    let file = state.source("talk.wav", &wav(8_000, 1, 80));
    defer(register(&state, file)).await.created();
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn objects_of_allowed_buckets_are_registered_in_the_prefix_of_the_tenant() {
    let store = FakeS3::start().unwrap();
    let bucket = open_bucket(&"s3://media".parse().unwrap(), store.options()).unwrap();
    let bytes = wav(8_000, 1, 800);
    for key in ["of/t1/talk.wav", "of/t2/talk.wav", "shared/talk.wav"] {
        bucket.put(&key.into(), bytes.clone().into()).await.unwrap();
    }
    let sources = RemoteSources::new(RemoteConfig {
        buckets: ["s3://media/of/{tenant}", "s3://media/shared"].map(|text| text.parse().unwrap()).into(),
        store_options: store.options().into(),
        ..RemoteConfig::default()
    });
    let state = TestState::with(sources.unwrap()).await;
    let asset = register(&state, "s3://media/of/t1/talk.wav").await.created();
    assert_eq!(asset["size_bytes"], bytes.len());
    assert_eq!(asset["meta"]["fetched_from"], "s3://media/of/t1/talk.wav");
    register(&state, "s3://media/of/t2/talk.wav").await.problem(422, "source_not_allowed");
    register(&state, "s3://media/of/t1/none.wav").await.problem(422, "source_unreadable");
    register(&state, "s3://media/shared/talk.wav").await.created();
    let by_writer = async |uri: &str| {
        let (caller, description) = (context("t1"), Description::default());
        state.media.service.register_source(&caller, uri.to_owned(), description, AccessLevel::Write).await
    };
    assert!(by_writer("s3://media/of/t1/talk.wav").await.is_ok());
    let refused = by_writer("s3://media/shared/talk.wav").await;
    assert!(matches!(refused, Err(media_v2::MediaError::SourceNeedsAdmin)), "{refused:?}");
}

#[tokio::test]
async fn objects_of_google_and_azure_are_registered_with_their_hash() {
    let bytes = wav(48_000, 2, 24_000);
    for cloud in Cloud::ALL {
        let served = bytes.clone();
        // The first connection breaks after half of the object.
        let server = WebServer::start(move |exchange| match exchange.index() {
            0 => {
                let _ = exchange.begin_object(served.len(), "\"a\"");
                exchange.send(&served[..served.len() / 2]);
            }
            _ => exchange.send_object(&served, "\"a\""),
        });
        let sources = RemoteSources::new(RemoteConfig {
            buckets: vec![cloud.uri("{tenant}").parse().unwrap()],
            store_options: cloud.options(&server),
            ..RemoteConfig::default()
        });
        let state = TestState::with(sources.unwrap()).await;
        let asset = register(&state, cloud.uri("t1/take.wav")).await.created();
        let uploaded = state.upload(&bytes, &[]).await.created();
        assert_eq!(asset["content_sha256"], uploaded["content_sha256"], "{cloud:?}");
        assert_eq!(asset["duration_ms"], uploaded["duration_ms"], "{cloud:?}");
        assert_eq!(asset["meta"]["fetched_from"], cloud.uri("t1/take.wav").as_str(), "{cloud:?}");
        assert_eq!((server.requests().len(), state.media.blob_files()), (2, 1), "{cloud:?}");
        register(&state, cloud.uri("t2/take.wav")).await.problem(422, "source_not_allowed");
    }
}
