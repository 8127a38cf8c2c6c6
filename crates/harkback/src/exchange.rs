//! State of a connection between its requests: whether bytes written to it are a handler's answer or hyper's own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use tokio::sync::{Notify, watch};

use crate::guarded_body::GuardedBody;

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
    pub(crate) fn answer(&self, body: Body, has_unread: bool) -> GuardedBody<AnswerEnd> {
        self.has_unread.store(has_unread, Ordering::Relaxed);
        GuardedBody::new(body, AnswerEnd(self.clone()))
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

/// Marks the end of an answer when its body is dropped.
#[derive(Debug)]
pub(crate) struct AnswerEnd(Exchange);

impl Drop for AnswerEnd {
    fn drop(&mut self) {
        self.0.has_answered.store(true, Ordering::Relaxed);
    }
}
