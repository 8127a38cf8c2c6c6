//! Matches of landmarks, confirmed by the samples.

use media_time::MediaTime;

use crate::refinement::CERTAIN;
use crate::samples::Sources;
use crate::{MAX_CANDIDATES, MIN_CANDIDATE_CONFIDENCE, Match, RATE, refine};

/// Samples on either side of a match's place in which it is refined: 100 ms.
const MARGIN: i64 = RATE as i64 / 10;

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
        let first = found.offset().to_samples(RATE) - MARGIN;
        let length = (query.len() as f64 * found.speed) as usize + 2 * MARGIN as usize;
        let mut source = vec![0.0; length];
        sources.read(found.source_id, first, &mut source)?;
        let found = match refine(query, &source, found.speed).filter(|refined| refined.chance < CERTAIN) {
            Some(refined) => {
                let start = MediaTime::from_samples(first, RATE);
                found.confirmed(&refined, MediaTime::ZERO, start, count)
            }
            None => found,
        };
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
