//! The end of the service: what a signal starts, and what becomes of the requests that still run.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_kit::Problem;
use tokio::sync::watch;

/// Where the service is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Requests are taken.
    Serving,
    /// New requests are refused; those that run may finish.
    Draining,
    /// Those that still run are answered 503.
    Cutting,
}

/// What each request has to know of the end.
#[derive(Clone, Debug)]
pub(crate) struct Stopping {
    pub(crate) phase: watch::Receiver<Phase>,
    /// Requests that were answered 503 while they ran.
    pub(crate) cut: Arc<AtomicUsize>,
}

/// Refuses requests once the service drains, and answers those that run when their time is over.
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
    Problem::unavailable("shutting_down", "the service is shutting down; send the request again", 2)
}
