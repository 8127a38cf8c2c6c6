//! Deferred calls: the request is validated as always, and stops before its heavy work begins.

use crate::WorkError;

tokio::task_local! {
    static DEFERRED: ();
}

/// Runs `call` so that it ends with [`WorkError::Deferred`] where heavy work would begin.
pub async fn defer<F: Future>(call: F) -> F::Output {
    DEFERRED.scope((), call).await
}

/// Marks the begin of heavy work; everything before it only reads. For work whose first writes come before a
/// [`WorkQueue`](crate::WorkQueue), which checks this itself.
///
/// # Errors
/// [`WorkError::Deferred`] within [`defer`].
pub fn begin_heavy_work() -> Result<(), WorkError> {
    if DEFERRED.try_with(|()| ()).is_ok() { Err(WorkError::Deferred) } else { Ok(()) }
}
