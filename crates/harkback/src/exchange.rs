//! Where a connection is between its requests: what is written to it may be an answer of a handler, or hyper's own.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::sync::{Notify, watch};

/// Where a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ConnectionState {
    /// No request came yet.
    Fresh,
    /// A handler works on a request, or its answer is being sent.
    Busy,
    /// Every request was answered, and the answers are sent.
    Idle,
}

/// The state of a connection, which its service and its stream share. Requests of a connection are worked on one after
/// the other, by the task that also writes.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    state: Arc<watch::Sender<ConnectionState>>,
    /// The last answer was handed over, whole.
    has_answered: Arc<AtomicBool>,
    /// The last answer was a refusal before the end of the body of its request.
    has_unread: Arc<AtomicBool>,
}

impl Exchange {
    pub(crate) fn new() -> Self {
        let state = Arc::new(watch::Sender::new(ConnectionState::Fresh));
        Self { state, has_answered: Arc::default(), has_unread: Arc::default() }
    }

    /// A request goes to its handler.
    pub(crate) fn begin(&self) {
        self.has_answered.store(false, Ordering::Relaxed);
        self.state.send_replace(ConnectionState::Busy);
    }

    /// The body of the answer, watched for its end. `has_unread`: what is left of the request is not read.
    pub(crate) fn answer(&self, body: Body, has_unread: bool) -> Answer {
        self.has_unread.store(has_unread, Ordering::Relaxed);
        Answer { body, exchange: self.clone() }
    }

    /// All that was handed over is sent.
    pub(crate) fn flushed(&self) {
        if self.has_answered.swap(false, Ordering::Relaxed) {
            self.state.send_replace(ConnectionState::Idle);
        }
    }

    /// Is nothing of a handler's answer left to be written? What is written then is an answer of hyper's own.
    pub(crate) fn is_between_requests(&self) -> bool {
        *self.state.borrow() != ConnectionState::Busy
    }

    /// May the peer still send what is not read?
    pub(crate) fn has_unread(&self) -> bool {
        self.has_unread.load(Ordering::Relaxed)
    }

    /// Waits until the connection is idle after an answer, and `wanted` then asks for it.
    pub(crate) async fn is_given_up(&self, wanted: &Notify) {
        let mut state = self.state.subscribe();
        loop {
            // The sender is this.
            let _ = state.wait_for(|state| *state == ConnectionState::Idle).await;
            tokio::select! {
                () = wanted.notified() => return,
                _ = state.wait_for(|state| *state != ConnectionState::Idle) => {}
            }
        }
    }
}

/// The body of an answer. Its end is when hyper drops it: all of it is in hyper's buffer then.
#[derive(Debug)]
pub(crate) struct Answer {
    body: Body,
    exchange: Exchange,
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.exchange.has_answered.store(true, Ordering::Relaxed);
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
