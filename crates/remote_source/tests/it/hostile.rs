//! Servers that try to reach other servers, to exhaust the service, or that lie.

use std::time::Duration;

use remote_source::RemoteConfig;
use test_kit::{Exchange, WebServer};

use crate::support::{ATTEMPTS, Fetched, LIMIT, Names, config, fetch, fetch_talk, file, kind};

fn redirecting(location: impl Into<String>) -> WebServer {
    let location = location.into();
    WebServer::start(move |exchange| {
        exchange.begin("302 Found", &format!("location: {location}\r\ncontent-length: 0\r\n"));
    })
}

#[tokio::test]
async fn redirects_to_metadata_addresses_are_refused() {
    for location in [
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/latest/meta-data/",
        "http://127.0.0.2/",
        "http://2130706434/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
    ] {
        let server = redirecting(location);
        let mut config = config(&server);
        config.ports.push(80);
        let refused = fetch(config, &server.url("/talk.wav")).await;
        assert_eq!(kind(&refused), "redirect refused", "{location}: {refused:?}");
        assert_eq!(server.requests().len(), 1, "{location}");
    }
}

#[tokio::test]
async fn redirect_to_a_name_of_this_machine_is_refused_when_it_is_resolved() {
    let secret = WebServer::start(|exchange| exchange.send_file(b"secret", "\"a\""));
    let server = redirecting(format!("http://localhost:{}/secret", secret.port()));
    let mut config = config(&server);
    config.ports.push(secret.port());
    config.names = Names::new("localhost", [&["127.0.0.2", "::1"]]);
    let refused = fetch(config, &server.url("/talk.wav")).await;
    assert_eq!(kind(&refused), "address refused", "{refused:?}");
    assert!(secret.requests().is_empty());
}

#[tokio::test]
async fn redirects_are_followed_five_times_within_the_allowed_hosts() {
    let server = WebServer::start(|exchange| match exchange.target().to_owned().as_str() {
        "/5" => exchange.send_file(b"talk", "\"a\""),
        "/other" => exchange.begin("307 -", "location: http://localhost/talk.wav\r\ncontent-length: 0\r\n"),
        target => {
            let next = target[1..].parse::<i32>().unwrap() + 1;
            exchange.begin("301 -", &format!("location: /{next}\r\ncontent-length: 0\r\n"));
        }
    });
    let only_server = || RemoteConfig { hosts: vec!["127.0.0.1".parse().unwrap()], ..config(&server) };
    let found = fetch(only_server(), &server.url("/0")).await.unwrap();
    assert_eq!(found.bytes, b"talk");
    let refused = fetch(only_server(), &server.url("/-1")).await;
    assert_eq!(kind(&refused), "redirect refused", "the sixth");
    assert_eq!(server.requests().len(), 6 + 6);
    assert_eq!(kind(&fetch(only_server(), &server.url("/other")).await), "redirect refused");
}

/// Sends pieces of 64 KiB until the client disconnects.
fn send_for_ever(exchange: &mut Exchange, is_chunked: bool) {
    let bytes = file(64 << 10);
    let chunk = [b"10000\r\n", bytes.as_slice(), b"\r\n"].concat();
    while exchange.send(if is_chunked { &chunk } else { &bytes }) {}
}

#[tokio::test]
async fn endless_bodies_end_at_the_size_limit() {
    let chunked = WebServer::start(|exchange| {
        exchange.begin("200 OK", "transfer-encoding: chunked\r\n");
        send_for_ever(exchange, true);
    });
    let until_closed = WebServer::start(|exchange| {
        exchange.begin("200 OK", "");
        send_for_ever(exchange, false);
    });
    for server in [chunked, until_closed] {
        assert_eq!(kind(&fetch_talk(&server).await), "too large");
        assert_eq!(server.requests().len(), 1);
    }
    let declared = WebServer::start(|exchange| {
        exchange.begin("200 OK", &format!("content-length: {}\r\n", LIMIT + 1));
        exchange.stall();
    });
    assert_eq!(
        kind(&fetch_talk(&declared).await),
        "too large",
        "by its declared length, without a byte of it"
    );
}

#[tokio::test]
async fn stalled_servers_time_out_in_every_attempt() {
    let silent = WebServer::start(Exchange::stall);
    let silent_in_the_body = WebServer::start(|exchange| {
        let _ = exchange.begin_file(1_000, "\"a\"");
        exchange.stall();
    });
    for server in [silent, silent_in_the_body] {
        let mut config = config(&server);
        config.limits.stall = Duration::from_millis(100);
        assert_eq!(kind(&fetch(config, &server.url("/talk.wav")).await), "timed out");
        assert_eq!(server.requests().len(), ATTEMPTS);
    }
}

/// Sends a byte every few milliseconds until the client disconnects.
fn drip(exchange: &mut Exchange) {
    exchange.begin("200 OK", "content-length: 1000000\r\netag: \"a\"\r\n");
    while exchange.send(b"a") {
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[tokio::test]
async fn slow_bodies_time_out_by_their_rate_and_by_their_duration() {
    let server = WebServer::start(drip);
    let mut by_rate = config(&server);
    by_rate.limits.window = Duration::from_millis(200);
    by_rate.limits.bytes_per_second = 10 << 10;
    assert_eq!(kind(&fetch(by_rate, &server.url("/talk.wav")).await), "timed out");
    assert_eq!(server.requests().len(), 1, "a slow server is not asked again");
    let mut by_duration = config(&server);
    by_duration.limits.duration = Duration::from_millis(300);
    assert_eq!(kind(&fetch(by_duration, &server.url("/talk.wav")).await), "timed out");
}

#[tokio::test]
async fn too_long_content_length_is_a_truncated_file() {
    let server = WebServer::start(|exchange| {
        let first = exchange.begin_file(1_000, "\"a\"");
        exchange.send(&file(600)[first.min(600)..]);
    });
    let refused = fetch_talk(&server).await;
    assert_eq!(kind(&refused), "truncated", "{refused:?}");
    assert_eq!(server.requests().len(), ATTEMPTS);
}

#[tokio::test]
async fn bytes_beyond_the_content_length_of_a_server_without_ranges_are_not_read() {
    let server = WebServer::start(|exchange| {
        let _ = exchange.begin_file(600, "\"a\"");
        exchange.send(file(1_000));
    });
    let found = fetch_talk(&server).await.unwrap();
    assert_eq!(found, Fetched { bytes: file(600), restarts: 0 });
}

#[tokio::test]
async fn answers_that_are_not_the_bytes_of_a_file_are_refused() {
    for (answer, expected) in [
        ("HTTP/1.1 200 -\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\ntalk", "invalid answer"),
        ("HTTP/1.1 200 -\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\ntalk", "invalid answer"),
        (
            "HTTP/1.1 200 -\r\ntransfer-encoding: gzip, chunked\r\n\r\n4\r\ntalk\r\n0\r\n\r\n",
            "invalid answer",
        ),
        ("HTTP/1.1 206 -\r\ncontent-range: bytes 0-3/9\r\ncontent-length: 4\r\n\r\ntalk", "invalid answer"),
        ("HTTP/1.1 204 -\r\n\r\n", "invalid answer"),
        ("HTTP/1.1 302 -\r\ncontent-length: 0\r\n\r\n", "redirect refused"),
        ("SSH-2.0-OpenSSH_9.6\r\n\r\n", "invalid answer"),
        ("HTTP/1.1 404 -\r\ncontent-length: 0\r\n\r\n", "unreadable"),
        ("HTTP/1.1 403 -\r\ncontent-length: 0\r\n\r\n", "unreadable"),
        ("HTTP/1.1 503 -\r\ncontent-length: 0\r\n\r\n", "unavailable"),
        ("", "unavailable"),
    ] {
        let server = WebServer::start(move |exchange| {
            exchange.send(answer);
        });
        let refused = fetch_talk(&server).await;
        assert_eq!(kind(&refused), expected, "{answer:?}: {refused:?}");
        let requests = if expected == "unavailable" { ATTEMPTS } else { 1 };
        assert_eq!(server.requests().len(), requests, "{answer:?}");
    }
}

#[tokio::test]
async fn compressed_transfer_is_not_requested() {
    let server = WebServer::start(|exchange| exchange.send_file(b"talk", "\"a\""));
    assert_eq!(fetch_talk(&server).await.unwrap().bytes, b"talk");
    let request = server.requests()[0].to_ascii_lowercase();
    assert!(request.contains("accept-encoding: identity\r\n"), "{request}");
    assert!(!request.contains("referer") && !request.contains("authorization"), "{request}");
}

#[tokio::test]
async fn only_allowed_addresses_of_a_name_are_connected_to() {
    let server = WebServer::start(|exchange| exchange.send_file(b"talk", "\"a\""));
    let resolved = async |addresses: &[&str]| {
        let mut config = config(&server);
        config.names = Names::new("media.test", [addresses]);
        kind(&fetch(config, &format!("http://media.test:{}/talk.wav", server.port())).await)
    };
    assert_eq!(resolved(&["127.0.0.2", "127.0.0.1"]).await, "fetched");
    assert_eq!(
        resolved(&["127.0.0.2", "10.0.0.1", "::1", "::ffff:169.254.169.254"]).await,
        "address refused"
    );
    assert_eq!(server.requests().len(), 1);
}
