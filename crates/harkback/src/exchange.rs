//! State of a connection between its requests: whether bytes written to it are a handler's answer or hyper's own.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::sync::{Notify, watch};

/// State of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ConnectionState {
    /// No request has arrived yet.
    Fresh,
    /// A handler runs, or its answer is being sent.
    Busy,
    /// Every request is answered, and the answers are sent.
    Idle,
}

/// The state of a connection, shared by its service and its stream. Requests of a connection are handled one after the
/// other, by the task that also writes.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    state: Arc<watch::Sender<ConnectionState>>,
    /// Whether the last answer was passed on completely.
    has_answered: Arc<AtomicBool>,
    /// Whether the last answer was a refusal before the end of its request's body.
    has_unread: Arc<AtomicBool>,
}

impl Exchange {
    pub(crate) fn new() -> Self {
        let state = Arc::new(watch::Sender::new(ConnectionState::Fresh));
        Self { state, has_answered: Arc::default(), has_unread: Arc::default() }
    }

    /// Marks that a request goes to its handler.
    pub(crate) fn begin(&self) {
        self.has_answered.store(false, Ordering::Relaxed);
        self.state.send_replace(ConnectionState::Busy);
    }

    /// The body of the answer, watched for its end. `has_unread`: the rest of the request stays unread.
    pub(crate) fn answer(&self, body: Body, has_unread: bool) -> Answer {
        self.has_unread.store(has_unread, Ordering::Relaxed);
        Answer { body, exchange: self.clone() }
    }

    /// Marks that all buffered bytes are sent.
    pub(crate) fn flushed(&self) {
        if self.has_answered.swap(false, Ordering::Relaxed) {
            self.state.send_replace(ConnectionState::Idle);
        }
    }

    /// Whether no part of a handler's answer remains to be written, so that bytes written now are hyper's own answer.
    pub(crate) fn is_between_requests(&self) -> bool {
        *self.state.borrow() != ConnectionState::Busy
    }

    /// Whether the peer may still send input that is not read.
    pub(crate) fn has_unread(&self) -> bool {
        self.has_unread.load(Ordering::Relaxed)
    }

    /// Waits until the connection is idle after an answer and is asked to end by `wanted`.
    pub(crate) async fn is_given_up(&self, wanted: &Notify) {
        let mut state = self.state.subscribe();
        loop {
            // `self` holds the sender, so this cannot fail.
            let _ = state.wait_for(|state| *state == ConnectionState::Idle).await;
            tokio::select! {
                () = wanted.notified() => return,
                _ = state.wait_for(|state| *state != ConnectionState::Idle) => {}
            }
        }
    }
}

/// The body of an answer. hyper drops it once all of it is in hyper's buffer.
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
