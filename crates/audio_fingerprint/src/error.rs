use thiserror::Error;

/// Why a recording is no query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum QueryError {
    /// Shorter than [`crate::MIN_QUERY_SAMPLES`].
    #[error("the query is shorter than 0.3 s; use a longer window")]
    TooShort,
    /// Longer than [`crate::MAX_QUERY_SAMPLES`].
    #[error("the query is longer than 10 s; search it in blocks")]
    TooLong,
    /// No sample is above −72 dBFS.
    #[error("the query is silent; use a window with audio")]
    Silent,
}

/// Why the search of a recording has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RecordingError<I, S> {
    /// The index cannot be read.
    #[error("the index cannot be read: {0}")]
    Index(I),
    /// Samples cannot be read.
    #[error("samples cannot be read: {0}")]
    Samples(S),
    /// The caller ended the search.
    #[error("cancelled")]
    Cancelled,
}
