use http::StatusCode;
use scheduling::WorkError;

use crate::Problem;

/// The code of [`WorkError::Deferred`], which ends a call within [`scheduling::defer`] and never reaches a caller.
pub const DEFERRED: &str = "deferred";

/// 503 `queue_full` with `Retry-After`, or 500.
impl From<WorkError> for Problem {
    fn from(error: WorkError) -> Self {
        match error {
            WorkError::QueueFull { retry_after_s, .. } => queue_full(retry_after_s),
            WorkError::Deferred => Self::new(StatusCode::ACCEPTED, DEFERRED, "the work is deferred to a job"),
            broken @ WorkError::Broken { .. } => Self::internal(broken),
        }
    }
}

fn queue_full(retry_after_s: u32) -> Problem {
    let detail = "the queue for this work is full; send the request again later";
    Problem::unavailable("queue_full", detail, retry_after_s)
}
