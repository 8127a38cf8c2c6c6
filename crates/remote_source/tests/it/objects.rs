//! Transfers from object stores.

use fake_s3::FakeS3;
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use remote_source::RemoteConfig;
use test_kit::WebServer;

use crate::support::{Fetched, LIMIT, fetch, file, kind};

fn config(store_options: Vec<(String, String)>) -> RemoteConfig {
    RemoteConfig { buckets: vec!["s3://media/in".parse().unwrap()], store_options, ..RemoteConfig::default() }
}

/// Stores an object in the bucket `media`.
async fn put(store: &FakeS3, key: &str, bytes: Vec<u8>) {
    let bucket = blob_store::open_bucket(&"s3://media".parse().unwrap(), store.options()).unwrap();
    bucket.put(&Path::parse(key).unwrap(), bytes.into()).await.unwrap();
}

#[tokio::test]
async fn objects_are_fetched_with_the_credentials_of_the_operator() {
    let store = FakeS3::start().unwrap();
    put(&store, "in/take 1.wav", file(3 << 20)).await;
    put(&store, "in/empty", Vec::new()).await;
    put(&store, "in/large", file(LIMIT as usize + 1)).await;
    put(&store, "out/secret", file(10)).await;
    let fetch = async |uri: &str| fetch(config(store.options().into()), uri).await;
    let found = fetch("s3://media/in/take%201.wav").await.unwrap();
    assert_eq!(found, Fetched { bytes: file(3 << 20), restarts: 0 });
    assert_eq!(fetch("s3://media/in/empty").await.unwrap(), Fetched::default());
    assert_eq!(kind(&fetch("s3://media/in/large").await), "too large");
    assert_eq!(kind(&fetch("s3://media/in/none").await), "unreadable");
    assert_eq!(kind(&fetch("s3://media/out/secret").await), "not allowed");
    store.refuse("GET");
    assert_eq!(kind(&fetch("s3://media/in/empty").await), "unreadable");
}

#[tokio::test]
async fn object_that_changes_while_it_is_fetched_is_noticed() {
    let server = WebServer::start(|exchange| {
        let common = "last-modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n";
        if exchange.index() == 0 {
            exchange.begin("200 -", &format!("{common}etag: \"a\"\r\ncontent-length: 1000\r\n"));
            exchange.send(&file(1_000)[..500]);
        } else if exchange.header("if-match").is_some() {
            exchange.begin("412 -", "content-length: 0\r\n");
        } else {
            // The client of the store continues without a condition, and compares the ETags.
            let range = "content-range: bytes 500-999/1000\r\ncontent-length: 500\r\n";
            exchange.begin("206 -", &format!("{common}etag: \"b\"\r\n{range}"));
            exchange.send(&file(1_000)[500..]);
        }
    });
    let options = [
        ("aws_endpoint", server.url("")),
        ("aws_allow_http", "true".to_owned()),
        ("aws_access_key_id", "a".to_owned()),
        ("aws_secret_access_key", "b".to_owned()),
        ("aws_region", "c".to_owned()),
    ];
    let options = options.map(|(name, value)| (name.to_owned(), value));
    let refused = fetch(config(options.into()), "s3://media/in/talk.wav").await;
    assert_eq!(kind(&refused), "changed", "{refused:?}");
}
