//! An index in memory.

use std::convert::Infallible;

use crate::{Landmark, MAX_POSTINGS_PER_HASH, Match, Posting, Query, Search, SearchError, Variation};

/// Where the postings of hashes are: memory, a database.
pub trait Postings {
    /// Why postings cannot be read.
    type Error;

    /// Appends all postings with one of `hashes` (ascending) to `found`, in any order, except those of hashes with more
    /// than [`MAX_POSTINGS_PER_HASH`].
    ///
    /// # Errors
    /// When the index cannot be read.
    fn postings(&mut self, hashes: &[u32], found: &mut Vec<Posting>) -> Result<(), Self::Error>;
}

/// Hashes that are looked up together.
const BATCH: usize = 8_192;

/// The places of `query` in `index`; see [`Search::finish`].
///
/// # Errors
/// When the index cannot be read, or has too many postings for the query.
pub fn identify<P: Postings>(
    query: &Query,
    index: &mut P,
    variation: Variation,
    min_confidence: f64,
) -> Result<Vec<Match>, SearchError<P::Error>> {
    let mut search = Search::new(query, variation);
    let batches: Vec<Vec<u32>> = search.batches(BATCH).map(<[u32]>::to_vec).collect();
    let mut found = Vec::new();
    for hashes in batches {
        found.clear();
        index.postings(&hashes, &mut found).map_err(SearchError::Index)?;
        search.add(&found)?;
    }
    Ok(search.finish(min_confidence))
}

/// The landmarks of sources in memory, sorted: 16 bytes each.
#[derive(Clone, Debug, Default)]
pub struct MemoryIndex {
    postings: Vec<Posting>,
    is_sorted: bool,
}

impl MemoryIndex {
    /// An empty index.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the landmarks of a source.
    pub fn add(&mut self, source: i64, landmarks: &[Landmark]) {
        let posting = |landmark: &Landmark| Posting { hash: landmark.hash, source, frame: landmark.frame };
        self.postings.extend(landmarks.iter().map(posting));
        self.is_sorted = false;
    }

    /// Number of landmarks.
    #[must_use]
    pub fn len(&self) -> usize {
        self.postings.len()
    }

    /// Has it no landmarks?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.postings.is_empty()
    }
}

impl Postings for MemoryIndex {
    type Error = Infallible;

    fn postings(&mut self, hashes: &[u32], found: &mut Vec<Posting>) -> Result<(), Infallible> {
        if !self.is_sorted {
            self.postings.sort_unstable();
            self.is_sorted = true;
        }
        for hash in hashes {
            let start = self.postings.partition_point(|posting| posting.hash < *hash);
            let count = self.postings[start..].iter().take_while(|posting| posting.hash == *hash).count();
            if count <= MAX_POSTINGS_PER_HASH {
                found.extend_from_slice(&self.postings[start..start + count]);
            }
        }
        Ok(())
    }
}
