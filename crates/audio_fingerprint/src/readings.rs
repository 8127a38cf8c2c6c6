//! The right one of two readings of a place: the query unchanged, or at another speed or pitch.

use media_time::MediaTime;

use crate::{MAX_CANDIDATES, Match, Refinement};

/// Speeds and pitches this near to 1 are unchanged: as clocks differ.
const UNCHANGED: f64 = 0.001;
/// Times of the source this near, at one time of the query, are the same: 192 ms.
const SAME_PLACE: MediaTime = MediaTime::from_millis(192);
/// Two of one kind are one if their times are this near over all that is common to them: 40 ms.
const SAME_TIMES: MediaTime = MediaTime::from_millis(40);
/// An unchanged reading is preferred to a changed one with this much more evidence, as a share: of the correlation where
/// samples confirm both, and of the peaks where they confirm neither.
const NEARLY_EQUAL: f64 = 0.9;
/// A reading that only samples confirm is right if they explain a quarter of the power of the query, or if its landmarks have
/// this share of the peaks of the other reading.
const LARGE_CORRELATION: f64 = 0.5;
const LEAST_PEAKS: f64 = 0.75;

/// A match, with its refinement if its samples confirmed it.
type Reading = (Match, Option<Refinement>);

impl Match {
    /// Whether the query has the speed and pitch of the source there.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        (self.speed - 1.0).abs() <= UNCHANGED && (self.pitch - 1.0).abs() <= UNCHANGED
    }

    /// The differences of the times in the source at the start and at the end of what is common to both in the query, in µs;
    /// `None` for different sources, or if that is less than half of the shorter one.
    fn distances(&self, other: &Self) -> Option<[i64; 2]> {
        let common = self.query.intersect(other.query).filter(|_| self.source_id == other.source_id)?;
        let shorter = self.query.duration().min(other.query.duration());
        let distance = |time: MediaTime| (self.source_at(time) - other.source_at(time)).as_micros();
        let is_enough = 2 * common.duration().as_micros() >= shorter.as_micros();
        is_enough.then(|| [distance(common.start()), distance(common.end())])
    }

    /// Whether somewhere in what is common to both, the same time of the query is the same time of the source.
    fn is_at_place_of(&self, other: &Self) -> bool {
        self.distances(other).is_some_and(|[start, end]| {
            start.signum() != end.signum() || start.abs().min(end.abs()) < SAME_PLACE.as_micros()
        })
    }

    /// Whether all that is common to both is at the same times of the source.
    fn is_same_as(&self, other: &Self) -> bool {
        let is_near = |distance: i64| distance.abs() < SAME_TIMES.as_micros();
        self.distances(other).is_some_and(|distances| distances.into_iter().all(is_near))
    }
}

/// The matches that are confirmed, of those in order of evidence: the first [`MAX_CANDIDATES`] unchanged ones, and as many
/// changed ones, so that neither keep the others out.
pub fn most_certain(matches: Vec<Match>) -> impl Iterator<Item = Match> {
    let (mut unchanged, mut changed) = (0, 0);
    matches.into_iter().filter(move |found| {
        let count = if found.is_unchanged() { &mut unchanged } else { &mut changed };
        *count += 1;
        *count <= MAX_CANDIDATES
    })
}

/// `found` (of one query) without the wrong readings: one sound has one speed. Of a place that was found unchanged as well as
/// at another speed or pitch, that with more evidence is kept, and the unchanged one if both have nearly the same.
#[must_use]
pub fn best_readings(mut found: Vec<Reading>) -> Vec<Reading> {
    let unchanged = of_kind(&found, true);
    found.retain(|changed| {
        let is_better = |other: &Reading| other.0.is_at_place_of(&changed.0) && is_preferred(other, changed);
        changed.0.is_unchanged() || !unchanged.iter().any(is_better)
    });
    let changed = of_kind(&found, false);
    // Those that are preferred to it are gone.
    found.retain(|one| !one.0.is_unchanged() || !changed.iter().any(|other| other.0.is_at_place_of(&one.0)));
    // Samples give a place that was found twice the same times.
    let confirmed: Vec<Match> =
        found.iter().filter(|(_, refined)| refined.is_some()).map(|(one, _)| *one).collect();
    let is_confirmed_elsewhere = |one: &Match| confirmed.iter().any(|other| other.is_same_as(one));
    let mut kept: Vec<Reading> = Vec::with_capacity(found.len());
    for (one, refined) in found {
        let is_known = kept.iter().any(|(other, _)| other.is_same_as(&one));
        if !is_known && (refined.is_some() || !is_confirmed_elsewhere(&one)) {
            kept.push((one, refined));
        }
    }
    kept
}

fn of_kind(found: &[Reading], is_unchanged: bool) -> Vec<Reading> {
    found.iter().filter(|(found, _)| found.is_unchanged() == is_unchanged).copied().collect()
}

/// Whether an unchanged reading is preferred to a changed one of its place.
fn is_preferred(unchanged: &Reading, changed: &Reading) -> bool {
    let share_of_peaks = f64::from(unchanged.0.score) / f64::from(changed.0.score.max(1));
    match (&unchanged.1, &changed.1) {
        (Some(a), Some(b)) => a.correlation.abs() >= NEARLY_EQUAL * b.correlation.abs(),
        (Some(a), None) => a.correlation.abs() >= LARGE_CORRELATION || share_of_peaks >= LEAST_PEAKS,
        (None, Some(_)) => false,
        (None, None) => share_of_peaks >= NEARLY_EQUAL,
    }
}

#[cfg(test)]
mod tests {
    use media_time::Window;

    use super::*;

    /// A match of the first 2 s of a query.
    fn reading(speed: f64, source_ms: i64, score: u32, correlation: Option<f64>) -> Reading {
        let (ms, s) = (MediaTime::from_millis, MediaTime::from_secs_f64);
        let found = Match {
            source_id: 1,
            query: Window::starting_at(ms(0), ms(2_000)),
            source: Window::starting_at(ms(source_ms), s(2.0 * speed)),
            speed,
            pitch: speed,
            score,
            expected_by_chance: 1e-9,
            confidence: 1.0,
        };
        let refined =
            |correlation| Refinement { source_start: 0.0, speed, gain_db: 0.0, correlation, chance: 1e-9 };
        (found, correlation.map(refined))
    }

    #[test]
    fn unchanged_reading_is_kept_if_its_samples_explain_the_query_as_well() {
        let speeds = |unchanged: (u32, Option<f64>), changed: (u32, Option<f64>)| -> Vec<f64> {
            let found = vec![
                reading(1.02, 9_980, changed.0, changed.1),
                reading(1.0, 10_000, unchanged.0, unchanged.1),
                // A repeat, which neither is.
                reading(1.0, 14_000, 9, None),
            ];
            best_readings(found).iter().map(|(found, _)| found.speed).collect()
        };
        let (unchanged, changed) = (vec![1.0, 1.0], vec![1.02, 1.0]);
        assert_eq!(speeds((20, Some(0.9)), (23, None)), unchanged);
        assert_eq!(speeds((20, Some(0.9)), (23, Some(0.95))), unchanged);
        assert_eq!(speeds((20, Some(0.4)), (23, Some(0.95))), changed);
        assert_eq!(speeds((9, Some(0.1)), (40, None)), changed, "a tempo that was changed without the pitch");
        assert_eq!(speeds((23, None), (20, Some(0.5))), changed);
        assert_eq!(speeds((22, None), (23, None)), unchanged);
        assert_eq!(speeds((10, None), (23, None)), changed);
    }

    #[test]
    fn changed_matches_keep_no_unchanged_one_out() {
        let changed = (0..300).map(|n| reading(1.05, 5_000 * n, 30, None).0);
        let matches: Vec<Match> = changed.chain([reading(1.0, 0, 9, None).0]).collect();
        let certain: Vec<Match> = most_certain(matches).collect();
        assert!(certain.len() == MAX_CANDIDATES + 1 && certain.iter().any(Match::is_unchanged));
    }
}
