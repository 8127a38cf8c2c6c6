//! Connections: their maximum number, and time limits for slow peers.
//!
//! HTTP/1.1 only, as a proxy speaks it. Time limits cover the head of a request (and the idle time before it), the
//! pieces of its body ([`http_kit::BodyPace`]) and the sending of its answer. When all connections are in use, one that
//! is idle after an answer is closed for each new one.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::CONNECTION;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::exchange::Exchange;
use crate::paced::PacedStream;
use crate::stopping::Phase;

/// Maximum size of unparsed input or of unsent answers of a connection, in bytes; also of a request's head.
const BUFFER: usize = 64 << 10;
/// Pause after an accept that failed for lack of file descriptors or memory.
const PAUSE: Duration = Duration::from_millis(100);

/// Interval at which an idle connection is asked to close while none is free.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// Limits of the number of connections, and of slow ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectionLimits {
    /// Maximum number of connections. One more is accepted and waits for a slot; others wait in the backlog of the
    /// kernel.
    pub(crate) connections: usize,
    /// Maximum time without progress before a connection is closed.
    pub(crate) timeout: Duration,
}

/// Number of connections that were closed since memory was last returned to the system.
#[derive(Clone, Debug, Default)]
pub(crate) struct Closed(Arc<AtomicUsize>);

impl Closed {
    /// Returns the count and resets it.
    pub(crate) fn take(&self) -> usize {
        self.0.swap(0, Ordering::Relaxed)
    }
}

/// Accepts connections until `phase` is no longer [`Phase::Serving`], then waits for the open ones.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: ConnectionLimits,
    phase: watch::Receiver<Phase>,
    closed: Closed,
) {
    let slots = Slots { free: Arc::new(Semaphore::new(limits.connections)), wanted: Arc::default() };
    let open = TaskTracker::new();
    let mut stopping = phase.clone();
    let accept = async {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let Some(slot) = slots.take().await else { return };
                    let (wanted, phase) = (slots.wanted.clone(), phase.clone());
                    let connection = connection(stream, router.clone(), limits, wanted, phase);
                    let closed = closed.clone();
                    open.spawn(async move {
                        connection.await;
                        closed.0.fetch_add(1, Ordering::Relaxed);
                        drop(slot);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        () = accept => {}
        _ = stopping.wait_for(|phase| *phase != Phase::Serving) => {}
    }
    drop(listener);
    open.close();
    open.wait().await;
}

/// Slots for open connections.
struct Slots {
    free: Arc<Semaphore>,
    /// Asks the connection that has been idle for longest to close.
    wanted: Arc<Notify>,
}

impl Slots {
    async fn take(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(slot) = self.free.clone().try_acquire_owned() {
            return Some(slot);
        }
        loop {
            // The connection that is asked may get a request at that moment.
            self.wanted.notify_one();
            if let Ok(slot) = timeout(ASK_AGAIN, self.free.clone().acquire_owned()).await {
                return slot.ok();
            }
        }
    }
}

async fn connection(
    stream: TcpStream,
    router: Router,
    limits: ConnectionLimits,
    wanted: Arc<Notify>,
    mut phase: watch::Receiver<Phase>,
) {
    // Answers have more than one piece: none of them should wait for the acknowledgement of the previous one.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let exchange = Exchange::new();
    let noted = exchange.clone();
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let (router, exchange) = (router.clone(), noted.clone());
        exchange.begin();
        Box::pin(async move {
            let response = router.oneshot(request.map(Body::new)).await?;
            // The boundary sets this header on a refusal before the end of the body.
            let is_last = response.headers().get(CONNECTION).is_some_and(|value| value == "close");
            Ok::<_, Infallible>(response.map(|body| exchange.answer(body, is_last)))
        })
    });
    let io = TokioIo::new(PacedStream::new(stream, limits.timeout, exchange.clone()));
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.timeout)
        .max_buf_size(BUFFER)
        .serve_connection(io, service);
    let mut given_up = pin!(async {
        tokio::select! {
            _ = phase.wait_for(|phase| *phase != Phase::Serving) => {}
            () = exchange.is_given_up(&wanted) => {}
        }
    });
    let mut is_stopping = false;
    loop {
        tokio::select! {
            ended = &mut connection => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection failed");
                }
                return;
            }
            () = &mut given_up, if !is_stopping => {
                is_stopping = true;
                Pin::new(&mut connection).graceful_shutdown();
            }
        }
    }
}

#[cfg(test)]
mod tests;
