//! Matches of landmarks, confirmed by the samples.

use std::ops::Range;

use media_time::MediaTime;

use crate::refinement::CERTAIN;
use crate::samples::Sources;
use crate::{MAX_CANDIDATES, MIN_CANDIDATE_CONFIDENCE, Match, RATE, Refinement, refine};

/// Samples on either side of a match's place in which it is refined: 100 ms.
const MARGIN: i64 = RATE as i64 / 10;

/// The samples of a match's source in which a query of `query_samples` samples is [confirmed](confirm_in); the first ones may
/// be before its start.
#[must_use]
pub fn confirmation_window(found: &Match, query_samples: usize) -> Range<i64> {
    let first = found.offset().to_samples(RATE) - MARGIN;
    first..first + (query_samples as f64 * found.speed) as i64 + 2 * MARGIN
}

/// A match of `query` after its refinement in `source`, whose first sample is sample `source_start` of the match's source, as
/// one of `candidates` matches. One that correlates gets its exact place and speed, is more certain and has a refinement;
/// others remain as they are.
#[must_use]
pub fn confirm_in(
    query: &[f32],
    found: Match,
    source: &[f32],
    source_start: i64,
    candidates: usize,
) -> (Match, Option<Refinement>) {
    match refine(query, source, found.speed).filter(|refined| refined.chance < CERTAIN) {
        Some(refined) => {
            let start = MediaTime::from_samples(source_start, RATE);
            (found.confirmed(&refined, MediaTime::ZERO, start, candidates), Some(refined))
        }
        None => (found, None),
    }
}

/// Refines the first [`MAX_CANDIDATES`] matches of `query` (mono samples at [`RATE`] Hz) in their sources; the others are
/// left out, and those below [`MIN_CANDIDATE_CONFIDENCE`]. Matches that correlate get their exact place and speed and are
/// more certain, the others remain as they are; those below `min_confidence` are removed. In order of confidence.
///
/// So short or noisy queries, whose landmarks alone prove too little, are searched with [`MIN_CANDIDATE_CONFIDENCE`] and
/// then confirmed. A correlation alone is no proof: two tones of one frequency have it, too.
///
/// # Errors
/// When a source cannot be read.
pub fn confirm<S: Sources>(
    query: &[f32],
    mut matches: Vec<Match>,
    sources: &mut S,
    min_confidence: f64,
) -> Result<Vec<Match>, S::Error> {
    matches.retain(|found| found.confidence >= MIN_CANDIDATE_CONFIDENCE);
    matches.truncate(MAX_CANDIDATES);
    let count = matches.len();
    let mut confirmed: Vec<Match> = Vec::with_capacity(count);
    for found in matches {
        let window = confirmation_window(&found, query.len());
        let mut source = vec![0.0; (window.end - window.start) as usize];
        sources.read(found.source_id, window.start, &mut source)?;
        let (found, _) = confirm_in(query, found, &source, window.start, count);
        let is_known = |other: &Match| {
            other.source_id == found.source_id
                && (other.offset() - found.offset()).as_micros().abs() < MediaTime::from_millis(1).as_micros()
        };
        if found.confidence >= min_confidence && !confirmed.iter().any(is_known) {
            confirmed.push(found);
        }
    }
    confirmed.sort_by(|a, b| a.expected_by_chance.total_cmp(&b.expected_by_chance));
    Ok(confirmed)
}
