//! Connections: how many, and how long each may keep the service waiting.
//!
//! HTTP/1.1 only, as a proxy speaks it. Time limits cover the head of a request (and the idle time before it), the
//! pieces of its body ([`http_kit::BodyPace`]) and the taking of its answer. A connection that ends with unread input
//! is drained first: closing it at once would reset it, and the peer would lose the answer.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::CONNECTION;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::paced::PacedStream;
use crate::stopping::Phase;

/// What a connection may hold of unparsed input or of unsent answers; also the longest head of a request.
const BUFFER: usize = 64 << 10;
/// What is read of a connection after its last answer, and for how long.
const DRAINED: usize = 1 << 20;
const DRAIN_TIME: Duration = Duration::from_secs(5);
/// After an accept that failed for want of file descriptors or memory.
const PAUSE: Duration = Duration::from_millis(100);

/// What connections may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectionLimits {
    /// Connections at once; more wait in the backlog of the kernel.
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
    let slots = Arc::new(Semaphore::new(limits.connections));
    let open = TaskTracker::new();
    let mut stopping = phase.clone();
    let accept = async {
        loop {
            let Ok(slot) = slots.clone().acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let connection = connection(stream, router.clone(), limits, phase.clone());
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

async fn connection(
    stream: TcpStream,
    router: Router,
    limits: ConnectionLimits,
    mut phase: watch::Receiver<Phase>,
) {
    // Answers come in more than one piece: none of them waits for an acknowledgement of the one before.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let has_unread = Arc::new(AtomicBool::new(false));
    let noticed = has_unread.clone();
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let (router, noticed) = (router.clone(), noticed.clone());
        Box::pin(async move {
            let response = router.oneshot(request.map(Body::new)).await?;
            // What the boundary says of a refusal before the end of the body.
            let is_last = response.headers().get(CONNECTION).is_some_and(|value| value == "close");
            noticed.store(is_last, Ordering::Relaxed);
            Ok::<_, Infallible>(response)
        })
    });
    let io = TokioIo::new(PacedStream::new(stream, limits.timeout));
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.timeout)
        .max_buf_size(BUFFER)
        .serve_connection(io, service);
    let mut is_stopping = false;
    loop {
        let finished = std::future::poll_fn(|context| connection.poll_without_shutdown(context));
        tokio::select! {
            ended = finished => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection broke");
                }
                break;
            }
            _ = phase.wait_for(|phase| *phase != Phase::Serving), if !is_stopping => {
                is_stopping = true;
                Pin::new(&mut connection).graceful_shutdown();
            }
        }
    }
    let stream = connection.into_parts().io.into_inner();
    if has_unread.load(Ordering::Relaxed) || stream.has_refused() {
        drain(stream).await;
    }
}

/// Ends the sending side, and reads what the peer still sends, so that the last answer is not lost in a reset.
async fn drain(mut stream: PacedStream<TcpStream>) {
    let mut piece = [0; 8 << 10];
    let drained = async {
        stream.shutdown().await?;
        let mut left = DRAINED;
        while left > 0 {
            match stream.read(&mut piece).await? {
                0 => break,
                read => left = left.saturating_sub(read),
            }
        }
        io::Result::Ok(())
    };
    // Whatever comes of it, the connection is closed now.
    let _ = timeout(DRAIN_TIME, drained).await;
}
