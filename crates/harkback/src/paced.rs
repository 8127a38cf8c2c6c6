//! A stream with a time limit for writes, on which refusals of the HTTP layer are problem documents, and which is
//! closed only when its peer has had time to read the last answer.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::http::StatusCode;
use http_kit::boundary;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use crate::exchange::Exchange;

/// Maximum number of bytes read from a connection after its last answer, and for how long: closing it with unread input
/// would reset it, and the peer would lose the answer.
const DRAINED: usize = 1 << 20;
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// A stream that fails when its peer reads nothing for too long. Reads have no limit here: a connection also waits for
/// input while its request is handled.
#[derive(Debug)]
pub(crate) struct PacedStream<S> {
    stream: S,
    limit: Duration,
    /// Timer of a write that waits; `None` while none does.
    stalled: Option<Pin<Box<Sleep>>>,
    /// A problem document that replaces hyper's answer without a body.
    refusal: Option<Refusal>,
    has_refused: bool,
    exchange: Exchange,
    /// State after the sending side was shut down.
    drain: Option<Drain>,
}

#[derive(Debug)]
struct Drain {
    left: usize,
    deadline: Pin<Box<Sleep>>,
}

#[derive(Debug)]
struct Refusal {
    answer: Vec<u8>,
    written: usize,
    /// Length of hyper's answer that it replaces, in bytes.
    replaced: usize,
}

impl Refusal {
    /// hyper refuses input that it cannot parse with an empty body. `head` is such an answer.
    fn of(head: &[u8]) -> Option<Self> {
        let status = match head.get(..13)? {
            b"HTTP/1.1 400 " => StatusCode::BAD_REQUEST,
            b"HTTP/1.1 414 " => StatusCode::URI_TOO_LONG,
            b"HTTP/1.1 431 " => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            _ => return None,
        };
        let is_bare = head.windows(21).any(|line| line == b"\r\ncontent-length: 0\r\n");
        let answer = || boundary::http_refusal(status).into_bytes();
        is_bare.then(|| Self { answer: answer(), written: 0, replaced: head.len() })
    }
}

impl<S> PacedStream<S> {
    pub(crate) fn new(stream: S, limit: Duration, exchange: Exchange) -> Self {
        Self { stream, limit, stalled: None, refusal: None, has_refused: false, exchange, drain: None }
    }

    fn paced<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let limit = self.limit;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + limit)));
        stalled.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncWrite + Unpin> PacedStream<S> {
    /// Writes the replacement of `head`, if hyper refuses a request by it; `None` otherwise. Bytes of a handler's
    /// answer are sent unchanged, even if they look like a refusal.
    fn poll_refusal(&mut self, context: &mut Context<'_>, head: &[u8]) -> Option<Poll<io::Result<usize>>> {
        if self.refusal.is_none() && self.exchange.is_between_requests() {
            self.refusal = Refusal::of(head);
        }
        let refusal = self.refusal.as_mut()?;
        while refusal.written < refusal.answer.len() {
            let rest = &refusal.answer[refusal.written..];
            match Pin::new(&mut self.stream).poll_write(context, rest) {
                Poll::Ready(Ok(0)) => return Some(Poll::Ready(Err(io::ErrorKind::WriteZero.into()))),
                Poll::Ready(Ok(written)) => refusal.written += written,
                other => return Some(self.paced(context, other)),
            }
        }
        let replaced = refusal.replaced;
        self.has_refused = true;
        self.refusal = None;
        Some(Poll::Ready(Ok(replaced)))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for PacedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + Unpin> PacedStream<S> {
    /// Reads what the peer still sends after a refusal, to the end or until the limits.
    fn poll_drain(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let drain =
            self.drain.get_or_insert_with(|| Drain { left: DRAINED, deadline: Box::pin(sleep(DRAIN_TIME)) });
        let mut piece = [0; 8 << 10];
        while drain.left > 0 && drain.deadline.as_mut().poll(context).is_pending() {
            let mut buffer = ReadBuf::new(&mut piece);
            match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    drain.left = drain.left.saturating_sub(buffer.filled().len());
                }
                // The peer has ended, or is gone.
                Poll::Ready(_) => break,
            }
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for PacedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Some(refused) = self.poll_refusal(context, bytes) {
            return refused;
        }
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.paced(context, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        if let Poll::Ready(Ok(())) = flushed {
            self.exchange.flushed();
        }
        self.paced(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.drain.is_none() {
            let shut = Pin::new(&mut self.stream).poll_shutdown(context);
            ready!(self.paced(context, shut))?;
        }
        if self.has_refused || self.exchange.has_unread() {
            ready!(self.poll_drain(context));
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [head] = pieces
            && let Some(refused) = self.poll_refusal(context, head)
        {
            return refused;
        }
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.paced(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const REFUSAL: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";

    fn paced<S>(stream: S, limit_ms: u64) -> (PacedStream<S>, Exchange) {
        let exchange = Exchange::new();
        (PacedStream::new(stream, Duration::from_millis(limit_ms), exchange.clone()), exchange)
    }

    #[tokio::test]
    async fn peer_that_reads_nothing_times_out() {
        let (near, far) = tokio::io::duplex(10);
        let (mut near, _) = paced(near, 200);
        assert!(near.write_all(&[0; 10]).await.is_ok());
        assert_eq!(near.write_all(&[0; 1]).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(far);
    }

    #[tokio::test]
    async fn slow_peer_is_served() {
        let (near, mut far) = tokio::io::duplex(10);
        let (mut near, _) = paced(near, 300);
        let reader = tokio::spawn(async move {
            for _ in 0..5 {
                sleep(Duration::from_millis(100)).await;
                far.read_exact(&mut [0; 10]).await.unwrap();
            }
        });
        near.write_all(&[0; 50]).await.unwrap();
        reader.await.unwrap();
    }

    #[tokio::test]
    async fn only_bytes_written_between_requests_are_a_refusal() {
        let (near, mut far) = tokio::io::duplex(1 << 16);
        let (mut near, exchange) = paced(near, 1_000);
        exchange.begin();
        near.write_all(REFUSAL).await.unwrap();
        near.flush().await.unwrap();
        drop(exchange.answer(Body::empty(), false));
        near.write_all(REFUSAL).await.unwrap();
        let mut received = vec![0; 2 * REFUSAL.len()];
        far.read_exact(&mut received).await.unwrap();
        assert_eq!(received, REFUSAL.repeat(2), "the end of the answer was not sent yet");

        near.flush().await.unwrap();
        near.write_all(REFUSAL).await.unwrap();
        drop(near);
        let mut received = String::new();
        far.read_to_string(&mut received).await.unwrap();
        assert!(received.contains("malformed_request"), "{received}");
    }
}
