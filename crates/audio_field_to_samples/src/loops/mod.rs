//! Loops: bars that can be played again and again. Pure.
//!
//! Every run of so many whole bars is a candidate. It is judged by how well its end joins its beginning: whether the
//! recording goes on after the end as it did after the beginning, and came to the beginning as it came to the end. How
//! loud it is plays no part.

mod align;
mod grid;
mod join;

use std::ops::Range;

use media_time::{MediaTime, Window};

use crate::listen::Heard;
use crate::params::LoopParams;
use grid::BarLine;

/// The most loops of one recording.
pub const MAX_LOOPS: usize = 10;
/// Loops longer than this are not looked for.
const LONGEST: MediaTime = MediaTime::from_millis(120_000);
/// Of two candidates of different length that share more than this much of what they cover together, one counts.
const MAX_SHARED: f64 = 0.5;

/// Some bars that can be repeated.
#[derive(Clone, Debug, PartialEq)]
pub struct Loop {
    /// From bar line to bar line.
    pub window: Window,
    /// How many bars.
    pub bars: u32,
    /// Beats per minute, four beats to the bar.
    pub bpm: f64,
    /// How well the end joins the beginning, on how clear a beat; 0 to 1.
    pub confidence: f64,
    /// What to cut, frames: from where the first beat's sound rises, for exactly the loop's length.
    pub slice: Range<u64>,
}

/// The best loops of what was heard, best first: at most [`MAX_LOOPS`], without overlapping duplicates.
#[must_use]
pub fn detect(heard: &Heard, params: &LoopParams) -> Vec<Loop> {
    let duration =
        MediaTime::from_samples(i64::try_from(heard.frames).unwrap_or(i64::MAX), heard.format.rate);
    let mut sizes = params.target_bars.clone();
    sizes.sort_unstable();
    sizes.dedup();
    let mut candidates: Vec<Candidate> = Vec::new();
    for lines in grid::bar_lines(&heard.rhythm, duration, params.bpm_hint) {
        for bars in &sizes {
            let spans = lines.windows(*bars as usize + 1);
            candidates.extend(spans.filter_map(|lines| Candidate::judge(lines, *bars, heard)));
        }
    }
    candidates.retain(|candidate| candidate.confidence >= params.min_confidence);
    let loops = distinct(candidates).into_iter();
    loops.filter_map(|candidate| candidate.cut(heard)).collect()
}

struct Candidate {
    window: Window,
    bars: u32,
    confidence: f64,
}

impl Candidate {
    /// The loop between the first and the last of `lines`.
    fn judge(lines: &[BarLine], bars: u32, heard: &Heard) -> Option<Self> {
        let (first, last) = (lines.first()?, lines.last()?);
        let window = Window::new(first.time, last.time).ok().filter(|window| !window.is_empty())?;
        if window.duration() > LONGEST {
            return None;
        }
        let beat = MediaTime::from_micros(window.duration().as_micros() / i64::from(4 * bars));
        let clarity = lines.iter().map(|line| f64::from(line.clarity)).sum::<f64>() / lines.len() as f64;
        let confidence = (clarity * join::continuity(&heard.bands, window, beat)).sqrt();
        Some(Self { window, bars, confidence: (confidence * 1e4).round() / 1e4 })
    }

    /// With its exact length, and beginning where its first sound rises.
    fn cut(self, heard: &Heard) -> Option<Loop> {
        let rate = heard.format.rate;
        let frame = |time: MediaTime| u64::try_from(time.to_samples(rate)).unwrap_or(0);
        let length =
            align::length(&heard.envelope, frame(self.window.start()), frame(self.window.duration()));
        // A recording that is one loop has no room for a rise that comes late.
        let latest = heard.frames.checked_sub(length).filter(|_| length > 0)?;
        let start = align::rise(heard, self.window.start()).min(latest);
        let bpm = f64::from(self.bars) * 240.0 * f64::from(rate) / length as f64;
        Some(Loop {
            window: self.window,
            bars: self.bars,
            bpm: (bpm * 100.0).round() / 100.0,
            confidence: self.confidence,
            slice: start..start + length,
        })
    }
}

/// The best of `candidates`, best first, of overlapping ones of one length or nearly the same place the best only.
fn distinct(mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    candidates.sort_by(|a, b| {
        b.confidence.total_cmp(&a.confidence).then(b.bars.cmp(&a.bars)).then(a.window.cmp(&b.window))
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

/// What both windows share, as a share of what they cover together.
fn shared(a: Window, b: Window) -> f64 {
    let both = a.intersect(b).map_or(0, |both| both.duration().as_micros());
    let covered = a.duration().as_micros() + b.duration().as_micros() - both;
    both as f64 / covered.max(1) as f64
}
