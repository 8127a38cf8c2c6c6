//! Peaks of the spectrogram in time and frequency, ranked by strength among their neighbours in time.

use std::collections::VecDeque;

use spectra::simd::vectorized;

use crate::math::log2;
use crate::spectrum::{BINS, Levels};

/// Parts of an octave in which frequencies are measured.
pub(crate) const STEPS_PER_OCTAVE: f32 = 24.0;
/// Range of the bins of peaks: 94 Hz to 6.4 kHz.
const FIRST_BIN: usize = 6;
const END_BIN: usize = 412;
/// A peak is the maximum of this many bins and frames on either side.
const BIN_REACH: usize = 4;
const FRAME_REACH: usize = 3;
/// Frames on either side in which the local mean of the levels is taken.
const MEAN_FRAMES: usize = 8;
const MEAN_BINS: usize = 16;
/// Frames on either side among which peaks are ranked: 0.4 s.
pub(crate) const RANK_FRAMES: u32 = 25;
/// Peaks below this level (log2 of power) are none: −84 dBFS.
const SILENCE: f32 = -28.0;
/// Minimum height above the local mean, in log2 of power: 6 dB.
const MIN_PROMINENCE: f32 = 2.0;
/// Weight of the local mean in a peak's strength: 0 ranks by level, 1 by prominence.
const WHITENING: f32 = 0.5;

/// A maximum of the spectrogram.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Peak {
    pub(crate) frame: u32,
    /// Frequency in steps of 1/24 octave above bin 1 (15.6 Hz), interpolated.
    pub(crate) pitch: f32,
    bin: usize,
    level: f32,
    /// Number of stronger peaks within [`RANK_FRAMES`].
    pub(crate) rank: u32,
}

/// A frame with what peaks are found by.
struct Row {
    levels: Levels,
    /// The maximum of each bin and [`BIN_REACH`] neighbours on either side.
    maxima: Levels,
    /// The sum of each bin and [`MEAN_BINS`] neighbours on either side, as far as there are any.
    sums: Levels,
}

/// Picks the peaks of a stream of frames, with a bounded history.
pub(crate) struct PeakPicker {
    /// Last frames, oldest first.
    rows: VecDeque<Row>,
    /// Number of frames so far.
    frames: u32,
    max_rank: u32,
    /// Candidates by frame, those whose rank is not final and their neighbours, and the strength of each.
    candidates: Vec<Peak>,
    strengths: Vec<f32>,
    /// Number of candidates at the front that were passed on or rejected.
    emitted: usize,
}

const ROWS: usize = 2 * MEAN_FRAMES + 1;
/// Candidates that are no longer needed are removed when there are this many.
const STALE: usize = 1_024;
/// Bins that are compared at once.
const GROUP: usize = 8;

impl PeakPicker {
    /// Picks peaks with a rank below `max_rank`.
    pub(crate) fn new(max_rank: u32) -> Self {
        Self {
            rows: VecDeque::with_capacity(ROWS),
            frames: 0,
            max_rank,
            candidates: Vec::new(),
            strengths: Vec::new(),
            emitted: 0,
        }
    }

    /// Adds a frame, and passes peaks whose rank is final to `sink`, by frame and pitch.
    pub(crate) fn push(&mut self, levels: &Levels, sink: impl FnMut(Peak)) {
        if self.rows.len() == ROWS {
            self.rows.pop_front();
        }
        self.rows.push_back(vectorized(
            #[inline(always)]
            || Row { levels: *levels, maxima: maxima(levels), sums: sums(levels) },
        ));
        self.frames += 1;
        self.search(MEAN_FRAMES);
        self.emit(self.frames.saturating_sub(MEAN_FRAMES as u32 + RANK_FRAMES), sink);
    }

    /// Passes on the remaining peaks.
    pub(crate) fn finish(mut self, sink: impl FnMut(Peak)) {
        for later in (0..MEAN_FRAMES.min(self.frames as usize)).rev() {
            self.search(later);
        }
        self.emit(u32::MAX, sink);
    }

    /// Finds the candidates of the frame before the last `later` ones.
    fn search(&mut self, later: usize) {
        let Some(at) = self.rows.len().checked_sub(later + 1) else { return };
        let around = at.saturating_sub(FRAME_REACH)..(at + FRAME_REACH + 1).min(self.rows.len());
        let rows = self.rows.range(around);
        let levels = &self.rows[at].levels;
        let groups = vectorized(
            #[inline(always)]
            || groups_of_maxima(levels, rows),
        );
        let frame = self.frames - 1 - later as u32;
        for (group, bins) in groups.into_iter().enumerate().filter(|(_, bins)| *bins != 0) {
            for bin in (0..GROUP).filter(|bin| bins & (1 << bin) != 0) {
                self.add_candidate(at, frame, GROUP * group + bin);
            }
        }
    }

    /// Adds the maximum at `bin` of the row `at`, if it is a peak.
    fn add_candidate(&mut self, at: usize, frame: u32, bin: usize) {
        let levels = &self.rows[at].levels;
        if !(FIRST_BIN..END_BIN).contains(&bin) {
            return;
        }
        // Of equal levels within reach, as those of a steady tone, the first one counts.
        let mut near =
            self.candidates.iter().rev().take_while(|peak| frame - peak.frame <= FRAME_REACH as u32);
        if near.any(|peak| peak.level == levels[bin] && peak.bin.abs_diff(bin) <= BIN_REACH) {
            return;
        }
        let mean = self.mean(at, bin);
        if levels[bin] - mean < MIN_PROMINENCE {
            return;
        }
        let strength = levels[bin] - WHITENING * mean;
        let pitch = STEPS_PER_OCTAVE * log2(bin as f32 + vertex(&levels[bin - 1..=bin + 1]));
        self.candidates.push(Peak { frame, pitch, bin, level: levels[bin], rank: 0 });
        self.strengths.push(strength);
    }

    /// Mean level around `bin` of the row `at`.
    fn mean(&self, at: usize, bin: usize) -> f32 {
        let bins = bin.saturating_sub(MEAN_BINS)..(bin + MEAN_BINS + 1).min(BINS);
        let rows = at.saturating_sub(MEAN_FRAMES)..(at + MEAN_FRAMES + 1).min(self.rows.len());
        let count = (bins.len() * rows.len()) as f32;
        self.rows.range(rows).map(|row| row.sums[bin]).sum::<f32>() / count
    }

    /// Passes on candidates before frame `end`.
    fn emit(&mut self, end: u32, mut sink: impl FnMut(Peak)) {
        while let Some(peak) = self.candidates.get(self.emitted).filter(|peak| peak.frame < end) {
            let first = self.candidates.partition_point(|other| other.frame + RANK_FRAMES < peak.frame);
            let end = self.candidates.partition_point(|other| other.frame <= peak.frame + RANK_FRAMES);
            let (strength, near) = (self.strengths[self.emitted], &self.strengths[first..end]);
            let rank = vectorized(
                #[inline(always)]
                || near.iter().map(|other| u32::from(*other > strength)).sum::<u32>(),
            );
            if rank < self.max_rank {
                sink(Peak { rank, ..*peak });
            }
            self.emitted += 1;
        }
        self.forget(end);
    }

    /// Removes candidates that are no neighbours of those to come.
    fn forget(&mut self, end: u32) {
        if self.emitted < STALE {
            return;
        }
        let next = self.candidates.get(self.emitted).map_or(end, |peak| peak.frame.min(end));
        let stale = self.candidates[..self.emitted].partition_point(|peak| peak.frame + RANK_FRAMES < next);
        self.candidates.drain(..stale);
        self.strengths.drain(..stale);
        self.emitted -= stale;
    }
}

/// For each [`GROUP`] of bins, a bit for each that is not below any maximum of `rows` and not silent.
#[inline(always)]
fn groups_of_maxima<'a>(levels: &Levels, rows: impl Iterator<Item = &'a Row>) -> [u8; BINS / GROUP] {
    let mut highest = [SILENCE; BINS];
    for row in rows {
        for (highest, level) in highest.iter_mut().zip(&row.maxima) {
            *highest = larger(*highest, *level);
        }
    }
    let (levels, highest) = (levels.as_chunks::<GROUP>().0, highest.as_chunks::<GROUP>().0);
    std::array::from_fn(|group| {
        (0..GROUP).fold(0, |bits, bin| bits | u8::from(levels[group][bin] >= highest[group][bin]) << bin)
    })
}

/// The larger of two numbers, in one instruction.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// The maximum of each bin and [`BIN_REACH`] neighbours on either side; below the first ones, of fewer.
#[inline(always)]
fn maxima(levels: &Levels) -> Levels {
    let mut spread = *levels;
    // Maxima of two, four and eight consecutive bins, then of nine.
    for reach in [1, 2, 4, 1] {
        for bin in 0..BINS - reach {
            spread[bin] = larger(spread[bin], spread[bin + reach]);
        }
    }
    let mut centred = spread;
    centred[BIN_REACH..].copy_from_slice(&spread[..BINS - BIN_REACH]);
    centred
}

/// The sum of each bin and [`MEAN_BINS`] neighbours on either side, as far as there are any.
#[inline(always)]
fn sums(levels: &Levels) -> Levels {
    let mut padded = [0.0; BINS + 2 * MEAN_BINS];
    padded[MEAN_BINS..MEAN_BINS + BINS].copy_from_slice(levels);
    // Sums of two consecutive bins, of four, eight, sixteen and thirty-two, then of one more.
    let mut sums = padded;
    for reach in [1, 2, 4, 8, 16] {
        for bin in 0..sums.len() - reach {
            sums[bin] += sums[bin + reach];
        }
    }
    std::array::from_fn(|bin| sums[bin] + padded[bin + 2 * MEAN_BINS])
}

/// Position of the vertex of the parabola through three levels, relative to the middle one: −0.5 to 0.5.
fn vertex(levels: &[f32]) -> f32 {
    let [left, middle, right] = levels else { return 0.0 };
    let curvature = left - 2.0 * middle + right;
    if curvature < 0.0 { (0.5 * (left - right) / curvature).clamp(-0.5, 0.5) } else { 0.0 }
}
