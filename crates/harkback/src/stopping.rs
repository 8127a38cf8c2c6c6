//! Shutdown of the service: phases after a signal, and the handling of running requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_kit::Problem;
use http_kit::codes::SHUTTING_DOWN;
use tokio::sync::watch;

/// Phase of the service's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Requests are accepted and run.
    Serving,
    /// New requests are refused; running ones may finish.
    Draining,
    /// Running requests are answered 503.
    Cutting,
}

/// Shutdown state that each request reads.
#[derive(Clone, Debug)]
pub(crate) struct Stopping {
    pub(crate) phase: watch::Receiver<Phase>,
    /// Number of requests that were answered 503 while they ran.
    pub(crate) cut: Arc<AtomicUsize>,
}

/// Refuses requests once the service drains, and answers running ones when their time is over.
pub(crate) async fn layer(State(stopping): State<Stopping>, request: Request, next: Next) -> Response {
    let Stopping { mut phase, cut } = stopping;
    if *phase.borrow() != Phase::Serving {
        return shutting_down().into_response();
    }
    let is_over = phase.wait_for(|phase| *phase == Phase::Cutting);
    tokio::select! {
        response = next.run(request) => response,
        _ = is_over => {
            cut.fetch_add(1, Ordering::Relaxed);
            shutting_down().into_response()
        }
    }
}

fn shutting_down() -> Problem {
    Problem::new(SHUTTING_DOWN, "the service is shutting down; send the request again").retry_after(2)
}
