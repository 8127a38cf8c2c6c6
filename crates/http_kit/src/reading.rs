//! Watches the body of a request: whether it is read to its end, and whether it arrives in time.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

/// Minimum rate of request bodies.
#[derive(Clone, Copy, Debug)]
pub struct BodyPace {
    /// Maximum time without a byte.
    pub stall: Duration,
    /// Minimum mean rate, in bytes per second, of a body that has taken longer than `stall`.
    pub bytes_per_second: u64,
}

impl Default for BodyPace {
    fn default() -> Self {
        Self { stall: Duration::from_secs(30), bytes_per_second: 1 << 10 }
    }
}

/// The body of a request arrived too slowly.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the body did not arrive in time")]
pub struct BodyTimedOut;

impl BodyTimedOut {
    /// Whether `error`, or one of its sources, is a [`BodyTimedOut`].
    #[must_use]
    pub fn caused(error: &(dyn std::error::Error + 'static)) -> bool {
        is_caused_by::<Self>(error)
    }
}

/// State of a body, shared with its reader.
#[derive(Clone, Debug)]
pub(crate) struct Reading(Arc<AtomicBool>);

impl Reading {
    /// Watches the body of `request`, which must keep `pace`.
    pub(crate) fn watch(request: Request, pace: BodyPace) -> (Self, Request) {
        let reading = Self(Arc::new(AtomicBool::new(request.body().is_end_stream())));
        let watched = reading.clone();
        let watch = |body| Body::new(Watched { body, reading: watched, pace, clock: None, received: 0 });
        (reading, request.map(watch))
    }

    /// Whether the body was read to its end.
    pub(crate) fn is_over(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

struct Watched {
    body: Body,
    reading: Reading,
    pace: BodyPace,
    /// Started at the first wait for bytes.
    clock: Option<BodyClock>,
    received: u64,
}

struct BodyClock {
    began: Instant,
    stalled: Pin<Box<Sleep>>,
    is_waiting: bool,
}

impl Watched {
    /// Ready when the body is too slow. Polled only when no bytes are available.
    fn poll_timeout(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let now = Instant::now();
        let stall = self.pace.stall;
        let clock = self.clock.get_or_insert_with(|| BodyClock {
            began: now,
            stalled: Box::pin(sleep_until(now + stall)),
            is_waiting: false,
        });
        if !clock.is_waiting {
            clock.is_waiting = true;
            clock.stalled.as_mut().reset(now + stall);
        }
        clock.stalled.as_mut().poll(context)
    }

    /// Counts `length` received bytes. Only time spent waiting counts: a body that is not read is not slow.
    fn received(&mut self, length: usize) -> Result<(), axum::Error> {
        self.received += length as u64;
        let Some(clock) = &mut self.clock else { return Ok(()) };
        if !clock.is_waiting {
            return Ok(());
        }
        clock.is_waiting = false;
        let elapsed = clock.began.elapsed();
        let is_slow = elapsed > self.pace.stall
            && (self.received as f64) < elapsed.as_secs_f64() * self.pace.bytes_per_second as f64;
        if is_slow { Err(axum::Error::new(BodyTimedOut)) } else { Ok(()) }
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        match &frame {
            Poll::Pending => {
                return self.poll_timeout(context).map(|()| Some(Err(axum::Error::new(BodyTimedOut))));
            }
            Poll::Ready(Some(Ok(piece))) => {
                let length = piece.data_ref().map_or(0, Bytes::len);
                if let Err(error) = self.received(length) {
                    return Poll::Ready(Some(Err(error)));
                }
            }
            Poll::Ready(_) => {}
        }
        if matches!(frame, Poll::Ready(None)) || self.body.is_end_stream() {
            self.reading.0.store(true, Ordering::Relaxed);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Whether `error`, or one of its sources, is an `E`.
pub(crate) fn is_caused_by<E: std::error::Error + 'static>(
    error: &(dyn std::error::Error + 'static),
) -> bool {
    std::iter::successors(Some(error), |error| error.source()).any(|error| error.is::<E>())
}

#[cfg(test)]
mod tests {
    use futures::{StreamExt as _, stream};
    use http_body_util::BodyExt as _;

    use super::*;

    /// Reads a body of `pieces` pieces of `size` bytes that arrive `pause` apart.
    async fn read(pieces: usize, size: usize, pause: Duration) -> Result<usize, String> {
        let pieces = stream::iter(0..pieces).then(move |_| async move {
            tokio::time::sleep(pause).await;
            Ok::<_, std::io::Error>(Bytes::from(vec![0; size]))
        });
        let request = Request::new(Body::from_stream(pieces));
        let (_, request) = Reading::watch(
            request,
            BodyPace { stall: Duration::from_millis(500), bytes_per_second: 1 << 10 },
        );
        let body = request.into_body().collect().await.map_err(|error| error.to_string())?;
        Ok(body.to_bytes().len())
    }

    #[tokio::test]
    async fn stalled_and_dribbling_bodies_time_out() {
        let millis = Duration::from_millis;
        assert_eq!(read(2, 100_000, millis(100)).await, Ok(200_000));
        assert!(read(1, 100_000, millis(900)).await.unwrap_err().contains("in time"));
        assert!(read(10, 1, millis(100)).await.unwrap_err().contains("in time"), "ten bytes a second");
        assert_eq!(read(3, 1, millis(100)).await, Ok(3), "a short body may be slow");
    }
}
