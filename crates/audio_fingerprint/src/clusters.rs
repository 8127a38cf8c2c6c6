//! Hits that agree on a place: a source, an offset and a speed.

use crate::null_model::NullModel;
use crate::query::{Change, Constellation};
use crate::shape::{Cells, FRAMES_PER_CELL};

/// A constellation of the query that a source has, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hit {
    pub(crate) source: i64,
    /// Of the source.
    pub(crate) frame: u32,
    /// Index of the query's constellation.
    pub(crate) constellation: u32,
    pub(crate) hash: u32,
    /// Number of postings of the hash.
    pub(crate) postings: u32,
}

/// Hits of one source that agree on offset and speed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cluster {
    pub(crate) source: i64,
    pub(crate) change: Change,
    /// Frames of the source for each frame of the query.
    pub(crate) speed: f32,
    /// Frame of the source at the query's start.
    pub(crate) offset: f32,
    /// Number of peaks that agree.
    pub(crate) peaks: usize,
    /// Hits of the source at a place nearby, on average.
    pub(crate) density: f64,
    pub(crate) hits: Vec<Hit>,
}

impl Cluster {
    /// Whether the query is unchanged there: exactly at speed 1 and the pitch of the source.
    #[expect(clippy::float_cmp, reason = "the speed that a change without tolerance has")]
    pub(crate) fn is_unchanged(&self) -> bool {
        self.change.is_none() && self.speed == 1.0
    }
}

/// Offsets within this many frames agree: 40 ms.
const WIDTH: f32 = 2.5;
/// Offsets within this many frames are nearby, on either side: 5 s.
const NEARBY: f32 = 312.5;
/// Nearby places with at least this many hits, and half as many as a place, are repeats of it, and no background.
const HITS_OF_REPEAT: usize = 32;
/// Least range of nearby offsets: of short sources.
const MIN_NEARBY: f32 = 125.0;
/// Difference of the speeds that are tried within a change's tolerance.
const SPEED_STEP: f32 = 0.004;
/// Fewest hits of a place.
const MIN_HITS: usize = 2;
/// Peaks this near are the same, seen from frames that begin elsewhere.
const SAME_FRAMES: f32 = 2.5;
const SAME_PITCH: i32 = 1;
/// More hits of a place are not counted: it is certain.
const COUNTED_HITS: usize = 256;

/// The places at which some of `hits` (all under `change`, by source) agree, each with the number of places with as much
/// evidence that are expected by chance under all of `changes` changes. Most of the places of a search are chance: only those
/// that are `wanted` are kept in memory.
pub(crate) fn clusters(
    hits: &[Hit],
    constellations: &[Constellation],
    change: Change,
    changes: usize,
    wanted: impl Fn(f64, &Cluster) -> bool,
) -> Vec<(f64, Cluster)> {
    let model = NullModel::new(hits.len(), changes);
    let mut found = Vec::new();
    for hits in hits.chunk_by(|a, b| a.source == b.source).filter(|hits| hits.len() >= MIN_HITS) {
        for speed in speeds(change) {
            for cluster in agreeing(hits, constellations, change, speed) {
                let expected = model.expected(cluster.peaks, cluster.density);
                if wanted(expected, &cluster) {
                    found.push((expected, cluster));
                }
            }
        }
    }
    found
}

fn speeds(change: Change) -> impl Iterator<Item = f32> {
    let steps = (change.tolerance / SPEED_STEP).ceil() as i32;
    (-steps..=steps).map(move |step| change.speed * (1.0 + step as f32 * SPEED_STEP))
}

/// The places of one source at one speed. Each hit belongs to the fullest place around it.
fn agreeing(hits: &[Hit], constellations: &[Constellation], change: Change, speed: f32) -> Vec<Cluster> {
    let offset = |hit: &Hit| hit.frame as f32 - speed * constellations[hit.constellation as usize].time;
    let mut by_offset: Vec<(f32, Hit)> = hits.iter().map(|hit| (offset(hit), *hit)).collect();
    by_offset.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    // For each hit, the number of hits up to WIDTH after it.
    let mut end = 0;
    let mut windows: Vec<(usize, usize)> = Vec::new();
    for start in 0..by_offset.len() {
        while end < by_offset.len() && by_offset[end].0 <= by_offset[start].0 + WIDTH {
            end += 1;
        }
        if end - start >= MIN_HITS {
            windows.push((start, end));
        }
    }
    windows.sort_by_key(|(start, end)| (usize::MAX - (end - start), *start));
    let (mut used, mut found) = (vec![false; by_offset.len()], Vec::new());
    for (start, end) in windows {
        if used[start..end].iter().any(|used| *used) {
            continue;
        }
        used[start..end].fill(true);
        let members = &by_offset[start..end];
        let hits: Vec<Hit> = members.iter().map(|(_, hit)| *hit).collect();
        let offset = members[members.len() / 2].0;
        let peaks = distinct(&hits, constellations);
        let density = density(&by_offset, offset, hits.len());
        found.push(Cluster { source: hits[0].source, change, speed, offset, peaks, density, hits });
    }
    found
}

/// Mean number of hits at the places around `offset`, without the `own` hits there, and without its repeats: in a loop of
/// beats, all that is nearby is the place itself.
fn density(by_offset: &[(f32, Hit)], offset: f32, own: usize) -> f64 {
    let start = by_offset.partition_point(|(other, _)| *other < offset - NEARBY);
    let end = by_offset.partition_point(|(other, _)| *other <= offset + NEARBY);
    let near = &by_offset[start..end];
    let places = (near[near.len() - 1].0 - near[0].0).max(MIN_NEARBY) / WIDTH;
    let place_of = |hit: &(f32, Hit)| ((hit.0 - offset) / WIDTH + 0.5).floor();
    let counts: Vec<(f32, usize)> = near
        .chunk_by(|a, b| place_of(a) == place_of(b))
        .map(|hits| (place_of(&hits[0]), hits.len()))
        .collect();
    // Hits of a repeat may be in two places next to one another.
    let fullest = HITS_OF_REPEAT.max(own / 2);
    let is_repeat = |(place, count): &(f32, usize)| *count >= fullest || *place == 0.0;
    let (mut hits, mut others) = (0, places);
    for (index, (place, count)) in counts.iter().enumerate() {
        let around = &counts[index.saturating_sub(1)..(index + 2).min(counts.len())];
        if around.iter().any(|other| is_repeat(other) && (other.0 - place).abs() <= 1.0) {
            others -= 1.0;
        } else {
            hits += count;
        }
    }
    hits as f64 / f64::from(others.max(1.0))
}

/// Number of different peaks of the hits, in the query and in the source: the smaller one.
pub(crate) fn distinct(hits: &[Hit], constellations: &[Constellation]) -> usize {
    let (mut in_query, mut in_source) = (Peaks::default(), Peaks::default());
    for hit in hits.iter().take(COUNTED_HITS) {
        let Constellation { shape, time, .. } = constellations[hit.constellation as usize];
        in_query.add(time, shape.pitch as i32);
        for (interval, span) in shape.intervals.into_iter().zip(shape.spans) {
            in_query.add(time + span, (shape.pitch + interval) as i32);
        }
        let cells = Cells::of_hash(hit.hash);
        in_source.add(hit.frame as f32, cells.pitch);
        for (interval, span) in cells.intervals.into_iter().zip(cells.spans) {
            let middle = (span as f32 + 0.25) * FRAMES_PER_CELL;
            in_source.add(hit.frame as f32 + middle, cells.pitch + interval);
        }
    }
    in_query.0.len().min(in_source.0.len())
}

/// Different peaks, as time in frames and pitch in steps.
#[derive(Default)]
struct Peaks(Vec<(f32, i32)>);

impl Peaks {
    fn add(&mut self, time: f32, pitch: i32) {
        let same =
            |peak: &(f32, i32)| (peak.0 - time).abs() < SAME_FRAMES && (peak.1 - pitch).abs() <= SAME_PITCH;
        if !self.0.iter().any(same) {
            self.0.push((time, pitch));
        }
    }
}
