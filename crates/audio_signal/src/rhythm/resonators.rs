//! The bank of resonators behind the tempogram.

use crate::simd::{WIDTH, vectorized};

/// Half-life of a resonator's memory in seconds.
const HALF_LIFE_SECONDS: f64 = 5.0;
/// Cost of a beat period that deviates from the previous one, per squared logarithm of their ratio.
const DEVIATION_COST: f32 = 450.0;
/// Number of neighbouring periods on both sides that are compared with each resonator's own.
const NEIGHBOURS: usize = 2;
/// Maximum number of frames computed together.
const BLOCK: usize = 16;
/// Capacity of a row in frames, in addition to the frames of look-back.
const ROOM: usize = 16 * BLOCK;

/// One resonator per period, after the cumulative beat score of Davies & Plumbley ("Context-dependent beat
/// tracking of musical audio", TASLP 2007). Each computes, per frame, the best sum of pulse values over beats about
/// one period apart that ends in this frame, with exponential forgetting.
pub(super) struct Bank {
    /// Periods in frames, ascending by one.
    periods: Vec<usize>,
    /// Decay of a sum over one period.
    decay: Vec<f32>,
    /// Scale of each resonator, so that independent values of unit variance give a response of unit variance.
    scale: Vec<f32>,
    /// For each period, the cost of each neighbour as the previous interval.
    costs: Vec<[f32; 2 * NEIGHBOURS + 1]>,
}

/// The scores of the last frames, one row per resonator, oldest first.
struct Scores {
    rows: Vec<f32>,
    width: usize,
    /// Index of the next frame in each row; zeros precede the first frame.
    next: usize,
    /// Number of frames of look-back.
    kept: usize,
}

impl Bank {
    pub(super) fn new(periods: Vec<usize>, frames_per_second: f64) -> Self {
        let forget = 0.5f64.powf(1.0 / (HALF_LIFE_SECONDS * frames_per_second));
        let decay: Vec<f32> = periods.iter().map(|period| forget.powf(*period as f64) as f32).collect();
        let scale = decay.iter().map(|decay| (1.0 - decay * decay).sqrt()).collect();
        let cost = |period: usize, offset: usize| {
            let neighbour = (period + offset) as f32 - NEIGHBOURS as f32;
            let log = (neighbour.max(1.0) / period as f32).ln();
            DEVIATION_COST * log * log
        };
        let costs =
            periods.iter().map(|period| std::array::from_fn(|offset| cost(*period, offset))).collect();
        Self { periods, decay, scale, costs }
    }

    /// Passes to `sink`, at frames `offset`, `offset + step`, …, each resonator's best response within its last
    /// period.
    pub(super) fn respond(&self, pulse: &[f32], step: usize, offset: usize, mut sink: impl FnMut(f32)) {
        let (Some(&shortest), Some(&longest)) = (self.periods.first(), self.periods.last()) else { return };
        let mut scores = Scores::new(self.periods.len(), longest);
        let mut wanted = offset;
        // No resonator looks back into the current block, so its frames are independent of each other.
        let block = BLOCK.min(shortest);
        for (start, values) in (0..).step_by(block).zip(pulse.chunks(block)) {
            scores.make_room();
            vectorized(
                #[inline(always)]
                || {
                    for index in 0..self.periods.len() {
                        self.advance(index, values, &mut scores);
                    }
                },
            );
            scores.next += values.len();
            while wanted < start + values.len() {
                let end = scores.next - (start + values.len() - 1 - wanted);
                for (index, period) in self.periods.iter().enumerate() {
                    let last = &scores.row(index)[end - period..end];
                    sink(self.scale[index] * largest(last));
                }
                wanted += step;
            }
        }
    }

    /// Computes the scores of the resonator `index` in the frames with the pulse `values`.
    #[inline(always)]
    fn advance(&self, index: usize, values: &[f32], scores: &mut Scores) {
        let (next, from) = (scores.next, scores.next - self.periods[index]);
        let (first, last) =
            (index.saturating_sub(NEIGHBOURS), (index + NEIGHBOURS).min(self.periods.len() - 1));
        let mut best = [0.0_f32; BLOCK];
        for (row, cost) in (first..=last).zip(&self.costs[index][first + NEIGHBOURS - index..]) {
            // A whole block, for speed: rows have the capacity, and scores beyond `values` are not used.
            let Some(scores) = scores.row(row)[from..].first_chunk::<BLOCK>() else { continue };
            for (best, score) in best.iter_mut().zip(scores) {
                let score = score - cost;
                *best = if score > *best { score } else { *best };
            }
        }
        let row = &mut scores.row_mut(index)[next..];
        for ((score, best), value) in row.iter_mut().zip(best).zip(values) {
            *score = value + self.decay[index] * best;
        }
    }
}

impl Scores {
    fn new(count: usize, kept: usize) -> Self {
        let width = kept + ROOM;
        Self { rows: vec![0.0; count * width], width, next: kept, kept }
    }

    /// Makes room for another block after the frames of look-back.
    fn make_room(&mut self) {
        if self.next + BLOCK > self.width {
            for row in self.rows.chunks_exact_mut(self.width) {
                row.copy_within(self.next - self.kept..self.next, 0);
            }
            self.next = self.kept;
        }
    }

    #[inline(always)]
    fn row(&self, index: usize) -> &[f32] {
        &self.rows[index * self.width..][..self.width]
    }

    #[inline(always)]
    fn row_mut(&mut self, index: usize) -> &mut [f32] {
        &mut self.rows[index * self.width..][..self.width]
    }
}

/// The largest of the values; 0 if there are none or all are negative.
fn largest(values: &[f32]) -> f32 {
    vectorized(
        #[inline(always)]
        || {
            let greater = |a: f32, b: f32| if b > a { b } else { a };
            let (blocks, rest) = values.as_chunks::<WIDTH>();
            let mut largest = [0.0; WIDTH];
            for block in blocks {
                for (largest, value) in largest.iter_mut().zip(block) {
                    *largest = greater(*largest, *value);
                }
            }
            largest.iter().chain(rest).copied().fold(0.0, greater)
        },
    )
}
