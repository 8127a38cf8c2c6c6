//! Deferred calls: the request is validated as always, and stops before its heavy work begins.

use crate::WorkError;

tokio::task_local! {
    static IS_DEFERRED: bool;
}

/// Runs `call` so that it ends with [`WorkError::Deferred`] where heavy work would begin.
pub async fn defer<F: Future>(call: F) -> F::Output {
    IS_DEFERRED.scope(true, call).await
}

/// Runs `work` immediately, also within [`defer`]: for work that a call does in the process that receives it, because no
/// other call of its kind takes long.
pub async fn run_undeferred<F: Future>(work: F) -> F::Output {
    IS_DEFERRED.scope(false, work).await
}

/// Marks the begin of heavy work; everything before it only reads. For work whose first writes come before a
/// [`WorkQueue`](crate::WorkQueue), which checks this itself.
///
/// # Errors
/// [`WorkError::Deferred`] within [`defer`].
pub fn begin_heavy_work() -> Result<(), WorkError> {
    if IS_DEFERRED.try_with(|is_deferred| *is_deferred).unwrap_or(false) {
        Err(WorkError::Deferred)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn heavy_work_begins_outside_of_deferred_calls_only() {
        assert!(begin_heavy_work().is_ok());
        let deferred = defer(async {
            let undeferred = run_undeferred(async { begin_heavy_work() }).await;
            (undeferred.is_ok(), begin_heavy_work())
        });
        assert!(matches!(deferred.await, (true, Err(WorkError::Deferred))));
    }
}
