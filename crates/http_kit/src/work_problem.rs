use scheduling::WorkError;

use crate::codes::QUEUE_FULL;
use crate::{ErrorCode, Problem, Section};

/// The code of [`WorkError::Deferred`], which ends a call within [`scheduling::defer`] and never reaches a caller: so it
/// is in no table.
pub const DEFERRED: ErrorCode =
    ErrorCode::declare(Section::Jobs, "deferred", 202, "the work is deferred to a job", "");

/// 503 `queue_full` with `Retry-After`, or 500.
impl From<WorkError> for Problem {
    fn from(error: WorkError) -> Self {
        match error {
            WorkError::QueueFull { retry_after_s, .. } => queue_full(retry_after_s),
            WorkError::Deferred => Self::new(DEFERRED, DEFERRED.meaning()),
            broken @ WorkError::Broken { .. } => Self::internal(broken),
        }
    }
}

fn queue_full(retry_after_s: u32) -> Problem {
    let detail = "the queue for this work is full; send the request again later";
    Problem::new(QUEUE_FULL, detail).retry_after(retry_after_s)
}
