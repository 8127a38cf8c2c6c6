//! Calls that may be answered later: the request is validated as always, and stops before its heavy work begins.

use crate::WorkError;

tokio::task_local! {
    static DEFERRED: ();
}

/// Runs `call` so that it ends with [`WorkError::Deferred`] where heavy work would begin.
pub async fn defer<F: Future>(call: F) -> F::Output {
    DEFERRED.scope((), call).await
}

/// Heavy work begins here: everything before only reads. For work whose first writes come before a
/// [`WorkQueue`](crate::WorkQueue), which checks this by itself.
///
/// # Errors
/// [`WorkError::Deferred`] within [`defer`].
pub fn begin_heavy_work() -> Result<(), WorkError> {
    if DEFERRED.try_with(|()| ()).is_ok() { Err(WorkError::Deferred) } else { Ok(()) }
}
