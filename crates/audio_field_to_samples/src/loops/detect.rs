//! Loops: bars that can be repeated. Pure functions.
//!
//! Every run of whole bars of a requested length is a candidate. Its confidence is the probability that both its ends are
//! downbeats; of several candidates, the confidence times the continuity from end to start decides: whether the recording
//! after the end resembles that after the start, and the recording before the end that before the start, at any loudness.

use std::ops::Range;

use audio_signal::rounded;
use media_time::{MediaTime, Window};

use super::grid::BarLine;
use super::wire::LoopParams;
use super::{align, grid, join};
use crate::extract::RecordingFeatures;

/// Maximum number of loops of one recording.
pub const MAX_LOOPS: usize = 10;
/// Maximum duration of a loop.
const MAX_LOOP: MediaTime = MediaTime::from_millis(120_000);
/// Maximum overlap (intersection over union) of two loops of different length; of two that exceed it, the better is
/// kept.
const MAX_SHARED: f64 = 0.5;
/// Offset, and weights of the log-odds of the clarity and of the margin, by which the confidence is predicted:
/// `tools/rhythm/loops.py` fits them on rendered songs that the rhythm net was not trained on.
const CONFIDENCE: [f64; 3] = [-2.737, 1.103, 0.325];
/// Range of the clarity, and maximum margin (nats), that count for the confidence.
const COUNTED_CLARITY: (f64, f64) = (0.02, 0.98);
const MAX_MARGIN: f64 = 8.0;

/// A number of bars that can be repeated.
#[derive(Clone, Debug, PartialEq)]
pub struct Loop {
    /// From the first to the last bar line.
    pub window: Window,
    /// Length of the loop in bars.
    pub bars: u32,
    /// Tempo in beats per minute, with four beats per bar.
    pub bpm: f64,
    /// Probability that both its ends are downbeats, as many bars apart as it has.
    pub confidence: f64,
    /// The evidence for it.
    pub evidence: LoopEvidence,
    /// Frames to cut: from the rise of the first beat, for exactly the loop's length.
    pub slice: Range<u64>,
}

/// The evidence for a loop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoopEvidence {
    /// Mean confidence of the beats on its bar lines, 0 to 1.
    pub clarity: f64,
    /// Mean margin of its bars over those counted from another beat, nats ([`audio_signal::Beat::bar_margin`]).
    pub margin: f64,
    /// Continuity from its end to its start, 0 to 1.
    pub continuity: f64,
    /// Length in bars.
    pub bars: u32,
}

/// The best loops, best first: at most [`MAX_LOOPS`], without overlapping duplicates.
#[must_use]
pub fn detect(features: &RecordingFeatures, params: &LoopParams) -> Vec<Loop> {
    let duration = MediaTime::from_frames(features.frames, features.format.rate);
    let mut sizes = params.target_bars.clone();
    sizes.sort_unstable();
    sizes.dedup();
    let mut candidates: Vec<Candidate> = Vec::new();
    for lines in grid::bar_lines(&features.rhythm, duration, params.bpm_hint) {
        for bars in &sizes {
            let spans = lines.windows(*bars as usize + 1);
            candidates.extend(spans.filter_map(|lines| Candidate::score(lines, *bars, features)));
        }
    }
    candidates.retain(|candidate| candidate.confidence >= params.min_confidence);
    let loops = distinct(candidates).into_iter();
    loops.filter_map(|candidate| candidate.cut(features)).collect()
}

struct Candidate {
    window: Window,
    bars: u32,
    confidence: f64,
    evidence: LoopEvidence,
}

impl LoopEvidence {
    fn confidence(self) -> f64 {
        let clarity = self.clarity.clamp(COUNTED_CLARITY.0, COUNTED_CLARITY.1);
        let [offset, by_clarity, by_margin] = CONFIDENCE;
        let odds = offset
            + by_clarity * (clarity / (1.0 - clarity)).ln()
            + by_margin * self.margin.clamp(0.0, MAX_MARGIN);
        1.0 / (1.0 + (-odds).exp())
    }
}

impl Candidate {
    /// Value by which the better one of two is kept.
    fn rank(&self) -> f64 {
        self.confidence * self.evidence.continuity
    }

    /// Scores the loop between the first and the last of `lines`.
    fn score(lines: &[BarLine], bars: u32, features: &RecordingFeatures) -> Option<Self> {
        let (first, last) = (lines.first()?, lines.last()?);
        let window = Window::new(first.time, last.time).ok().filter(|window| !window.is_empty())?;
        if window.duration() > MAX_LOOP {
            return None;
        }
        let beat = MediaTime::from_micros(window.duration().as_micros() / i64::from(4 * bars));
        let mean = |value: fn(&BarLine) -> f32| {
            lines.iter().map(|line| f64::from(value(line))).sum::<f64>() / lines.len() as f64
        };
        let (clarity, margin) = (mean(|line| line.clarity), mean(|line| line.margin));
        let continuity = join::continuity(&features.bands, window, beat);
        let evidence = LoopEvidence { clarity, margin, continuity, bars };
        Some(Self { window, bars, confidence: rounded(evidence.confidence(), 4), evidence })
    }

    /// The loop with its exact length, starting at the rise of its first beat.
    fn cut(self, features: &RecordingFeatures) -> Option<Loop> {
        let rate = features.format.rate;
        let frame = |time: MediaTime| u64::try_from(time.to_samples(rate)).unwrap_or(0);
        let length =
            align::length(&features.envelope, frame(self.window.start()), frame(self.window.duration()));
        // For a recording that is one loop, a late rise must not move the end beyond the recording.
        let latest = features.frames.checked_sub(length).filter(|_| length > 0)?;
        let start = align::rise(features, self.window.start()).min(latest);
        let bpm = f64::from(self.bars) * 240.0 * f64::from(rate) / length as f64;
        Some(Loop {
            window: self.window,
            bars: self.bars,
            bpm: (bpm * 100.0).round() / 100.0,
            confidence: self.confidence,
            evidence: self.evidence,
            slice: start..start + length,
        })
    }
}

/// The best of `candidates`, best first. Of overlapping ones of equal length or nearly equal windows, only the best is
/// kept.
fn distinct(mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    candidates.sort_by(|a, b| {
        b.rank().total_cmp(&a.rank()).then(b.bars.cmp(&a.bars)).then(a.window.cmp(&b.window))
    });
    let mut kept: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        let duplicate = |other: &Candidate| {
            let shared = shared(candidate.window, other.window);
            shared > MAX_SHARED || (shared > 0.0 && candidate.bars == other.bars)
        };
        if kept.len() < MAX_LOOPS && !kept.iter().any(duplicate) {
            kept.push(candidate);
        }
    }
    kept
}

/// Intersection over union of both windows.
fn shared(a: Window, b: Window) -> f64 {
    let both = a.intersect(b).map_or(0, |both| both.duration().as_micros());
    let covered = a.duration().as_micros() + b.duration().as_micros() - both;
    both as f64 / covered.max(1) as f64
}
