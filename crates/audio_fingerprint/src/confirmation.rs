//! Matches of landmarks, confirmed by the samples.

use std::ops::Range;

use media_time::MediaTime;

use crate::refinement::{CERTAIN, agreement, correlation_of, refine_unchanged};
use crate::samples::Sources;
use crate::{MIN_CONFIDENCE, Match, RATE, Refinement, best_readings, most_certain, refine};

/// Samples on either side of a match's place in which it is refined: 100 ms.
const MARGIN: i64 = RATE as i64 / 10;
/// Speeds and pitches this near to 1 are also tried at 1: the speed of a short query is known in steps of 0.4 %, and a wrong
/// one may correlate, too.
const NEAR_UNCHANGED: f64 = 0.012;
/// Least share of the parts of a match, if its landmarks alone are not certain, that correlate: recordings that are made of
/// the same samples, such as those of a drum machine or of a speech synthesiser, have some sounds in common.
const LEAST_AGREEMENT: f64 = 0.75;
/// Least length of what is compared in parts, if the query is as long, in samples: 1 s. One note or syllable is shorter.
const LEAST_COMPARED: usize = RATE as usize;
/// The level of a match with less than this share of the query is measured of its part alone.
const MOST: f64 = 0.8;
/// Samples on either side of that part's place: 10 ms.
const PART_MARGIN: f64 = RATE as f64 / 100.0;

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
    let is_certain = found.confidence >= MIN_CONFIDENCE;
    let part = samples_of(&found, query);
    let attempts = std::iter::once(found).chain(unchanged(&found)).filter_map(|attempt| {
        // Most uncertain candidates are unrelated, and trying other speeds takes fifty times as long.
        #[expect(clippy::float_cmp, reason = "the speed of a search without changes")]
        let refined = if attempt.speed == 1.0 && !is_certain {
            refine_unchanged(query, source)
        } else {
            refine(query, source, attempt.speed)
        };
        refined.filter(|refined| {
            refined.chance < CERTAIN && refined.explains(explained(query, source, refined, &part))
        })
    });
    let by_correlation = |a: &Refinement, b: &Refinement| a.correlation.abs().total_cmp(&b.correlation.abs());
    let Some(refined) = attempts.max_by(by_correlation) else { return (found, None) };
    if !is_certain && agreement(query, source, &refined, widened(part, query.len())) < LEAST_AGREEMENT {
        return (found, None);
    }
    let start = MediaTime::from_samples(source_start, RATE);
    let confirmed = found.confirmed(&refined, MediaTime::ZERO, start, candidates);
    let gain_db = part_gain(query, source, &confirmed, &refined).unwrap_or(refined.gain_db);
    (confirmed, Some(Refinement { gain_db, ..refined }))
}

/// Correlation of the samples, 0 to 1: of the whole query, or of the `part` that a match has, the larger one.
fn explained(query: &[f32], source: &[f32], refined: &Refinement, part: &Range<usize>) -> f64 {
    refined.correlation.abs().max(correlation_of(query, source, refined, part.clone()).abs())
}

/// A match at almost the speed and pitch of its source, at exactly these.
fn unchanged(found: &Match) -> Option<Match> {
    let (speed, pitch) = ((found.speed - 1.0).abs(), (found.pitch - 1.0).abs());
    let is_near = speed > 0.0 && speed <= NEAR_UNCHANGED && pitch <= NEAR_UNCHANGED;
    is_near.then_some(Match { speed: 1.0, pitch: 1.0, ..*found })
}

/// The samples of the query that a match has.
fn samples_of(found: &Match, query: &[f32]) -> Range<usize> {
    let sample = |time: MediaTime| usize::try_from(time.to_samples(RATE)).unwrap_or(0).min(query.len());
    sample(found.query.start())..sample(found.query.end())
}

/// `part` with as many samples around it as the agreement is measured in, of `length`.
fn widened(part: Range<usize>, length: usize) -> Range<usize> {
    let missing = LEAST_COMPARED.saturating_sub(part.len());
    let start = part.start.saturating_sub(missing / 2).min(length.saturating_sub(part.len() + missing));
    start..(start + part.len() + missing).min(length)
}

/// Level of the part of the query that a match has, in dB; `None` if it has most of the query, or does not correlate.
fn part_gain(query: &[f32], source: &[f32], found: &Match, refined: &Refinement) -> Option<f64> {
    let window = samples_of(found, query);
    let part = query.get(window.clone())?;
    if part.len() as f64 >= MOST * query.len() as f64 {
        return None;
    }
    let start = refined.source_start + window.start as f64 * refined.speed - PART_MARGIN;
    let length = part.len() as f64 * refined.speed + 2.0 * PART_MARGIN;
    // Both are not negative.
    let (start, length) = (start.max(0.0) as usize, length as usize);
    let around = source.get(start..source.len().min(start + length))?;
    let measured = refine(part, around, refined.speed)?;
    let is_confirmed = measured.chance < CERTAIN && measured.explains(measured.correlation);
    is_confirmed.then_some(measured.gain_db)
}

/// Refines the [most certain](most_certain) matches of `query` (mono samples at [`RATE`] Hz) in their sources, and keeps the
/// [best readings](best_readings) of their places; the others are left out. Matches that correlate get their exact place and
/// speed and are more certain, the others remain as they are; those below `min_confidence` are removed. In order of
/// confidence.
///
/// So short or noisy queries, whose landmarks alone prove too little, are searched for [candidates](crate::candidates), which
/// are then confirmed. A correlation alone is no proof: two tones of one frequency have it, too.
///
/// # Errors
/// When a source cannot be read.
pub fn confirm<S: Sources>(
    query: &[f32],
    matches: Vec<Match>,
    sources: &mut S,
    min_confidence: f64,
) -> Result<Vec<Match>, S::Error> {
    let matches: Vec<Match> = most_certain(matches).collect();
    let count = matches.len();
    let mut readings = Vec::with_capacity(count);
    for found in matches {
        let window = confirmation_window(&found, query.len());
        let mut source = vec![0.0; (window.end - window.start) as usize];
        sources.read(found.source_id, window.start, &mut source)?;
        readings.push(confirm_in(query, found, &source, window.start, count));
    }
    readings.retain(|(found, _)| found.confidence >= min_confidence);
    let mut confirmed: Vec<Match> = Vec::with_capacity(count);
    for (found, _) in best_readings(readings) {
        let is_known = |other: &Match| {
            other.source_id == found.source_id
                && (other.offset() - found.offset()).as_micros().abs() < MediaTime::from_millis(1).as_micros()
        };
        if !confirmed.iter().any(is_known) {
            confirmed.push(found);
        }
    }
    confirmed.sort_by(|a, b| a.expected_by_chance.total_cmp(&b.expected_by_chance));
    Ok(confirmed)
}
