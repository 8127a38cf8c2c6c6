//! Timeouts of calls to an object store.

use std::time::Duration;

/// Timeout until a store begins its response, with all attempts.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Applies [`ANSWER_TIMEOUT`] to a call that moves few bytes, or waits for the first byte of many. Retries and their
/// pauses count.
pub(crate) async fn with_answer_timeout<T>(
    call: impl Future<Output = Result<T, object_store::Error>>,
) -> Result<T, object_store::Error> {
    with_timeout(ANSWER_TIMEOUT, call).await
}

/// Applies `limit` to a call. Retries and their pauses count.
pub(crate) async fn with_timeout<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, object_store::Error>>,
) -> Result<T, object_store::Error> {
    let answer = tokio::time::timeout(limit, call).await;
    answer
        .unwrap_or_else(|late| Err(object_store::Error::Generic { store: "blob_store", source: late.into() }))
}
