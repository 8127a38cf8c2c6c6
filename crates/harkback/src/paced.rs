//! A stream whose writes have a time limit, and on which refusals of the HTTP layer are problem documents.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::StatusCode;
use http_kit::boundary;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// A stream that fails when its peer takes nothing for too long. Reads have no limit here: a connection also waits for
/// input while its request is worked on.
#[derive(Debug)]
pub(crate) struct PacedStream<S> {
    stream: S,
    limit: Duration,
    /// Since a write began to wait.
    stalled: Option<Pin<Box<Sleep>>>,
    /// An answer in place of one that hyper gives without a body.
    refusal: Option<Refusal>,
    has_refused: bool,
}

#[derive(Debug)]
struct Refusal {
    answer: Vec<u8>,
    written: usize,
    /// How long the answer is that it stands for.
    replaced: usize,
}

impl Refusal {
    /// hyper refuses what it cannot parse by itself, with an empty body; no handler of ours does.
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
    pub(crate) fn new(stream: S, limit: Duration) -> Self {
        Self { stream, limit, stalled: None, refusal: None, has_refused: false }
    }

    /// Did hyper refuse a request on it?
    pub(crate) const fn has_refused(&self) -> bool {
        self.has_refused
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
    /// Writes what stands for `head`, if hyper refuses a request by it; nothing otherwise.
    fn poll_refusal(&mut self, context: &mut Context<'_>, head: &[u8]) -> Option<Poll<io::Result<usize>>> {
        if self.refusal.is_none() {
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

impl<S: AsyncWrite + Unpin> AsyncWrite for PacedStream<S> {
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
        self.paced(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.paced(context, shut)
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
    use tokio::io::AsyncWriteExt;

    use super::*;

    #[tokio::test]
    async fn a_peer_that_takes_nothing_times_out() {
        let (near, far) = tokio::io::duplex(10);
        let mut near = PacedStream::new(near, Duration::from_millis(200));
        assert!(near.write_all(&[0; 10]).await.is_ok());
        assert_eq!(near.write_all(&[0; 1]).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(far);
    }

    #[tokio::test]
    async fn a_slow_peer_is_served() {
        let (near, mut far) = tokio::io::duplex(10);
        let mut near = PacedStream::new(near, Duration::from_millis(300));
        let reader = tokio::spawn(async move {
            for _ in 0..5 {
                tokio::time::sleep(Duration::from_millis(100)).await;
                tokio::io::AsyncReadExt::read_exact(&mut far, &mut [0; 10]).await.unwrap();
            }
        });
        near.write_all(&[0; 50]).await.unwrap();
        reader.await.unwrap();
    }
}
