//! A search: from postings to hits, places and matches.

use crate::clusters::{Cluster, Hit, clusters};
use crate::matches::{Match, by_evidence, is_candidate};
use crate::null_model::confidence;
use crate::query::{Change, Probe, Query, probes};
use crate::readings::best_readings;
use crate::{MAX_HITS, MAX_POSTINGS_PER_HASH};

/// One row of an index: a landmark of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Posting {
    /// Hash of the landmark.
    pub hash: u32,
    /// Identifier of the source in the index.
    pub source: i64,
    /// Frame of the landmark.
    pub frame: u32,
}

/// Differences between a query and its sources that are searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Variation {
    /// The source's speed and pitch.
    #[default]
    None,
    /// Also speeds of 0.9 to 1.1 and pitches of ± 1 semitone: 21 passes, and four times the hashes or more.
    SpeedAndPitch,
}

/// The search for one query, in passes, one for each change of speed and pitch: in each, it is asked for
/// [hashes](Self::batches) and [given](Self::add) the postings of the index with these hashes, before the
/// [next](Self::next_pass) one begins or the search is [finished](Self::finish).
///
/// A pass that has [`MAX_HITS`] hits ignores the hashes with the most postings, which say least about a place: so large
/// libraries are searched in bounded memory and time. Matches depend on the postings only, not on their order nor on how
/// they were split into calls.
///
/// # Examples
///
/// ```
/// use audio_fingerprint::{Fingerprinter, Posting, Query, Search, Variation};
///
/// # let note = |n: u32| 220.0 * (((n / 3_000 * n / 3_000 * 7) % 19) as f32 / 12.0).exp2();
/// # let samples: Vec<f32> = (0..160_000u32)
/// #     .map(|n| [1.0, 2.01, 3.03].map(|k| 0.1 * (k * n as f32 * note(n) * 3.9269e-4).sin()).iter().sum()).collect();
/// let mut fingerprinter = Fingerprinter::new();
/// fingerprinter.push(&samples);
/// let landmarks = fingerprinter.finish();
///
/// let query = Query::new(&samples[50_000..98_000])?;
/// let mut search = Search::new(&query, Variation::None);
/// for hashes in search.batches(1_000).map(<[u32]>::to_vec).collect::<Vec<_>>() {
///     let found = landmarks.iter().filter(|landmark| hashes.binary_search(&landmark.hash).is_ok());
///     let postings = found.map(|landmark| Posting { hash: landmark.hash, source: 7, frame: landmark.frame });
///     search.add(&postings.collect::<Vec<_>>());
/// }
/// let matches = search.finish(0.99);
/// assert!((matches[0].source.start().as_secs_f64() - matches[0].query.start().as_secs_f64() - 3.125).abs() < 0.01);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Search<'a> {
    query: &'a Query,
    changes: Vec<Change>,
    /// Index of the change of this pass.
    pass: usize,
    probes: Vec<Probe>,
    hashes: Vec<u32>,
    hits: Vec<Hit>,
    /// Hashes with more postings are ignored in this pass.
    max_postings: usize,
    /// The candidates of the passes before.
    found: Vec<(f64, Cluster)>,
}

impl<'a> Search<'a> {
    /// A search for `query`, in its first pass.
    #[must_use]
    pub fn new(query: &'a Query, variation: Variation) -> Self {
        let changes = match variation {
            Variation::None => vec![Change::NONE],
            Variation::SpeedAndPitch => Change::all(),
        };
        let (probes, hashes, hits, found) = Default::default();
        let max_postings = MAX_POSTINGS_PER_HASH;
        let mut search = Self { query, changes, pass: 0, probes, hashes, hits, max_postings, found };
        search.begin();
        search
    }

    fn begin(&mut self) {
        self.probes = probes(self.query, self.changes[self.pass]);
        self.hashes = self.probes.iter().map(|probe| probe.hash).collect();
        self.hashes.dedup();
        self.max_postings = MAX_POSTINGS_PER_HASH;
    }

    /// The hashes to look up in this pass, ascending, in batches of up to `size`.
    pub fn batches(&self, size: usize) -> impl Iterator<Item = &[u32]> {
        self.hashes.chunks(size.max(1))
    }

    /// Number of postings beyond which a hash is ignored: those of others need not be looked up.
    #[must_use]
    pub fn max_postings(&self) -> usize {
        self.max_postings
    }

    /// Adds postings of the index, all of a hash one after the other. Those with other hashes are ignored.
    pub fn add(&mut self, postings: &[Posting]) {
        for postings in postings.chunk_by(|a, b| a.hash == b.hash) {
            let hash = postings[0].hash;
            let start = self.probes.partition_point(|probe| probe.hash < hash);
            let same = self.probes[start..].iter().take_while(|probe| probe.hash == hash).count();
            while postings.len() <= self.max_postings && self.hits.len() + same * postings.len() > MAX_HITS {
                self.thin();
            }
            if postings.len() > self.max_postings {
                continue;
            }
            for probe in &self.probes[start..start + same] {
                self.hits.extend(postings.iter().map(|posting| Hit {
                    source: posting.source,
                    frame: posting.frame,
                    constellation: probe.constellation,
                    hash,
                    postings: postings.len() as u32,
                }));
            }
        }
    }

    /// Ignores the hashes with the most postings.
    fn thin(&mut self) {
        self.max_postings /= 2;
        self.hits.retain(|hit| hit.postings as usize <= self.max_postings);
    }

    /// Begins the next pass, with other [hashes](Self::batches). False, and the pass goes on, if this is the last one.
    pub fn next_pass(&mut self) -> bool {
        if self.pass + 1 == self.changes.len() {
            return false;
        }
        self.evaluate();
        self.pass += 1;
        self.begin();
        true
    }

    /// Finds the places of this pass.
    fn evaluate(&mut self) {
        self.hits.sort_unstable();
        self.hits.dedup();
        let change = self.changes[self.pass];
        let (query, changes) = (self.query, self.changes.len());
        // Samples prove an unchanged place, however many changes are searched: it is one where none is.
        let wanted = |expected: f64, cluster: &Cluster| {
            let tries = if cluster.is_unchanged() { changes } else { 1 };
            is_candidate(expected / tries as f64, cluster, query)
        };
        self.found.extend(clusters(&self.hits, query.constellations(), change, changes, wanted));
        self.hits.clear();
    }

    /// The places at which the query occurs, the most certain ones first: those of which `min_confidence`
    /// ([`MIN_CANDIDATE_CONFIDENCE`](crate::MIN_CANDIDATE_CONFIDENCE) to 1) is the least probability that no such match in the
    /// whole search is chance.
    #[must_use]
    pub fn finish(mut self, min_confidence: f64) -> Vec<Match> {
        self.evaluate();
        self.found.retain(|(expected, _)| confidence(*expected) >= min_confidence);
        let matches = by_evidence(self.found, self.query).into_iter().map(|found| (found, None));
        best_readings(matches.collect()).into_iter().map(|(found, _)| found).collect()
    }

    /// The places that are worth [confirming](crate::confirm), the most certain ones first: those with a confidence of at least
    /// [`MIN_CANDIDATE_CONFIDENCE`](crate::MIN_CANDIDATE_CONFIDENCE), and those that have half of the query's peaks. A place
    /// may be both unchanged and changed among them.
    #[must_use]
    pub fn candidates(mut self) -> Vec<Match> {
        self.evaluate();
        by_evidence(self.found, self.query)
    }
}

/// For the calibration of the null model: number of hits under the unchanged speed, and the numbers of agreeing peaks of
/// places, with the density of hits around each.
#[doc(hidden)]
#[must_use]
pub fn evidence(search: Search<'_>) -> (usize, Vec<(usize, f64)>) {
    let Search { query, mut hits, .. } = search;
    hits.sort_unstable();
    hits.dedup();
    let places = clusters(&hits, query.constellations(), Change::NONE, 1, |_, _| true);
    (hits.len(), places.iter().map(|(_, cluster)| (cluster.peaks, cluster.density)).collect())
}
