//! Files of which a server has more bytes than it declares.

use test_kit::{Exchange, WebServer};

use crate::support::{Fetched, LIMIT, fetch_talk, file, kind};

const DECLARED: usize = 600;
const LENGTH: usize = 1_000;

/// A server that declares the first bytes of a file, and answers further requests with `rest`.
fn declaring(headers: &'static str, rest: impl Fn(&mut Exchange) + Send + Sync + 'static) -> WebServer {
    WebServer::start(move |exchange| {
        if exchange.index() == 0 {
            let length = format!("accept-ranges: bytes\r\ncontent-length: {DECLARED}\r\n");
            exchange.begin("200 -", &(length + headers));
            exchange.send(file(LENGTH));
        } else {
            rest(exchange);
        }
    })
}

#[tokio::test]
async fn too_short_content_length_is_continued_with_a_strong_etag() {
    // The second connection breaks, too.
    let server = declaring("etag: \"a\"\r\n", |exchange| {
        let first = exchange.begin_file(LENGTH, "\"a\"");
        let end = if exchange.index() == 1 { 800 } else { LENGTH };
        exchange.send(&file(LENGTH)[first..end]);
    });
    assert_eq!(fetch_talk(&server).await.unwrap(), Fetched { bytes: file(LENGTH), restarts: 0 });
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    for (request, range) in requests[1..].iter().zip(["range: bytes=600-", "range: bytes=800-"]) {
        let request = request.to_ascii_lowercase();
        assert!(request.contains(range) && request.contains("\r\nif-range: \"a\"\r\n"), "{request}");
    }
}

#[tokio::test]
async fn further_bytes_of_another_version_are_a_changed_file() {
    type Answer = fn(&mut Exchange);
    let part = |exchange: &mut Exchange| {
        exchange.begin("206 -", "content-range: bytes 600-999/1000\r\ncontent-length: 400\r\n");
    };
    let answers: [(&str, &str, Answer); 6] = [
        ("without an ETag", "", part),
        ("with a weak ETag", "etag: W/\"a\"\r\n", part),
        ("the rest of another version", "etag: \"a\"\r\n", |exchange| {
            let headers = "etag: \"b\"\r\ncontent-range: bytes 600-999/1000\r\ncontent-length: 400\r\n";
            exchange.begin("206 -", headers);
        }),
        ("the whole of another version", "etag: \"a\"\r\n", |exchange| {
            exchange.send_file(&file(LENGTH), "\"b\"");
        }),
        ("another size", "", |exchange| {
            exchange.begin("416 -", "content-range: bytes */599\r\ncontent-length: 0\r\n");
        }),
        ("a failed precondition", "etag: \"a\"\r\n", |exchange| {
            exchange.begin("412 -", "content-length: 0\r\n");
        }),
    ];
    for (name, headers, answer) in answers {
        let server = declaring(headers, answer);
        let refused = fetch_talk(&server).await;
        assert_eq!(kind(&refused), "changed", "{name}: {refused:?}");
        assert_eq!(server.requests().len(), 2, "{name}");
    }
}

#[tokio::test]
async fn declared_size_is_kept_where_the_server_has_no_more_or_does_not_say() {
    type Answer = fn(&mut Exchange);
    let answers: [(&str, Answer); 6] = [
        ("the size", |exchange| {
            exchange.begin("416 -", "content-range: bytes */600\r\ncontent-length: 0\r\n");
        }),
        ("no size", |exchange| exchange.begin("416 -", "content-length: 0\r\n")),
        ("no ranges", |exchange| exchange.send_file(&file(DECLARED), "\"a\"")),
        ("another part", |exchange| {
            exchange.begin("206 -", "content-range: bytes 0-599/600\r\ncontent-length: 600\r\n");
        }),
        ("an error", |exchange| exchange.begin("503 -", "content-length: 0\r\n")),
        ("no answer", |_| ()),
    ];
    for (name, answer) in answers {
        let server = declaring("etag: \"a\"\r\n", answer);
        let found = fetch_talk(&server).await.unwrap();
        assert_eq!(found, Fetched { bytes: file(DECLARED), restarts: 0 }, "{name}");
        assert_eq!(server.requests().len(), 2, "{name}");
    }
}

#[tokio::test]
async fn further_bytes_count_for_the_size_limit() {
    let server = declaring("etag: \"a\"\r\n", |exchange| {
        let range = format!("content-range: bytes 600-{LIMIT}/{}\r\n", LIMIT + 1);
        exchange.begin("206 -", &range);
        exchange.stall();
    });
    assert_eq!(kind(&fetch_talk(&server).await), "too large");
}
