//! An index in memory.

use std::convert::Infallible;

use crate::{Landmark, Match, Posting, Query, Search, Variation};

/// Where the postings of hashes are: memory, a database.
pub trait Postings {
    /// Why postings cannot be read.
    type Error;

    /// Appends all postings with one of `hashes` (ascending) to `found`, those of a hash one after the other, except those
    /// of hashes with more than `max`.
    ///
    /// # Errors
    /// When the index cannot be read.
    fn postings(&mut self, hashes: &[u32], max: usize, found: &mut Vec<Posting>) -> Result<(), Self::Error>;
}

/// Hashes that are looked up together.
const BATCH: usize = 4_096;

/// The places of `query` in `index`; see [`Search::finish`].
///
/// # Errors
/// When the index cannot be read.
pub fn identify<P: Postings>(
    query: &Query,
    index: &mut P,
    variation: Variation,
    min_confidence: f64,
) -> Result<Vec<Match>, P::Error> {
    Ok(searched(query, index, variation)?.finish(min_confidence))
}

/// The places of `query` in `index` that are worth [confirming](crate::confirm); see [`Search::candidates`].
///
/// # Errors
/// When the index cannot be read.
pub fn candidates<P: Postings>(
    query: &Query,
    index: &mut P,
    variation: Variation,
) -> Result<Vec<Match>, P::Error> {
    Ok(searched(query, index, variation)?.candidates())
}

/// A search that has been given all postings.
fn searched<'a, P: Postings>(
    query: &'a Query,
    index: &mut P,
    variation: Variation,
) -> Result<Search<'a>, P::Error> {
    let mut search = Search::new(query, variation);
    let mut found = Vec::new();
    loop {
        let batches: Vec<Vec<u32>> = search.batches(BATCH).map(<[u32]>::to_vec).collect();
        for hashes in batches {
            found.clear();
            index.postings(&hashes, search.max_postings(), &mut found)?;
            search.add(&found);
        }
        if !search.next_pass() {
            return Ok(search);
        }
    }
}

/// Bits of a hash, from the highest one of its 28, whose first postings are known.
const BUCKET_BITS: u32 = 16;

/// The landmarks of sources in memory, sorted: 16 bytes each.
#[derive(Clone, Debug, Default)]
pub struct MemoryIndex {
    postings: Vec<Posting>,
    /// Where the postings of each value of the first bits begin, and their number; empty if they are not sorted.
    buckets: Vec<usize>,
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
        self.buckets.clear();
    }

    /// Number of landmarks.
    #[must_use]
    pub fn len(&self) -> usize {
        self.postings.len()
    }

    fn sort(&mut self) {
        self.postings.sort_unstable();
        let start = |bits: u32| self.postings.partition_point(|posting| bucket(posting.hash) < bits as usize);
        self.buckets = (0..=1 << BUCKET_BITS).map(start).collect();
    }

    /// Whether there are no landmarks.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.postings.is_empty()
    }
}

/// The first bits of a hash.
fn bucket(hash: u32) -> usize {
    (hash >> (28 - BUCKET_BITS)) as usize
}

impl Postings for MemoryIndex {
    type Error = Infallible;

    fn postings(&mut self, hashes: &[u32], max: usize, found: &mut Vec<Posting>) -> Result<(), Infallible> {
        if self.buckets.is_empty() {
            self.sort();
        }
        for hash in hashes {
            let Some(&[start, end]) = self.buckets.get(bucket(*hash)..).and_then(<[usize]>::first_chunk::<2>)
            else {
                continue;
            };
            let start = start + self.postings[start..end].partition_point(|posting| posting.hash < *hash);
            let count = self.postings[start..end].iter().take_while(|posting| posting.hash == *hash).count();
            if count <= max {
                found.extend_from_slice(&self.postings[start..start + count]);
            }
        }
        Ok(())
    }
}
