//! Matches of consecutive blocks of a recording, joined.

use media_time::{MediaTime, Window};

use crate::Match;
use crate::regression::robust_line;

/// Matches whose places differ by less are one: 40 ms.
const TOLERANCE: MediaTime = MediaTime::from_millis(40);
/// Longest time between two matches that are one.
const MAX_GAP: MediaTime = MediaTime::from_millis(3_000);
/// Relative difference of the speeds of matches that are one.
const SPEED_TOLERANCE: f64 = 0.006;
/// Matches of one source that can continue, of which each is compared with a new one.
const MAX_OPEN: usize = 256;

impl Match {
    /// This match of a block that starts at `start` of the recording.
    #[must_use]
    pub fn later(self, start: MediaTime) -> Self {
        Self { query: self.query.shift(start), ..self }
    }
}

/// A match that may grow, and the middles of its parts in seconds, in query and source.
struct Link {
    joined: Match,
    middles: Vec<(f64, f64)>,
}

/// Joins matches that continue one another: of the same source, at the same offset and speed, less than 3 s apart. Their
/// query times are those of the whole recording (see [`Match::later`]). The result is in order of query time.
///
/// A joined match is at most as probable to be chance as the least probable of its parts.
#[must_use]
pub fn link(mut matches: Vec<Match>) -> Vec<Match> {
    let key = |found: &Match| (found.source_id, found.query.start(), found.source.start(), found.query.end());
    matches.sort_by_key(key);
    let mut links: Vec<Link> = Vec::new();
    for found in matches {
        let near = links.iter_mut().rev().take(MAX_OPEN).find(|link| continues(&link.joined, &found));
        match near {
            Some(link) => link.join(found),
            None => links.push(Link { middles: vec![middle(&found)], joined: found }),
        }
    }
    let mut joined: Vec<Match> = links.into_iter().map(|link| link.joined).collect();
    joined.sort_by_key(|found| (found.query.start(), found.source_id, found.source.start()));
    joined
}

/// Middle of a match in seconds, in query and source.
fn middle(found: &Match) -> (f64, f64) {
    let middle =
        |window: Window<MediaTime>| (window.start().as_secs_f64() + window.end().as_secs_f64()) / 2.0;
    (middle(found.query), middle(found.source))
}

fn continues(earlier: &Match, later: &Match) -> bool {
    let difference = (later.source.start() - earlier.source_at(later.query.start())).as_micros().abs();
    earlier.source_id == later.source_id
        && later.query.start() - earlier.query.end() <= MAX_GAP
        && (later.speed / earlier.speed - 1.0).abs() <= SPEED_TOLERANCE
        && (later.pitch / earlier.pitch - 1.0).abs() <= SPEED_TOLERANCE
        && difference <= TOLERANCE.as_micros()
}

impl Link {
    fn join(&mut self, later: Match) {
        self.middles.push(middle(&later));
        let Self { joined, middles } = self;
        let is_longer = later.query.end() > joined.query.end();
        if is_longer
            && let (Ok(query), Ok(source)) = (
                Window::new(joined.query.start(), later.query.end()),
                Window::new(joined.source.start(), later.source.end()),
            )
        {
            (joined.query, joined.source) = (query, source);
            // Over three blocks, the places are a better measure of the speed than any of the blocks.
            if middles.len() >= 3
                && let Some(line) = robust_line(middles, TOLERANCE.as_secs_f64())
                && (line.slope / joined.speed - 1.0).abs() <= SPEED_TOLERANCE
            {
                joined.speed = line.slope;
            }
        }
        joined.score = joined.score.saturating_add(later.score);
        joined.expected_by_chance = joined.expected_by_chance.min(later.expected_by_chance);
        joined.confidence = joined.confidence.max(later.confidence);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(source_id: i64, query_ms: i64, source_ms: i64) -> Match {
        let window = |ms| Window::starting_at(MediaTime::from_millis(ms), MediaTime::from_millis(9_000));
        Match {
            source_id,
            query: window(query_ms),
            source: window(source_ms),
            speed: 1.0,
            pitch: 1.0,
            score: 20,
            expected_by_chance: 1e-6,
            confidence: 0.999_999,
        }
    }

    #[test]
    fn link_joins_what_continues_and_nothing_else() {
        let matches = vec![
            found(1, 9_500, 109_505),
            found(1, 0, 100_000),
            found(2, 9_500, 109_500),
            // The same source, but a repeat of it elsewhere.
            found(1, 9_500, 60_000),
            // After too long a gap.
            found(1, 40_000, 140_000),
        ];
        let joined = link(matches);
        let windows: Vec<_> = joined
            .iter()
            .map(|m| (m.source_id, m.query.start().as_millis_round(), m.query.end().as_millis_round()))
            .collect();
        assert_eq!(windows, [(1, 0, 18_500), (1, 9_500, 18_500), (2, 9_500, 18_500), (1, 40_000, 49_000)]);
        assert_eq!(joined[0].score, 40);
    }

    #[test]
    fn link_measures_the_drift_of_many_blocks() {
        // 300 ppm.
        let matches = (0..20).map(|n| found(1, 9_000 * n, 5_000 + 9_000 * n + 27 * n / 10)).collect();
        let joined = link(matches);
        assert_eq!(joined.len(), 1);
        assert!((joined[0].speed - 1.0003).abs() < 5e-5, "{}", joined[0].speed);
    }
}
