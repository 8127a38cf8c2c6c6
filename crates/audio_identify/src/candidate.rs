//! Matches of the blocks of a query, before and after they are confirmed by samples.

use std::collections::BTreeMap;

use audio_fingerprint::{Match, Refinement, best_readings, link, most_certain};
use media_time::MediaTime;

/// Places nearer than this, of one source, are the same.
const SAME_PLACE: MediaTime = MediaTime::from_millis(1);
/// Offsets of parts of a joined match differ from its own by less.
const SAME_LINE: MediaTime = MediaTime::from_millis(60);
/// Times of a recording nearer than this to those of the query, in that recording, are its own.
const OWN_PLACE: MediaTime = MediaTime::from_millis(60);
/// Places before one that are compared with it: more do not begin at the same time of a query.
const COMPARED: usize = 256;

/// A match of one block.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    /// Index of the block.
    pub(crate) block: usize,
    /// Its query times are those of the block.
    pub(crate) found: Match,
    /// From the samples, where they correlate.
    pub(crate) refinement: Option<Refinement>,
    /// Number of candidates of the block that are confirmed.
    pub(crate) rivals: usize,
}

/// A place of the whole query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Located {
    /// Its query times are those of the whole query.
    pub(crate) found: Match,
    /// Level relative to the source in dB, where it was measured.
    pub(crate) gain_db: Option<f64>,
}

/// The candidates of a block: the [most certain](most_certain) of its matches.
pub(crate) fn candidates(block: usize, matches: Vec<Match>) -> impl Iterator<Item = Candidate> {
    let matches: Vec<Match> = most_certain(matches).collect();
    let rivals = matches.len();
    matches.into_iter().map(move |found| Candidate { block, found, refinement: None, rivals })
}

/// Whether a match in the recording of the query, with query times of that recording, is the query itself: at some time of it, it
/// has the same time in the recording. One at another speed that has it only there is a wrong reading of the same audio.
pub(crate) fn is_own_place(found: &Match) -> bool {
    let distance = |time: MediaTime| (found.source_at(time) - time).as_micros();
    let (start, end) = (distance(found.query.start()), distance(found.query.end()));
    start.signum() != end.signum() || start.abs().min(end.abs()) < OWN_PLACE.as_micros()
}

/// The places with at least `min_confidence`, joined over blocks, of which `starts` are the starts. Of those of a block, the
/// [best readings](best_readings).
pub(crate) fn locate(candidates: Vec<Candidate>, starts: &[MediaTime], min_confidence: f64) -> Vec<Located> {
    let mut readings: BTreeMap<usize, Vec<(Match, Option<Refinement>)>> = BTreeMap::new();
    for candidate in candidates.into_iter().filter(|candidate| candidate.found.confidence >= min_confidence) {
        readings.entry(candidate.block).or_default().push((candidate.found, candidate.refinement));
    }
    let mut parts: Vec<Located> = Vec::new();
    for (block, readings) in readings {
        let start = starts.get(block).copied().unwrap_or_default();
        let located = best_readings(readings).into_iter().map(|(found, refinement)| Located {
            found: found.later(start),
            gain_db: refinement.map(|refined| refined.gain_db),
        });
        parts.extend(located);
    }
    parts.sort_by_key(|part| (part.found.source_id, part.found.query.start()));
    let joined = link(parts.iter().map(|part| part.found).collect());
    let mut located: Vec<Located> = Vec::with_capacity(joined.len());
    for found in joined {
        let is_known = |other: &Located| {
            other.found.source_id == found.source_id
                && other.found.query.intersect(found.query).is_some()
                && distance(&other.found, &found) < SAME_PLACE
        };
        if !located.iter().rev().take(COMPARED).any(is_known) {
            located.push(Located { found, gain_db: gain_of(&found, &parts) });
        }
    }
    located
}

/// Distance of the places of two matches of one source, in the time of the source.
fn distance(a: &Match, b: &Match) -> MediaTime {
    let difference = b.source.start() - a.source_at(b.query.start());
    if difference.is_negative() { -difference } else { difference }
}

/// The median gain of the parts of a joined match; `parts` are in order of source and time.
fn gain_of(found: &Match, parts: &[Located]) -> Option<f64> {
    let key = |one: &Match| (one.source_id, one.query.start());
    let first = parts.partition_point(|part| key(&part.found) < key(found));
    let within = parts[first..]
        .iter()
        .take_while(|part| key(&part.found) <= (found.source_id, found.query.end()))
        .filter(|part| {
            part.found.query.end() <= found.query.end() && distance(found, &part.found) < SAME_LINE
        });
    let mut gains: Vec<f64> = within.filter_map(|part| part.gain_db).collect();
    gains.sort_by(f64::total_cmp);
    gains.get(gains.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use media_time::Window;

    use super::*;

    fn found(query_ms: i64, source_ms: i64, confidence: f64) -> Match {
        let window = |ms| Window::starting_at(MediaTime::from_millis(ms), MediaTime::from_millis(5_000));
        Match {
            source_id: 1,
            query: window(query_ms),
            source: window(source_ms),
            speed: 1.0,
            pitch: 1.0,
            score: 20,
            expected_by_chance: -confidence.ln(),
            confidence,
        }
    }

    fn candidate(block: usize, found: Match, gain_db: f64) -> Candidate {
        let refinement =
            Refinement { source_start: 0.0, speed: 1.0, gain_db, correlation: 1.0, chance: 1e-9 };
        Candidate { block, found, refinement: Some(refinement), rivals: 1 }
    }

    #[test]
    fn parts_of_blocks_are_one_place_with_their_median_gain() {
        let starts = [0, 9_000, 18_000].map(MediaTime::from_millis);
        let parts = vec![
            candidate(0, found(4_000, 64_000, 0.999_999), -6.0),
            candidate(1, found(1_000, 70_000, 0.999_999), -6.2),
            candidate(2, found(0, 78_000, 0.999_999), -9.0),
            // Another place, and one that is too uncertain.
            candidate(2, found(0, 20_000, 0.999_999), 3.0),
            candidate(2, found(0, 30_000, 0.5), 3.0),
        ];
        let located = locate(parts, &starts, 0.999_9);
        let places: Vec<_> = located
            .iter()
            .map(|place| {
                (place.found.query.start().as_millis_round(), place.found.source.start().as_millis_round())
            })
            .collect();
        assert_eq!(places, [(4_000, 64_000), (18_000, 20_000)]);
        assert_eq!(located.iter().map(|place| place.gain_db).collect::<Vec<_>>(), [Some(-6.2), Some(3.0)]);
    }

    #[test]
    fn query_itself_is_its_own_place_at_any_speed_and_repeats_are_not() {
        let at = |speed: f64, source_ms: i64| {
            let place = Match { speed, pitch: speed, ..found(2_000, source_ms, 0.999_999) };
            is_own_place(&place)
        };
        assert!(at(1.0, 2_004) && at(0.999, 2_003));
        // 5 s at a speed of 1.02, which agree at the start, in the middle and at the end.
        assert!(at(1.02, 2_000) && at(1.02, 1_950) && at(1.02, 1_890));
        assert!(!at(1.0, 2_100) && !at(1.02, 2_100) && !at(1.02, 1_500) && !at(0.98, 8_000));
    }

    #[test]
    fn unchanged_place_is_preferred_to_another_speed_of_it() {
        let mut changed = candidate(0, Match { speed: 1.02, pitch: 1.02, ..found(0, 8_980, 0.999_999) }, 0.0);
        changed.refinement = None;
        let unchanged = candidate(0, found(0, 9_000, 0.999_99), -3.0);
        let located = locate(vec![changed, unchanged], &[MediaTime::ZERO], 0.9);
        assert_eq!(located.len(), 1, "{located:?}");
        assert_eq!((located[0].found.is_unchanged(), located[0].gain_db), (true, Some(-3.0)));
    }

    #[test]
    fn same_place_twice_is_one() {
        let parts =
            vec![candidate(0, found(0, 9_000, 0.999_999), 0.0), candidate(0, found(0, 9_000, 0.999_99), 0.0)];
        assert_eq!(locate(parts, &[MediaTime::ZERO], 0.9).len(), 1);
    }
}
