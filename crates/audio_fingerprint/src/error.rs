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

/// More postings than [`crate::MAX_HITS`] matched a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("too many postings for one query; search fewer sources")]
pub struct TooManyHits;

/// Why a search has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SearchError<E> {
    /// The index cannot be read.
    #[error("the index cannot be read: {0}")]
    Index(E),
    /// Too many postings.
    #[error(transparent)]
    TooManyHits(#[from] TooManyHits),
}

/// Why the search of a recording has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RecordingError<I, S> {
    /// The index cannot be read.
    #[error("the index cannot be read: {0}")]
    Index(I),
    /// A block has too many postings.
    #[error(transparent)]
    TooManyHits(#[from] TooManyHits),
    /// Samples cannot be read.
    #[error("samples cannot be read: {0}")]
    Samples(S),
    /// The caller ended the search.
    #[error("cancelled")]
    Cancelled,
}

impl<I, S> From<SearchError<I>> for RecordingError<I, S> {
    fn from(error: SearchError<I>) -> Self {
        match error {
            SearchError::Index(error) => Self::Index(error),
            SearchError::TooManyHits(error) => Self::TooManyHits(error),
        }
    }
}
