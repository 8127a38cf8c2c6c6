//! Transfers that break, and are continued.

use test_kit::{Exchange, WebServer};

use crate::support::{ATTEMPTS, Fetched, Names, config, fetch, fetch_talk, file, kind};

const LENGTH: usize = 100_000;

/// A server that breaks the first connection after `first` bytes of the file with the ETag `"a"`, and then answers with
/// `rest`.
fn breaking(first: usize, rest: impl Fn(&mut Exchange) + Send + Sync + 'static) -> WebServer {
    WebServer::start(move |exchange| {
        if exchange.index() == 0 {
            let _ = exchange.begin_file(LENGTH, "\"a\"");
            exchange.send(&file(LENGTH)[..first]);
        } else {
            rest(exchange);
        }
    })
}

#[tokio::test]
async fn broken_transfer_continues_where_it_ended() {
    let server = breaking(40_000, |exchange| exchange.send_file(&file(LENGTH), "\"a\""));
    assert_eq!(fetch_talk(&server).await.unwrap(), Fetched { bytes: file(LENGTH), restarts: 0 });
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    let rest = requests[1].to_ascii_lowercase();
    assert!(
        rest.contains("\r\nrange: bytes=40000-\r\n") && rest.contains("\r\nif-range: \"a\"\r\n"),
        "{rest}"
    );
}

#[tokio::test]
async fn transfer_that_breaks_often_continues_while_it_makes_progress() {
    // Each connection brings more than 1 MiB, so that none counts as failed.
    let (whole, step) = (file(7 << 20), 1_200_000);
    let bytes = whole.clone();
    let server = WebServer::start(move |exchange| {
        let first = exchange.begin_file(bytes.len(), "\"a\"");
        exchange.send(&bytes[first..bytes.len().min(first + step)]);
    });
    assert_eq!(fetch_talk(&server).await.unwrap(), Fetched { bytes: whole, restarts: 0 });
    assert!(server.requests().len() > ATTEMPTS, "{}", server.requests().len());
}

#[tokio::test]
async fn changed_file_is_noticed() {
    type Answer = fn(&mut Exchange);
    let answers: [(&str, Answer); 5] = [
        ("the whole of another version", |exchange| exchange.send_file(&file(LENGTH), "\"b\"")),
        ("the rest of another version", |exchange| {
            let headers =
                "etag: \"b\"\r\ncontent-range: bytes 40000-99999/100000\r\ncontent-length: 60000\r\n";
            exchange.begin("206 -", headers);
            exchange.send(&file(LENGTH)[40_000..]);
        }),
        ("another size", |exchange| {
            let headers =
                "etag: \"a\"\r\ncontent-range: bytes 40000-99998/99999\r\ncontent-length: 59999\r\n";
            exchange.begin("206 -", headers);
            exchange.send(&file(LENGTH)[40_001..]);
        }),
        ("a shorter file", |exchange| {
            exchange.begin("416 -", "content-range: bytes */9\r\ncontent-length: 0\r\n")
        }),
        ("a failed precondition", |exchange| exchange.begin("412 -", "content-length: 0\r\n")),
    ];
    for (name, answer) in answers {
        let server = breaking(40_000, answer);
        let refused = fetch_talk(&server).await;
        assert_eq!(kind(&refused), "changed", "{name}: {refused:?}");
        assert_eq!(server.requests().len(), 2, "{name}");
    }
}

#[tokio::test]
async fn another_part_than_requested_is_refused() {
    let server = breaking(40_000, |exchange| {
        let headers = "etag: \"a\"\r\ncontent-range: bytes 50000-99999/100000\r\ncontent-length: 50000\r\n";
        exchange.begin("206 -", headers);
        exchange.send(&file(LENGTH)[50_000..]);
    });
    assert_eq!(kind(&fetch_talk(&server).await), "invalid answer");
}

#[tokio::test]
async fn transfer_starts_again_where_the_server_cannot_continue_it() {
    let without_ranges = breaking(40_000, |exchange| {
        exchange.begin("200 -", &format!("etag: \"a\"\r\ncontent-length: {LENGTH}\r\n"));
        exchange.send(file(LENGTH));
    });
    let without_etag = WebServer::start(|exchange| {
        exchange.begin("200 -", &format!("content-length: {LENGTH}\r\n"));
        let end = if exchange.index() == 0 { 40_000 } else { LENGTH };
        exchange.send(&file(LENGTH)[..end]);
    });
    for server in [without_ranges, without_etag] {
        assert_eq!(fetch_talk(&server).await.unwrap(), Fetched { bytes: file(LENGTH), restarts: 1 });
    }
    // 2 MiB in each attempt: none counts as failed, but the file cannot be completed.
    let never_complete = WebServer::start(|exchange| {
        exchange.begin("200 -", &format!("content-length: {}\r\n", 3 << 20));
        exchange.send(file(2 << 20));
    });
    assert_eq!(kind(&fetch_talk(&never_complete).await), "truncated");
    assert_eq!(never_complete.requests().len(), 5, "three restarts, and a request that is too much");
}

#[tokio::test]
async fn end_of_a_file_of_unknown_size_is_found_after_a_broken_connection() {
    let server = WebServer::start(|exchange| {
        if exchange.index() == 0 {
            // All bytes arrive, but not the last chunk, which is empty.
            exchange.begin("200 -", "etag: \"a\"\r\ntransfer-encoding: chunked\r\n");
            exchange.send("4\r\ntalk\r\n");
        } else {
            exchange.begin("416 -", "content-range: bytes */4\r\ncontent-length: 0\r\n");
        }
    });
    assert_eq!(fetch_talk(&server).await.unwrap(), Fetched { bytes: b"talk".to_vec(), restarts: 0 });
}

#[tokio::test]
async fn overloaded_server_is_asked_again() {
    let server = WebServer::start(|exchange| match exchange.index() {
        0 => exchange.begin("503 -", "retry-after: 0\r\ncontent-length: 0\r\n"),
        1 => exchange.begin("429 -", "content-length: 0\r\n"),
        _ => exchange.send_file(b"talk", "\"a\""),
    });
    assert_eq!(fetch_talk(&server).await.unwrap().bytes, b"talk");
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn name_that_changes_its_address_is_checked_again() {
    let server = breaking(40_000, |exchange| exchange.send_file(&file(LENGTH), "\"a\""));
    let mut config = config(&server);
    config.names = Names::new("media.test", [&["127.0.0.1"], &["127.0.0.2"]]);
    let refused = fetch(config, &format!("http://media.test:{}/talk.wav", server.port())).await;
    assert_eq!(kind(&refused), "address refused", "{refused:?}");
    assert_eq!(server.requests().len(), 1);
}
