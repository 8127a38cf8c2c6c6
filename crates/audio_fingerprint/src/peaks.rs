//! Peaks of the spectrogram in time and frequency, ranked by strength among their neighbours in time.

use std::collections::VecDeque;

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
    strength: f32,
    /// Number of stronger peaks within [`RANK_FRAMES`].
    pub(crate) rank: u32,
}

/// Picks the peaks of a stream of frames, with a bounded history.
pub(crate) struct PeakPicker {
    /// Last frames, oldest first: levels, and their maxima over [`BIN_REACH`].
    rows: VecDeque<(Levels, Levels)>,
    /// Number of frames so far.
    frames: u32,
    max_rank: u32,
    /// Candidates whose rank is not final.
    candidates: VecDeque<Peak>,
    /// Number of candidates at the front that were passed on or rejected, and are kept as neighbours.
    emitted: usize,
}

const ROWS: usize = 2 * MEAN_FRAMES + 1;

impl PeakPicker {
    /// Picks peaks with a rank below `max_rank`.
    pub(crate) fn new(max_rank: u32) -> Self {
        Self {
            rows: VecDeque::with_capacity(ROWS),
            frames: 0,
            max_rank,
            candidates: VecDeque::new(),
            emitted: 0,
        }
    }

    /// Adds a frame, and passes peaks whose rank is final to `sink`, by frame and pitch.
    pub(crate) fn push(&mut self, levels: &Levels, sink: impl FnMut(Peak)) {
        if self.rows.len() == ROWS {
            self.rows.pop_front();
        }
        self.rows.push_back((*levels, maxima(levels)));
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
        let mut highest = self.rows[at].1;
        for row in self.rows.range(around).filter(|row| !std::ptr::eq(*row, &raw const self.rows[at])) {
            highest.iter_mut().zip(&row.1).for_each(|(highest, level)| *highest = highest.max(*level));
        }
        let levels = &self.rows[at].0;
        let frame = self.frames - 1 - later as u32;
        for bin in FIRST_BIN..END_BIN {
            if levels[bin] < highest[bin] || levels[bin] < SILENCE {
                continue;
            }
            // Of equal levels within reach, as those of a steady tone, the first one counts.
            let same = |peak: &&Peak| {
                frame - peak.frame <= FRAME_REACH as u32
                    && peak.level == levels[bin]
                    && peak.bin.abs_diff(bin) <= BIN_REACH
            };
            if self.candidates.iter().rev().take(64).any(|peak| same(&peak)) {
                continue;
            }
            let mean = self.mean(at, bin);
            if levels[bin] - mean < MIN_PROMINENCE {
                continue;
            }
            let strength = levels[bin] - WHITENING * mean;
            let pitch = STEPS_PER_OCTAVE * log2(bin as f32 + vertex(&levels[bin - 1..=bin + 1]));
            self.candidates.push_back(Peak { frame, pitch, bin, level: levels[bin], strength, rank: 0 });
        }
    }

    /// Mean level around `bin` of the row `at`.
    fn mean(&self, at: usize, bin: usize) -> f32 {
        let bins = bin.saturating_sub(MEAN_BINS)..(bin + MEAN_BINS + 1).min(BINS);
        let rows = at.saturating_sub(MEAN_FRAMES)..(at + MEAN_FRAMES + 1).min(self.rows.len());
        let count = (bins.len() * rows.len()) as f32;
        // Row by row, so that the sums of all bins are vectorised.
        let mut sums = [0.0; 2 * MEAN_BINS + 1];
        for row in self.rows.range(rows) {
            sums.iter_mut().zip(&row.0[bins.clone()]).for_each(|(sum, level)| *sum += level);
        }
        sums.iter().sum::<f32>() / count
    }

    /// Passes on candidates before frame `end`.
    fn emit(&mut self, end: u32, mut sink: impl FnMut(Peak)) {
        while let Some(&(mut peak)) = self.candidates.get(self.emitted)
            && peak.frame < end
        {
            let near = |other: &&Peak| other.frame.abs_diff(peak.frame) <= RANK_FRAMES;
            let stronger = |other: &&Peak| other.strength > peak.strength;
            peak.rank = self.candidates.iter().filter(near).filter(stronger).count() as u32;
            if peak.rank < self.max_rank {
                sink(peak);
            }
            self.emitted += 1;
        }
        // Emitted ones are neighbours of later ones for a while.
        let next = self.candidates.get(self.emitted).map_or(end, |peak| peak.frame.min(end));
        while self.emitted > 0 && self.candidates.front().is_some_and(|peak| peak.frame + RANK_FRAMES < next)
        {
            self.candidates.pop_front();
            self.emitted -= 1;
        }
    }
}

/// The maximum of each bin and [`BIN_REACH`] neighbours on either side; below the first ones, of fewer.
fn maxima(levels: &Levels) -> Levels {
    let mut spread = *levels;
    // Maxima of two, four and eight consecutive bins, then of nine.
    for reach in [1, 2, 4, 1] {
        for bin in 0..BINS - reach {
            spread[bin] = spread[bin].max(spread[bin + reach]);
        }
    }
    let mut centred = spread;
    centred[BIN_REACH..].copy_from_slice(&spread[..BINS - BIN_REACH]);
    centred
}

/// Position of the vertex of the parabola through three levels, relative to the middle one: −0.5 to 0.5.
fn vertex(levels: &[f32]) -> f32 {
    let [left, middle, right] = levels else { return 0.0 };
    let curvature = left - 2.0 * middle + right;
    if curvature < 0.0 { (0.5 * (left - right) / curvature).clamp(-0.5, 0.5) } else { 0.0 }
}
