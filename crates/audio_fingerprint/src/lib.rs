//! Finds where audio comes from. A pure library without I/O.
//!
//! - [`Fingerprinter`]: a stream of samples → [`Landmark`]s, hashes of 32 bits with their frames, for an index;
//! - [`Query`] and [`Search`]: up to 10 s of audio → hashes to look up → [`Match`]es, of the [`Posting`]s with these
//!   hashes: every place of every source, several sources of a mix, each with the probability that none as good is chance.
//!   [`identify`] does so for an index with the trait [`Postings`], as [`MemoryIndex`];
//! - [`confirm`] (in steps: [`most_certain`], [`confirmation_window`], [`confirm_in`], [`best_readings`]) and [`refine`]: the
//!   samples of a match → its place to the sample, speed and gain, and more certainty;
//! - [`blocks`] and [`link`]: longer recordings in blocks, and their matches joined; [`identify_recording`] and [`measure`]
//!   do so, and [`HashFilter`] leaves out landmarks of sources that no block can match;
//! - [`align`]: two recordings of one event → offsets and drift of the parts that are in both;
//! - [`conform`]: a finished edit and its sources → the [`Shot`]s it is made of.
//!
//! All samples are mono at [`RATE`] Hz. Landmarks and matches depend on the samples only: they are computed in plain
//! arithmetic, the same on every processor, and in a fixed order. Everything that grows with the input has a limit.
//! `docs/fingerprints.md` describes the methods and how accurate they are.

mod align;
mod aligned_part;
mod clusters;
mod confirmation;
mod conform;
mod correlation;
mod error;
mod fourier;
mod index;
mod interpolation;
mod landmarks;
mod links;
mod matches;
mod math;
mod null_model;
mod peaks;
mod query;
mod readings;
mod recording;
mod refinement;
mod regression;
mod samples;
mod search;
mod shape;
mod spectrum;
#[cfg(test)]
mod testing;

pub use align::align;
pub use aligned_part::AlignedPart;
pub use confirmation::{confirm, confirm_in, confirmation_window};
pub use conform::{Origin, Shot, conform};
pub use error::{QueryError, RecordingError};
pub use index::{MemoryIndex, Postings, candidates, identify};
pub use landmarks::{FINGERPRINT_VERSION, Fingerprinter, Landmark, MAX_LANDMARKS_PER_SECOND};
pub use links::link;
pub use matches::Match;
pub use query::Query;
pub use readings::{best_readings, most_certain};
pub use recording::{HashFilter, RecordingSearch, identify_recording, measure};
pub use refinement::{Refinement, refine};
pub use samples::{Samples, Sources, blocks};
pub use search::{Posting, Search, Variation, evidence};

/// Sample rate of all samples, in Hz.
pub const RATE: u32 = 16_000;
/// Samples of a frame: 16 ms.
pub const FRAME_SAMPLES: usize = spectrum::HOP;
/// Shortest query: 0.3 s.
pub const MIN_QUERY_SAMPLES: usize = 3 * RATE as usize / 10;
/// Longest query that is searched at once: 10 s.
pub const MAX_QUERY_SAMPLES: usize = 10 * RATE as usize;
/// Least confidence at which a match is reported unless another one is asked for: one false match in 10 000 searches.
pub const MIN_CONFIDENCE: f64 = 0.9999;
/// Least confidence of a match that is worth [confirming](confirm): about one false one a search.
pub const MIN_CANDIDATE_CONFIDENCE: f64 = 0.2;
/// Postings of a hash that are searched: hashes of more say too little about a place.
pub const MAX_POSTINGS_PER_HASH: usize = 4_096;
/// Hits of a pass of a search, of 24 bytes each; beyond, the hashes with the most postings are ignored.
pub const MAX_HITS: usize = 1_000_000;
/// Matches of a query that are confirmed by their samples: of the unchanged ones, and of those at other speeds or pitches.
pub const MAX_CANDIDATES: usize = 32;
/// Matches of a search.
pub const MAX_MATCHES: usize = 256;
