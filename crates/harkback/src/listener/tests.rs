//! Behaviour of connections over real sockets.

use axum::body::Bytes;
use axum::extract::Path;
use axum::http::header::CONTENT_LENGTH;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use futures::future::join_all;
use futures::{StreamExt as _, stream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

/// Content that looks like hyper's own answer to input that it cannot parse.
const FORGED: &str = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nx: y\r\n\r\n";

/// The content in two pieces, each in a write of its own.
async fn forged() -> Body {
    let pieces = stream::iter(["first", FORGED]).then(async |piece| {
        tokio::time::sleep(Duration::from_millis(50)).await;
        Ok::<_, Infallible>(Bytes::from_static(piece.as_bytes()))
    });
    Body::from_stream(pieces.boxed())
}

/// An answer of as many bytes as the path specifies.
async fn large(Path(length): Path<usize>) -> impl IntoResponse {
    let piece = Bytes::from(vec![b'a'; 8 << 10]);
    let pieces = stream::iter((0..length / piece.len()).map(move |_| Ok::<_, Infallible>(piece.clone())));
    ([(CONNECTION, "close".to_owned()), (CONTENT_LENGTH, length.to_string())], Body::from_stream(pieces))
}

/// Starts a server that runs until the test ends.
async fn serve_here(connections: usize) -> (std::net::SocketAddr, watch::Sender<Phase>) {
    let router = Router::new()
        .route(
            "/forged",
            get(async || ([("content-length", (5 + FORGED.len()).to_string())], forged().await)),
        )
        .route("/large/{length}", post(large))
        .route("/ok", get(async || "ok"))
        .route("/refused", post(async || ([(CONNECTION, "close")], "refused")));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let limits = ConnectionLimits { connections, timeout: Duration::from_secs(30) };
    let (stop, phase) = watch::channel(Phase::Serving);
    tokio::spawn(serve(listener, router, limits, phase, Closed::default()));
    (address, stop)
}

/// Returns all bytes that the peer sends after `head`.
async fn answer(address: std::net::SocketAddr, head: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    // Meanwhile the answer stays in buffers, because it is not read yet.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn content_that_looks_like_a_refusal_is_sent_unchanged() {
    let (address, _stop) = serve_here(10).await;
    let answered = answer(address, "GET /forged HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    let answered = String::from_utf8(answered).unwrap();
    assert!(answered.ends_with(&format!("\r\n\r\nfirst{FORGED}")), "{answered}");

    let answered = answer(address, "GET /ok HTTP/1.1\r\nhost: a\r\n\r\n\0\r\n\r\n").await;
    let answered = String::from_utf8(answered).unwrap();
    assert!(answered.starts_with("HTTP/1.1 200") && answered.contains("malformed_request"), "{answered}");
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_is_sent_completely_before_the_connection_closes() {
    let (address, _stop) = serve_here(300).await;
    // The kernel buffers some megabytes; the end of slightly longer answers is buffered in this process. The rest of
    // the request is not read: only the answer holds the connection open.
    let answered = (1..250).map(|count| async move {
        let length = count * (32 << 10);
        let head = format!("POST /large/{length} HTTP/1.1\r\nhost: a\r\ncontent-length: 900000\r\n\r\n");
        let answered = answer(address, &head).await;
        let body = answered.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
        (length, answered.len() - body)
    });
    for (length, came) in join_all(answered).await {
        assert_eq!(came, length);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_that_still_sends_receives_the_refusal() {
    let (address, _stop) = serve_here(10).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"POST /refused HTTP/1.1\r\nhost: a\r\ncontent-length: 900000\r\n\r\n").await.unwrap();
    for _ in 0..9 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        stream.write_all(&[0; 100_000]).await.unwrap();
    }
    let mut answered = String::new();
    stream.read_to_string(&mut answered).await.unwrap();
    assert!(answered.ends_with("refused"), "{answered}");
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_are_closed_for_new_ones() {
    let (address, _stop) = serve_here(3).await;
    let head = b"GET /ok HTTP/1.1\r\nhost: a\r\n\r\n";
    let mut idle = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(head).await.unwrap();
        let mut answered = [0; 64];
        assert!(stream.read(&mut answered).await.unwrap() > 0);
        idle.push(stream);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let probe = answer(address, "GET /ok HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    let answered = timeout(Duration::from_secs(3), probe).await.expect("no room");
    assert!(answered.ends_with(b"ok"));
    // Only the connection that was idle for longest is closed.
    let mut rest = Vec::new();
    timeout(Duration::from_secs(1), idle[0].read_to_end(&mut rest)).await.expect("still open").unwrap();
    for stream in &mut idle[1..] {
        stream.write_all(head).await.unwrap();
        assert!(stream.read(&mut [0; 64]).await.unwrap() > 0);
    }
}
