//! Matches: the best explanations of places, without those that others explain.

use media_time::{MediaTime, Window};

use crate::clusters::{Cluster, Hit};
use crate::null_model::confidence;
use crate::query::{Constellation, Query};
use crate::regression::robust_line;
use crate::spectrum::HOP;
use crate::{MAX_MATCHES, MIN_CANDIDATE_CONFIDENCE, RATE, Refinement};

/// Places of one source whose offsets differ by less, in frames, are one: 96 ms at the same speed, twice at others.
const SAME_PLACE: f32 = 6.0;
/// A changed place is no candidate beside an unchanged one that explains it with more evidence, if it has less than this share
/// of its peaks.
const NEARLY_AS_MANY: f64 = 0.75;
/// Peaks of a place that are counted, about, and fewest of a candidate with half of the query's peaks.
const COUNTED_PEAKS: usize = 180;
const LEAST_PEAKS: usize = 8;
/// Fewest hits, and shortest time between the first and last one in frames, from which a speed is measured.
const MIN_HITS_OF_SPEED: usize = 8;
const MIN_FRAMES_OF_SPEED: f32 = 60.0;
/// Times of hits that are wrong by more than this, in frames, are no part of the measurement.
const OUTLIER: f64 = 1.5;

/// A place at which a query, or a part of it, occurs in a source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Match {
    /// Identifier of the source in the index.
    pub source_id: i64,
    /// The part of the query that agrees, from its first to its last peak.
    pub query: Window<MediaTime>,
    /// The same part of the source.
    pub source: Window<MediaTime>,
    /// Speed of the query relative to the source: 1.1 is faster.
    pub speed: f64,
    /// Frequencies of the query relative to those of the source.
    pub pitch: f64,
    /// Number of spectral peaks that agree.
    pub score: u32,
    /// Number of matches with as many agreeing peaks that the whole search is expected to have by chance.
    pub expected_by_chance: f64,
    /// Probability that the search has no chance match as good: `exp(−expected_by_chance)`.
    pub confidence: f64,
}

impl Match {
    /// The time in the source at time 0 of the query, which may be before its start.
    #[must_use]
    pub fn offset(&self) -> MediaTime {
        self.source_at(MediaTime::ZERO)
    }

    /// This match after [`crate::refine`] of the whole query (which starts at `query_start` of the match's times) in a part
    /// of the source that starts at `source_start`, as one of `candidates` matches that were refined: its place and speed
    /// are exact, and its probability is that of the correlation, if that is the more certain one.
    ///
    /// Of unrelated candidates, `candidates × chance` are expected to have such a correlation.
    #[must_use]
    pub fn confirmed(
        self,
        refinement: &Refinement,
        query_start: MediaTime,
        source_start: MediaTime,
        candidates: usize,
    ) -> Self {
        let since = (self.query.start() - query_start).as_secs_f64();
        let start = refinement.source_start / f64::from(RATE) + since * refinement.speed;
        let duration = self.query.duration().as_secs_f64() * refinement.speed;
        let expected = self.expected_by_chance.min(candidates as f64 * refinement.chance);
        Self {
            source: Window::starting_at(
                source_start + MediaTime::from_secs_f64(start),
                MediaTime::from_secs_f64(duration),
            ),
            speed: refinement.speed,
            // Samples that correlate have the pitch of their speed.
            pitch: refinement.speed,
            expected_by_chance: expected,
            confidence: confidence(expected),
            ..self
        }
    }

    /// The time in the source at `time` of the query.
    #[must_use]
    pub fn source_at(&self, time: MediaTime) -> MediaTime {
        let since = (time - self.query.start()).as_secs_f64() * self.speed;
        self.source.start() + MediaTime::from_secs_f64(since)
    }
}

/// Whether a place, with the number of such places expected by chance, is worth confirming: with at least
/// [`MIN_CANDIDATE_CONFIDENCE`], or with half of the query's peaks. Music that repeats itself is full of hits, so that the place
/// of a query proves nothing by its landmarks alone.
pub(crate) fn is_candidate(expected: f64, cluster: &Cluster, query: &Query) -> bool {
    let most = (query.peaks().min(COUNTED_PEAKS) / 2).max(LEAST_PEAKS);
    confidence(expected) >= MIN_CANDIDATE_CONFIDENCE || cluster.peaks >= most
}

/// The matches of clusters, each with the number of such clusters expected by chance: the least expected first. Of a place,
/// there may be an unchanged match and a changed one with about as many peaks: samples decide which is right, see
/// [`best_readings`](crate::best_readings).
pub(crate) fn by_evidence(mut found: Vec<(f64, Cluster)>, query: &Query) -> Vec<Match> {
    found.sort_by(|(a, cluster), (b, other)| {
        let key = |cluster: &Cluster| (usize::MAX - cluster.peaks, usize::MAX - cluster.hits.len());
        let unchanged = |cluster: &Cluster| (cluster.speed - cluster.change.speed).abs();
        a.total_cmp(b)
            .then(key(cluster).cmp(&key(other)))
            .then(unchanged(cluster).total_cmp(&unchanged(other)))
            .then(cluster.source.cmp(&other.source))
            .then(cluster.offset.total_cmp(&other.offset))
    });
    let middle = (query.len() / HOP) as f32 / 2.0;
    let mut kept: Vec<Place> = Vec::new();
    let mut matches = Vec::new();
    for (expected, cluster) in found {
        if matches.len() == MAX_MATCHES {
            break;
        }
        let place = Place::new(cluster, query.constellations());
        if kept.iter().any(|better| better.replaces(&place, middle)) {
            continue;
        }
        matches.push(measure(&place, query.constellations(), expected));
        kept.push(place);
    }
    matches
}

/// A cluster, and the times of its first and last peak in frames of the query.
struct Place {
    cluster: Cluster,
    start: f32,
    end: f32,
}

impl Place {
    fn new(cluster: Cluster, constellations: &[Constellation]) -> Self {
        let of = |index: u32| &constellations[index as usize];
        let start = cluster.hits.iter().map(|hit| of(hit.constellation).time).fold(f32::MAX, f32::min);
        let end = cluster.hits.iter().map(|hit| of(hit.constellation).last_time()).fold(0.0, f32::max);
        Self { cluster, start, end }
    }

    /// Whether `other`, with less evidence, need not be kept beside this place. Sustained sounds agree with many speeds, in
    /// short queries as well as with the right one: so a changed place never replaces an unchanged one.
    fn replaces(&self, other: &Self, middle: f32) -> bool {
        let (peaks, others) = (self.cluster.peaks as f64, other.cluster.peaks as f64);
        let is_superior = match (self.cluster.is_unchanged(), other.cluster.is_unchanged()) {
            // Speeds near to 1 are tried when the unchanged one is confirmed.
            (true, false) => other.cluster.change.is_none() || others < NEARLY_AS_MANY * peaks,
            (false, true) => false,
            _ => true,
        };
        is_superior && self.explains(other, middle)
    }

    /// Whether `other`, with less evidence, is this place again. Either it has about the same offset at `middle`, that of the
    /// query in frames; or it has another speed or pitch, and somewhere in what is common to both the same frame of the query is the
    /// same frame of the source: of one sound, only one of two speeds is true, and sustained sounds agree with many.
    fn explains(&self, other: &Self, middle: f32) -> bool {
        let (a, b) = (&self.cluster, &other.cluster);
        if a.source != b.source {
            return false;
        }
        let distance = |time: f32| a.offset - b.offset + (a.speed - b.speed) * time;
        let is_near = |time: f32, width: f32| distance(time).abs() < width;
        if a.change == b.change && a.speed.to_bits() == b.speed.to_bits() {
            return is_near(middle, SAME_PLACE);
        }
        let (start, end) = (self.start.max(other.start), self.end.min(other.end));
        let is_common = end - start >= (other.end - other.start) / 2.0;
        let is_crossed = distance(start) * distance(end) <= 0.0;
        let width = 2.0 * SAME_PLACE;
        is_near(middle, width) || is_common && (is_crossed || is_near(start, width) || is_near(end, width))
    }
}

/// Interval and speed of a place.
fn measure(place: &Place, constellations: &[Constellation], expected: f64) -> Match {
    let Place { cluster, start: first, end: last } = place;
    let point =
        |hit: &Hit| (f64::from(constellations[hit.constellation as usize].time), f64::from(hit.frame));
    let points: Vec<(f64, f64)> = cluster.hits.iter().map(point).collect();
    let is_long = points.len() >= MIN_HITS_OF_SPEED && last - first >= MIN_FRAMES_OF_SPEED;
    let (mut offset, mut speed) = (f64::from(cluster.offset), f64::from(cluster.speed));
    if cluster.change.tolerance > 0.0
        && !cluster.is_unchanged()
        && is_long
        && let Some(line) = robust_line(&points, OUTLIER)
        && (line.slope / speed - 1.0).abs() < 0.01
    {
        (offset, speed) = (line.intercept, line.slope);
    } else {
        // The mean without the outliers, which is finer than a frame.
        let near: Vec<f64> = points
            .iter()
            .map(|(time, frame)| frame - speed * time)
            .filter(|value| (value - offset).abs() <= OUTLIER)
            .collect();
        if !near.is_empty() {
            offset = near.iter().sum::<f64>() / near.len() as f64;
        }
    }
    let seconds = |frames: f64| MediaTime::from_secs_f64(frames * HOP as f64 / f64::from(RATE));
    let (start, duration) = (f64::from(*first), f64::from((last - first).max(1.0)));
    Match {
        source_id: cluster.source,
        query: Window::starting_at(seconds(start), seconds(duration)),
        source: Window::starting_at(seconds(offset + speed * start), seconds(duration * speed)),
        speed,
        pitch: f64::from(cluster.change.pitch),
        score: u32::try_from(cluster.peaks).unwrap_or(u32::MAX),
        expected_by_chance: expected,
        confidence: confidence(expected),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Change;

    /// The middle of a query of 10 s.
    const MIDDLE: f32 = 312.5;

    /// A place that has the `start` of the query at frame `source` of the recording.
    fn place(speed: f32, start: f32, end: f32, source: f32) -> Place {
        let change = Change { speed, pitch: 1.0, tolerance: 0.02 };
        let offset = source - speed * start;
        let cluster = Cluster { source: 1, change, speed, offset, peaks: 30, density: 0.1, hits: Vec::new() };
        Place { cluster, start, end }
    }

    #[test]
    fn one_sound_has_one_speed() {
        let exact = place(1.0, 5.0, 623.0, 318.0);
        // Readings that agree for a while, because sounds are sustained.
        assert!(exact.explains(&place(1.0542, 63.0, 299.0, 374.7), MIDDLE));
        assert!(exact.explains(&place(1.05, 548.0, 618.0, 859.7), MIDDLE));
        // A repeat, at its own speed or a bar later.
        assert!(!exact.explains(&place(1.05, 63.0, 299.0, 474.7), MIDDLE));
        assert!(!exact.explains(&place(1.0, 5.0, 500.0, 443.0), MIDDLE));
        // The same audio again, played faster, in another part of the query.
        assert!(!place(1.0, 5.0, 200.0, 318.0).explains(&place(1.05, 250.0, 600.0, 500.0), MIDDLE));
    }
}
