//! The constellations of a query, more than an index has, and the hashes under which an index may have them.

use crate::math::log2;
use crate::peaks::{Peak, PeakPicker, STEPS_PER_OCTAVE};
use crate::shape::{Cells, FRAMES_PER_CELL, MAX_SPAN, Shape, is_target};
use crate::spectrum::{HOP, Spectrogram};
use crate::{MAX_QUERY_SAMPLES, MIN_QUERY_SAMPLES, QueryError};

/// Starts of the query's frames within a hop: the frames of the source began elsewhere.
const PHASES: usize = 2;
/// Rank of the peaks of short queries, and of those of 5 s or more: an index has those below 24.
const RANK_OF_SHORT: u32 = 40;
const RANK_OF_LONG: u32 = 28;
/// Rank of the peaks of an index, and of those that are searched at other speeds and pitches.
const RANK_OF_INDEX: u32 = 24;
/// Peaks of which constellations with one first peak are formed.
const MAX_TARGETS: usize = 24;
/// Values this near to the limit of a cell are searched in both, in cells.
const PITCH_MARGIN: f32 = 0.25;
const SPAN_MARGIN: f32 = 0.25;
/// Queries whose samples are all below this are silent: −72 dBFS.
const SILENCE: f32 = 2.5e-4;

/// Three peaks of a query.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Constellation {
    pub(crate) shape: Shape,
    /// Time of the first peak in frames.
    pub(crate) time: f32,
    rank: u32,
}

impl Constellation {
    /// Time of the last peak in frames.
    pub(crate) fn last_time(&self) -> f32 {
        self.time + self.shape.spans[0].max(self.shape.spans[1])
    }
}

/// The constellations of up to 10 s of audio.
#[derive(Clone, Debug)]
pub struct Query {
    constellations: Vec<Constellation>,
    /// Number of peaks as an index has them.
    peaks: usize,
    samples: usize,
}

impl Query {
    /// Of mono samples at [`crate::RATE`] Hz.
    ///
    /// # Errors
    /// When the query is shorter than 0.3 s, longer than 10 s (see [`crate::blocks`]), or silent.
    pub fn new(samples: &[f32]) -> Result<Self, QueryError> {
        if samples.len() < MIN_QUERY_SAMPLES {
            return Err(QueryError::TooShort);
        }
        if samples.len() > MAX_QUERY_SAMPLES {
            return Err(QueryError::TooLong);
        }
        if samples.iter().all(|sample| sample.is_nan() || sample.abs() <= SILENCE) {
            return Err(QueryError::Silent);
        }
        let max_rank = if samples.len() < MAX_QUERY_SAMPLES / 2 { RANK_OF_SHORT } else { RANK_OF_LONG };
        let (mut constellations, mut count) = (Vec::new(), 0);
        for phase in 0..PHASES {
            let peaks = peaks(&samples[phase * HOP / PHASES..], max_rank);
            count = peaks.iter().filter(|peak| peak.rank < RANK_OF_INDEX).count();
            constellations.extend(join(&peaks, phase as f32 / PHASES as f32));
        }
        Ok(Self { constellations, peaks: count, samples: samples.len() })
    }

    /// Length in samples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.samples
    }

    /// Does the query have nothing to search for?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.constellations.is_empty()
    }

    pub(crate) fn peaks(&self) -> usize {
        self.peaks
    }

    pub(crate) fn constellations(&self) -> &[Constellation] {
        &self.constellations
    }
}

fn peaks(samples: &[f32], max_rank: u32) -> Vec<Peak> {
    let (mut spectrogram, mut picker, mut peaks) =
        (Spectrogram::new(), PeakPicker::new(max_rank), Vec::new());
    spectrogram.push(samples, |_| (), |levels| picker.push(levels, |peak| peaks.push(peak)));
    spectrogram.finish(|_| (), |levels| picker.push(levels, |peak| peaks.push(peak)));
    picker.finish(|peak| peaks.push(peak));
    peaks
}

/// All constellations of `peaks`.
fn join(peaks: &[Peak], phase: f32) -> Vec<Constellation> {
    let mut constellations = Vec::new();
    for (index, first) in peaks.iter().enumerate() {
        let later = peaks[index + 1..].iter().take_while(|peak| peak.frame <= first.frame + MAX_SPAN);
        let targets: Vec<&Peak> = later.filter(|peak| is_target(first, peak)).take(MAX_TARGETS).collect();
        for (index, &a) in targets.iter().enumerate() {
            constellations.extend(targets[index + 1..].iter().map(|b| Constellation {
                shape: Shape::of(first, [a, b]),
                time: first.frame as f32 + phase,
                rank: first.rank.max(a.rank).max(b.rank),
            }));
        }
    }
    constellations
}

/// How a query may differ from its source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Change {
    /// Frames of the source for each frame of the query.
    pub(crate) speed: f32,
    /// Frequency of the query over that of the source.
    pub(crate) pitch: f32,
    /// Speeds around `speed`, as a fraction of it on either side, that have the same hashes.
    pub(crate) tolerance: f32,
}

impl Change {
    pub(crate) const NONE: Self = Self { speed: 1.0, pitch: 1.0, tolerance: 0.0 };

    /// Whether it changes neither speed nor pitch, but within its tolerance.
    #[expect(clippy::float_cmp, reason = "values of a table")]
    pub(crate) fn is_none(&self) -> bool {
        self.speed == 1.0 && self.pitch == 1.0
    }

    /// Every speed of 0.9 to 1.1, as of a tape; pitches to a semitone at the same speed; and the same speeds at the
    /// same pitch.
    pub(crate) fn all() -> Vec<Self> {
        let tape = (-6..=6).map(|step| 1.0 + 0.018 * step as f32).map(|speed| (speed, speed, 0.009));
        let pitches = [-1.0f32, -0.5, 0.5, 1.0].map(|semitones| (1.0, (semitones / 12.0).exp2(), 0.0));
        let stretched = [0.9, 0.95, 1.05, 1.1].map(|speed| (speed, 1.0, 0.025));
        let changes = tape.chain(pitches).chain(stretched);
        changes.map(|(speed, pitch, tolerance)| Self { speed, pitch, tolerance }).collect()
    }

    /// The shape in the source of which `shape` is the changed one.
    fn undo(&self, shape: &Shape) -> Shape {
        Shape {
            pitch: shape.pitch - STEPS_PER_OCTAVE * log2(self.pitch),
            intervals: shape.intervals,
            spans: shape.spans.map(|span| span * self.speed),
        }
    }
}

/// A hash under which the index may have a constellation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Probe {
    pub(crate) hash: u32,
    /// Index of the constellation.
    pub(crate) constellation: u32,
}

/// The probes of a query under a change, by hash.
pub(crate) fn probes(query: &Query, change: Change) -> Vec<Probe> {
    let mut probes = Vec::new();
    for (constellation, index) in query.constellations.iter().zip(0..) {
        if !change.is_none() && constellation.rank >= RANK_OF_INDEX {
            continue;
        }
        for_each_hash(&change.undo(&constellation.shape), |hash| {
            probes.push(Probe { hash, constellation: index });
        });
    }
    probes.sort_unstable();
    probes.dedup();
    probes
}

/// The hashes of the cells around a shape.
fn for_each_hash(shape: &Shape, mut sink: impl FnMut(u32)) {
    let around = |value: f32, margin: f32| (value - margin).floor() as i32..=(value + margin).floor() as i32;
    let [a, b] = shape.intervals.map(|interval| around(interval, PITCH_MARGIN));
    let [first, second] = shape.spans.map(|span| around(span / FRAMES_PER_CELL, SPAN_MARGIN));
    for pitch in around(shape.pitch, PITCH_MARGIN) {
        for a in a.clone() {
            for b in b.clone() {
                for first in first.clone() {
                    for second in second.clone() {
                        sink(Cells { pitch, intervals: [a, b], spans: [first, second] }.hash());
                    }
                }
            }
        }
    }
}
