//! Connections: how many, and how long each may keep the service waiting.
//!
//! HTTP/1.1 only, as a proxy speaks it. Time limits cover the head of a request (and the idle time before it), the
//! pieces of its body ([`http_kit::BodyPace`]) and the taking of its answer. When all connections are taken, one that
//! is idle after an answer is closed for each that comes.

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

/// What a connection may hold of unparsed input or of unsent answers; also the longest head of a request.
const BUFFER: usize = 64 << 10;
/// After an accept that failed for want of file descriptors or memory.
const PAUSE: Duration = Duration::from_millis(100);

/// How often an idle connection is asked for while none is free.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// What connections may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectionLimits {
    /// Connections at once. One more is accepted and waits for its turn; others wait in the backlog of the kernel.
    pub(crate) connections: usize,
    /// The time without progress after which a connection is closed.
    pub(crate) timeout: Duration,
}

/// Connections that were closed since their memory was last given back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Closed(Arc<AtomicUsize>);

impl Closed {
    /// Takes the count.
    pub(crate) fn take(&self) -> usize {
        self.0.swap(0, Ordering::Relaxed)
    }
}

/// Accepts connections until `phase` is no longer [`Phase::Serving`], then waits for those that are open.
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

/// The connections that may be open.
struct Slots {
    free: Arc<Semaphore>,
    /// Asks the connection that has been idle for longest to end.
    wanted: Arc<Notify>,
}

impl Slots {
    async fn take(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(slot) = self.free.clone().try_acquire_owned() {
            return Some(slot);
        }
        loop {
            // The one that is asked may get a request at that moment.
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
    // Answers come in more than one piece: none of them waits for an acknowledgement of the one before.
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
            // What the boundary says of a refusal before the end of the body.
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
                    tracing::debug!(%error, "a connection broke");
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
