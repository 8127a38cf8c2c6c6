//! Request bodies in memory: each has the limit of its route, and all bodies of a process share one memory budget.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::body::HttpBody as _;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request};
use axum::{Extension, RequestExt as _, Router};
use bytes::{Bytes, BytesMut};
use http::{Extensions, header};
use http_body_util::{BodyExt as _, LengthLimitError};
use serde::de::DeserializeOwned;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::Problem;
use crate::codes::{BODY_TOO_LARGE, BUSY, REQUEST_TIMEOUT, UNREADABLE_BODY};
use crate::parse_json::parse_json;
use crate::reading::{BodyTimedOut, is_caused_by};

/// Maximum number of bytes in memory of all request bodies: 1.5 times the largest body.
const BUDGET: usize = 96 << 20;
/// Unit in which the budget is acquired, in bytes.
const PIECE: usize = 64 << 10;
/// Bodies up to this size (bytes) take no share of the budget: the number of connections bounds them.
const FREE: usize = PIECE;
/// Bodies larger than this (bytes) take milliseconds to parse and are parsed on a blocking thread.
const LARGE: usize = 256 << 10;
/// Timeout for acquiring the next piece of the budget. The body that has waited longest fails first, and its share goes
/// to the others.
const PATIENCE: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 5 });
/// Deadline for a body that is buffered in memory: this time, plus one second per `BYTES_PER_SECOND` bytes.
const GRACE: Duration = Duration::from_secs(if cfg!(test) { 2 } else { 60 });
const BYTES_PER_SECOND: usize = 256 << 10;

static PIECES: Budget = LazyLock::new(|| Arc::new(Semaphore::new(BUDGET / PIECE)));
/// The budget of answers that are stored under an `Idempotency-Key`.
static ANSWERS: Budget = LazyLock::new(|| Arc::new(Semaphore::new(BUDGET / PIECE)));

/// A memory budget, in pieces.
type Budget = LazyLock<Arc<Semaphore>>;

/// Maximum sizes of JSON bodies, for middleware that reads a body before its handler: a request extension.
#[derive(Clone, Debug)]
pub struct JsonLimit {
    bytes: usize,
    of_routes: Arc<[RouteLimit]>,
}

/// A route as the router spells it, and its maximum body size in bytes.
pub type RouteLimit = (&'static str, usize);

impl JsonLimit {
    /// 1 MiB, where [`limit_json`] sets no other limit.
    const DEFAULT: usize = 1 << 20;

    /// Maximum size of the JSON body of a request with these extensions, in bytes.
    #[must_use]
    pub fn of(extensions: &Extensions) -> usize {
        let Some(limits) = extensions.get::<Self>() else { return Self::DEFAULT };
        let route = extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
        let own = limits.of_routes.iter().find(|(limited, _)| *limited == route);
        own.map_or(limits.bytes, |(_, bytes)| *bytes)
    }
}

/// Limits JSON bodies of `router` to `bytes`, except on `of_routes`, which set their limits themselves
/// ([`DefaultBodyLimit`]).
pub fn limit_json(router: Router, bytes: usize, of_routes: &[RouteLimit]) -> Router {
    let limit = JsonLimit { bytes, of_routes: of_routes.into() };
    router.layer(DefaultBodyLimit::max(bytes)).layer(Extension(limit))
}

/// A share of a budget that grows with the bytes received.
#[derive(Debug, Default)]
struct GrowingShare(Option<OwnedSemaphorePermit>);

impl GrowingShare {
    /// Grows the share to `bytes`; false when the budget has no piece left for [`PATIENCE`]. One body may be larger
    /// than the whole budget.
    async fn grow(&mut self, budget: &Arc<Semaphore>, bytes: usize) -> bool {
        while bytes.min(BUDGET) > FREE + self.0.as_ref().map_or(0, OwnedSemaphorePermit::num_permits) * PIECE
        {
            // The semaphore is never closed.
            let next = tokio::time::timeout(PATIENCE, budget.clone().acquire_owned()).await;
            let Ok(Ok(next)) = next else { return false };
            match &mut self.0 {
                Some(held) => held.merge(next),
                None => self.0 = Some(next),
            }
        }
        true
    }
}

/// An answer that is buffered in memory; all answers of a process share one budget.
#[derive(Debug, Default)]
pub(crate) struct BufferedAnswer {
    bytes: BytesMut,
    share: GrowingShare,
}

impl BufferedAnswer {
    /// Appends `piece`; false when the answer is then longer than `limit` bytes, or the budget is used up.
    pub(crate) async fn push(&mut self, piece: &[u8], limit: usize) -> bool {
        self.bytes.extend_from_slice(piece);
        self.bytes.len() <= limit && self.share.grow(&ANSWERS, self.bytes.len()).await
    }

    /// The bytes; their share is released with the last clone.
    pub(crate) fn into_bytes(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for BufferedAnswer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// A share of the budget, released when its last clone is dropped.
#[derive(Clone, Debug, Default)]
struct Share {
    _permits: Option<Arc<OwnedSemaphorePermit>>,
}

/// A buffered body with its share of the budget.
#[derive(Clone, Debug)]
pub struct BufferedBody {
    /// Content of the body.
    pub bytes: Bytes,
    share: Share,
}

impl BufferedBody {
    /// Reads the body of `request`, up to the limit of its route ([`axum::extract::DefaultBodyLimit`]).
    ///
    /// # Errors
    /// 413 `body_too_large`, 503 `busy`, 408 `request_timeout`, 400 `unreadable_body`.
    pub(crate) async fn read(request: Request) -> Result<Self, Problem> {
        read(request.with_limited_body()).await
    }

    /// Reads the body of `request`, up to `limit` bytes.
    ///
    /// # Errors
    /// 413 `body_too_large`, 503 `busy`, 408 `request_timeout`, 400 `unreadable_body`.
    pub async fn read_limited(request: Request, limit: usize) -> Result<Self, Problem> {
        read(request.map(|body| axum::body::Body::new(http_body_util::Limited::new(body, limit)))).await
    }

    /// Returns the bytes and moves their share to `extensions` of the request, which hold it until the body is read and
    /// dropped.
    pub fn into_request(self, extensions: &mut Extensions) -> Bytes {
        extensions.insert(self.share);
        self.bytes
    }

    /// Parses the body as JSON, a large one on a blocking thread.
    pub(crate) async fn parse<T: DeserializeOwned + Send + 'static>(self) -> Result<T, Problem> {
        self.run(|bytes| parse_json(bytes)).await?
    }

    /// Runs `work` on the bytes, for a large body on a blocking thread.
    ///
    /// # Errors
    /// 500 when it panics.
    pub async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce(&[u8]) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        if self.bytes.len() <= LARGE {
            return Ok(work(&self.bytes));
        }
        tokio::task::spawn_blocking(move || work(&self.bytes)).await.map_err(Problem::internal)
    }
}

async fn read(request: Request) -> Result<BufferedBody, Problem> {
    if let Some(share) = request.extensions().get::<Share>().cloned() {
        let bytes = request.into_body().collect().await.map_err(unbuffered)?.to_bytes();
        return Ok(BufferedBody { bytes, share });
    }
    let length = request.headers().get(header::CONTENT_LENGTH);
    let declared = length.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let mut body = request.into_body();
    // A body whose declared length exceeds the limit is not read.
    if declared.is_some_and(|length| body.size_hint().upper().is_some_and(|limit| length as u64 > limit)) {
        return Err(body_too_large());
    }
    let deadline = Deadline { begin: Instant::now(), declared: declared.unwrap_or(0) };
    let mut held = GrowingShare::default();
    let mut bytes = BytesMut::new();
    while let Some(frame) = deadline.meet(bytes.len(), body.frame()).await?.transpose().map_err(unbuffered)? {
        let Ok(piece) = frame.into_data() else { continue };
        // A declared length costs nothing: the budget is for bytes received.
        if !held.grow(&PIECES, bytes.len() + piece.len()).await {
            return Err(busy());
        }
        bytes.extend_from_slice(&piece);
    }
    let share = Share { _permits: held.0.map(Arc::new) };
    Ok(BufferedBody { bytes: bytes.freeze(), share })
}

/// Deadline by which a body must have arrived.
struct Deadline {
    begin: Instant,
    /// Length that the request declares, in bytes; 0 without one.
    declared: usize,
}

impl Deadline {
    /// Awaits `next`, the next frame of a body of which `received` bytes have arrived, until the deadline.
    async fn meet<T>(&self, received: usize, next: impl Future<Output = T>) -> Result<T, Problem> {
        let seconds = self.declared.max(received) as f64 / BYTES_PER_SECOND as f64;
        let end = self.begin + GRACE + Duration::from_secs_f64(seconds);
        tokio::time::timeout_at(end, next).await.map_err(|_| timed_out())
    }
}

fn busy() -> Problem {
    Problem::new(BUSY, "too many large bodies are being read; send this one again later").retry_after(5)
}

/// The problem for a body that could not be read to its end.
pub(crate) fn unbuffered(error: axum::Error) -> Problem {
    let error = error.into_inner();
    if is_caused_by::<LengthLimitError>(&*error) {
        return body_too_large();
    }
    if is_caused_by::<BodyTimedOut>(&*error) {
        return timed_out();
    }
    Problem::new(UNREADABLE_BODY, "the body ended before its declared end").caused_by(error)
}

pub(crate) fn body_too_large() -> Problem {
    Problem::new(BODY_TOO_LARGE, "the body is larger than this route accepts; send it in parts")
}

pub(crate) fn timed_out() -> Problem {
    Problem::new(REQUEST_TIMEOUT, "the body did not arrive in time")
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use futures::{StreamExt as _, stream};

    use super::*;

    fn chunked(length: usize) -> Request {
        let piece = |_| Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 1 << 10]));
        Request::new(Body::from_stream(stream::iter((0..length >> 10).map(piece))))
    }

    /// Declares a length of `declared` bytes, sends `sent` of them, and then stalls.
    fn stalled(declared: usize, sent: usize) -> Request {
        let piece = |_| Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 1 << 10]));
        let body = stream::iter((0..sent >> 10).map(piece)).chain(stream::pending());
        let request = Request::post("/").header(header::CONTENT_LENGTH, declared);
        request.body(Body::from_stream(body)).unwrap()
    }

    /// A single test, because the budget is shared by the process.
    #[tokio::test]
    async fn large_bodies_share_a_budget() {
        const ALL: usize = BUDGET / PIECE;
        let limit = BUDGET;
        let read = async |request| BufferedBody::read_limited(request, limit).await;
        assert_eq!(read(chunked(limit + (1 << 20))).await.unwrap_err().code(), "body_too_large");
        assert_eq!(PIECES.available_permits(), ALL, "a refused body releases its share");

        let small = read(chunked(FREE)).await.unwrap();
        assert_eq!((small.bytes.len(), PIECES.available_permits()), (FREE, ALL));

        let spawn = |request| tokio::spawn(BufferedBody::read_limited(request, limit));
        let declared: Vec<_> = (0..10).map(|_| spawn(stalled(BUDGET, 1 << 10))).collect();
        let held = spawn(stalled(BUDGET, FREE + 2 * PIECE));
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(PIECES.available_permits(), ALL - 2, "declared bytes that do not arrive cost nothing");
        assert!(read(chunked(BUDGET / 2)).await.is_ok());
        let all = read(chunked(BUDGET - 2 * PIECE)).await.unwrap();
        assert_eq!(read(chunked(4 * PIECE)).await.unwrap_err().code(), "busy", "after the timeout");
        assert!(read(chunked(FREE)).await.is_ok(), "small bodies need no share");
        drop(all);
        for reading in declared.into_iter().chain([held]) {
            reading.abort();
            let _ = reading.await;
        }

        let first = read(chunked(FREE * 2)).await.unwrap();
        assert_eq!(PIECES.available_permits(), ALL - 1);
        let mut again = Request::new(Body::empty());
        *again.body_mut() = Body::from(first.clone().into_request(again.extensions_mut()));
        let again = read(again).await.unwrap();
        drop(first);
        assert_eq!(PIECES.available_permits(), ALL - 1, "acquired once, until the last clone is dropped");
        drop(again);
        assert_eq!(PIECES.available_permits(), ALL);
    }

    #[tokio::test]
    async fn answers_in_memory_share_a_budget() {
        let piece = vec![0; PIECE];
        let mut answers: [BufferedAnswer; 2] = Default::default();
        let [first, second] = &mut answers;
        for _ in 0..BUDGET / PIECE {
            assert!(first.push(&piece, BUDGET).await);
        }
        assert!(second.push(&piece, BUDGET).await, "a small answer needs no share");
        assert!(second.push(&piece, BUDGET).await, "the last piece");
        assert!(!second.push(&piece, BUDGET).await, "after the timeout");
        assert!(!BufferedAnswer::default().push(&piece, PIECE - 1).await, "longer than its limit");
        let bytes = answers.map(BufferedAnswer::into_bytes);
        assert_eq!(bytes.each_ref().map(Bytes::len), [BUDGET, 3 * PIECE]);
        assert_eq!(ANSWERS.available_permits(), 0);
        drop(bytes);
        assert_eq!(ANSWERS.available_permits(), BUDGET / PIECE);
    }

    #[tokio::test]
    async fn a_body_in_memory_has_a_deadline() {
        let begin = Instant::now();
        let slow = BufferedBody::read_limited(stalled(BYTES_PER_SECOND, 1 << 10), BUDGET).await;
        assert_eq!(slow.unwrap_err().code(), "request_timeout");
        let seconds = begin.elapsed().as_secs_f64();
        assert!((2.9..5.0).contains(&seconds), "two seconds and one for the length: {seconds}");
    }
}
