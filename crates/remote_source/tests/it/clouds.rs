//! Transfers from Google Cloud Storage and Azure Blob Storage, by the clients that read them in production.

use remote_source::RemoteConfig;
use test_kit::{Cloud, Exchange, WebServer};

use crate::support::{Fetched, LIMIT, fetch, file, kind};

const LENGTH: usize = 1_000_000;

/// The prefix `in` of the bucket.
fn config(cloud: Cloud, server: &WebServer) -> RemoteConfig {
    RemoteConfig {
        buckets: vec![cloud.uri("in").parse().unwrap()],
        store_options: cloud.options(server),
        ..RemoteConfig::default()
    }
}

#[tokio::test]
async fn objects_of_clouds_are_fetched_with_the_credentials_of_the_operator() {
    for cloud in Cloud::ALL {
        let server = WebServer::start(move |exchange| {
            let is_authorized = exchange
                .header("authorization")
                .is_some_and(|value| value.starts_with(cloud.authorization()));
            match exchange.object_key().as_str() {
                _ if !is_authorized => exchange.refuse_object(401),
                "in/take 1.wav" => exchange.send_object(&file(3 << 20), "\"a\""),
                "in/empty" => exchange.send_object(b"", "\"a\""),
                "in/large" => exchange.send_object(&file(LIMIT as usize + 1), "\"a\""),
                "in/refused" => exchange.refuse_object(403),
                _ => exchange.refuse_object(404),
            }
        });
        let fetch = async |key: &str| fetch(config(cloud, &server), &cloud.uri(key)).await;
        let found = fetch("in/take%201.wav").await.unwrap();
        assert!(found == Fetched { bytes: file(3 << 20), restarts: 0 }, "{cloud:?}");
        assert_eq!(fetch("in/empty").await.unwrap(), Fetched::default(), "{cloud:?}");
        for (key, expected) in [
            ("in/large", "too large"),
            ("in/none", "unreadable"),
            ("in/refused", "unreadable"),
            ("out/secret", "not allowed"),
        ] {
            let refused = fetch(key).await;
            assert_eq!(kind(&refused), expected, "{cloud:?} {key}: {refused:?}");
        }
    }
}

/// A server of one object, that breaks the first connection after half of it and then answers with `rest`.
fn breaking(rest: impl Fn(&mut Exchange) + Send + Sync + 'static) -> WebServer {
    WebServer::start(move |exchange| {
        if exchange.index() == 0 {
            let _ = exchange.begin_object(LENGTH, "\"a\"");
            exchange.send(&file(LENGTH)[..LENGTH / 2]);
        } else {
            rest(exchange);
        }
    })
}

#[tokio::test]
async fn broken_transfers_of_clouds_continue_where_they_ended() {
    for cloud in Cloud::ALL {
        let server = breaking(|exchange| exchange.send_object(&file(LENGTH), "\"a\""));
        let found = fetch(config(cloud, &server), &cloud.uri("in/talk.wav")).await.unwrap();
        assert!(found == Fetched { bytes: file(LENGTH), restarts: 0 }, "{cloud:?}");
        let requests = server.requests();
        assert_eq!(requests.len(), 2, "{cloud:?}");
        let rest = requests[1].to_ascii_lowercase();
        assert!(rest.contains("\r\nrange: bytes=") && rest.contains("-999999\r\n"), "{cloud:?}: {rest}");
        assert!(!rest.contains("range: bytes=0-"), "{cloud:?}: {rest}");
    }
}

#[tokio::test]
async fn object_of_a_cloud_that_changes_while_it_is_fetched_is_noticed() {
    for cloud in Cloud::ALL {
        let server = breaking(|exchange| exchange.send_object(&file(LENGTH), "\"b\""));
        let refused = fetch(config(cloud, &server), &cloud.uri("in/talk.wav")).await;
        assert_eq!(kind(&refused), "changed", "{cloud:?}: {refused:?}");
    }
}
