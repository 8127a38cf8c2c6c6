//! Request bodies in memory: each has the limit of its route, and all of a process share one budget.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::RequestExt as _;
use axum::body::HttpBody as _;
use axum::extract::Request;
use bytes::{Bytes, BytesMut};
use http::{Extensions, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError};
use serde::de::DeserializeOwned;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Problem;
use crate::extract::parse_json;
use crate::reading::BodyTimedOut;

/// The bytes that bodies of all requests may hold at once: one and a half of the largest.
const BUDGET: usize = 96 << 20;
/// The budget is counted in pieces of this size.
const PIECE: usize = 64 << 10;
/// A body up to this size costs nothing: the number of connections bounds them.
const FREE: usize = PIECE;
/// Parsing more than this takes milliseconds: it does not belong on an async thread.
const LARGE: usize = 256 << 10;
/// How long a body of a declared length waits for its share of the budget.
const PATIENCE: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 5 });

static PIECES: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(BUDGET / PIECE)));

/// A share of the budget. It goes back when its last clone is dropped.
#[derive(Clone, Debug, Default)]
struct Share {
    _permits: Option<Arc<Vec<OwnedSemaphorePermit>>>,
}

/// A body that was read, with its share of the budget.
#[derive(Clone, Debug)]
pub struct Buffered {
    /// The bytes.
    pub bytes: Bytes,
    share: Share,
}

impl Buffered {
    /// Reads the body of `request`, up to the limit of its route ([`axum::extract::DefaultBodyLimit`]).
    ///
    /// # Errors
    /// 413 `body_too_large`, 503 `busy`, 408 `request_timeout`, 400 `unreadable_body`.
    pub(crate) async fn read(request: Request) -> Result<Self, Problem> {
        read(request.with_limited_body()).await
    }

    /// As [`Buffered::read`] with this limit, in bytes.
    ///
    /// # Errors
    /// Those of a body that is too large, late, broken, or one too many.
    pub async fn read_limited(request: Request, limit: usize) -> Result<Self, Problem> {
        read(request.map(|body| axum::body::Body::new(http_body_util::Limited::new(body, limit)))).await
    }

    /// Lets whoever reads these bytes again know that they are paid for.
    pub fn mark(&self, extensions: &mut Extensions) {
        extensions.insert(self.share.clone());
    }

    /// The body as JSON; a large one is parsed on a blocking thread.
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

async fn read(request: Request) -> Result<Buffered, Problem> {
    if let Some(share) = request.extensions().get::<Share>().cloned() {
        let bytes = request.into_body().collect().await.map_err(unbuffered)?.to_bytes();
        return Ok(Buffered { bytes, share });
    }
    let length = request.headers().get(header::CONTENT_LENGTH);
    let declared = length.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let mut body = request.into_body();
    // Nothing is read of a body whose declared length is beyond the limit.
    if declared.is_some_and(|length| body.size_hint().upper().is_some_and(|limit| length as u64 > limit)) {
        return Err(body_too_large());
    }
    let mut permits = Vec::new();
    let mut paid = FREE;
    // The share is taken once bytes come.
    let first = body.frame().await.transpose().map_err(unbuffered)?;
    if let Some(length) = declared.filter(|length| *length > FREE) {
        permits.extend(wait_for(length.min(BUDGET)).await?);
        paid = length;
    }
    let mut bytes = BytesMut::with_capacity(declared.unwrap_or(0).min(BUDGET));
    let mut next = first;
    while let Some(frame) = next {
        if let Ok(piece) = frame.into_data() {
            while bytes.len() + piece.len() > paid {
                // Whoever holds a part of the budget must not wait for more of it.
                permits.push(PIECES.clone().try_acquire_owned().map_err(|_| busy())?);
                paid += PIECE;
            }
            bytes.extend_from_slice(&piece);
        }
        next = body.frame().await.transpose().map_err(unbuffered)?;
    }
    let share = Share { _permits: (!permits.is_empty()).then(|| Arc::new(permits)) };
    Ok(Buffered { bytes: bytes.freeze(), share })
}

async fn wait_for(length: usize) -> Result<Option<OwnedSemaphorePermit>, Problem> {
    let pieces = u32::try_from(length.div_ceil(PIECE)).map_err(|_| busy())?;
    let permit = tokio::time::timeout(PATIENCE, PIECES.clone().acquire_many_owned(pieces)).await;
    permit.map_err(|_| busy()).map(Result::ok)
}

fn busy() -> Problem {
    Problem::unavailable("busy", "too many large bodies are being read; send this one again later", 5)
}

/// The problem of a body that was not read to its end.
pub(crate) fn unbuffered(error: axum::Error) -> Problem {
    let error = error.into_inner();
    if is_caused_by::<LengthLimitError>(&*error) {
        return body_too_large();
    }
    if is_caused_by::<BodyTimedOut>(&*error) {
        return timed_out();
    }
    Problem::new(StatusCode::BAD_REQUEST, "unreadable_body", "the body ended before its declared end")
        .caused_by(error)
}

pub(crate) fn body_too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        "the body is larger than this route accepts; send it in parts",
    )
}

pub(crate) fn timed_out() -> Problem {
    Problem::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", "the body did not arrive in time")
}

/// Is `error`, or one of its sources, an `E`?
pub(crate) fn is_caused_by<E: std::error::Error + 'static>(
    error: &(dyn std::error::Error + 'static),
) -> bool {
    std::iter::successors(Some(error), |error| error.source()).any(|error| error.is::<E>())
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

    fn declared(length: usize) -> Request {
        let body = stream::once(async { Ok::<_, std::io::Error>(Bytes::from_static(b" ")) });
        let body = Body::from_stream(body.chain(stream::pending()));
        Request::post("/").header(header::CONTENT_LENGTH, length).body(body).unwrap()
    }

    /// One test: the budget is the process's.
    #[tokio::test]
    async fn large_bodies_share_a_budget() {
        let limit = 64 << 20;
        let read = async |request| Buffered::read_limited(request, limit).await;
        assert_eq!(read(chunked(limit + (1 << 20))).await.unwrap_err().code(), "body_too_large");
        assert_eq!(PIECES.available_permits(), BUDGET / PIECE, "what is refused gives its share back");

        let small = read(chunked(FREE)).await.unwrap();
        assert_eq!((small.bytes.len(), PIECES.available_permits()), (FREE, BUDGET / PIECE));

        let stalled: Vec<_> =
            (0..2).map(|_| tokio::spawn(Buffered::read_limited(declared(BUDGET / 2), limit))).collect();
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(PIECES.available_permits(), 0);
        assert_eq!(read(chunked(FREE * 2)).await.unwrap_err().code(), "busy");
        assert_eq!(read(declared(FREE * 2)).await.unwrap_err().code(), "busy", "after some patience");
        assert!(read(chunked(FREE)).await.is_ok(), "small ones need no share");
        for stalled in stalled {
            stalled.abort();
            let _ = stalled.await;
        }
        let first = read(chunked(FREE * 2)).await.unwrap();
        assert_eq!(PIECES.available_permits(), BUDGET / PIECE - 1);
        let mut again = Request::new(Body::from(first.bytes.clone()));
        first.mark(again.extensions_mut());
        let again = read(again).await.unwrap();
        drop(first);
        assert_eq!(PIECES.available_permits(), BUDGET / PIECE - 1, "paid once, until the last is gone");
        drop(again);
        assert_eq!(PIECES.available_permits(), BUDGET / PIECE);
    }
}
