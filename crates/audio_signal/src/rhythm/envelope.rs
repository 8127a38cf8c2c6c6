//! Peak level per millisecond: fine enough to see where a sound begins.

use crate::math::log10;
use crate::simd::vectorized;

/// Levels are kept in half decibels above this (dBFS).
const FLOOR_DBFS: f32 = -120.0;
/// A sound has begun once it is within this many decibels of its peak.
const BEGUN_DB: f32 = 20.0;
/// What is this many decibels below a sound's peak is silence beside it; between the strokes of a drum kit its room
/// and cymbals stay above.
const SILENT_DB: f32 = 35.0;
/// A sound takes up to this long, milliseconds, to rise from silence until it has begun.
const RISE_MS: usize = 5;
/// A sound's peak is looked for this far after it begins, milliseconds.
const ATTACK_MS: usize = 100;
/// Silence before an entry lasts this long, milliseconds, unless the stream began less long before.
const SILENCE_MS: usize = 1_000;
/// The shortest lead-in that shows that a stream does not begin in the midst of sound, milliseconds.
const MIN_LEAD_IN_MS: usize = 2;

/// The largest sample of each millisecond.
pub(super) struct Envelope {
    /// Samples per value.
    hop: usize,
    /// Half decibels above [`FLOOR_DBFS`].
    levels: Vec<u8>,
    peak: f32,
    filled: usize,
}

impl Envelope {
    /// For a stream of `rate` Hz.
    pub(super) fn new(rate: u32) -> Self {
        Self { hop: (rate as usize / 1_000).max(1), levels: Vec::new(), peak: 0.0, filled: 0 }
    }

    pub(super) fn push(&mut self, mut mono: &[f32]) {
        while !mono.is_empty() {
            let (now, later) = mono.split_at(mono.len().min(self.hop - self.filled));
            mono = later;
            self.peak = self.peak.max(largest(now));
            self.filled += now.len();
            if self.filled == self.hop {
                // `as` saturates: below the floor is 0.
                self.levels.push((2.0 * (20.0 * log10(self.peak.max(f32::MIN_POSITIVE)) - FLOOR_DBFS)).round() as u8);
                (self.peak, self.filled) = (0.0, 0);
            }
        }
    }

    /// Whether the sound around `sample` (±50 ms) is the first after silence, not just the first of a stream
    /// that begins in the midst of sound.
    pub(super) fn enters_after_silence(&self, sample: usize) -> bool {
        let at = sample / self.hop;
        let (first, end) = (at.saturating_sub(ATTACK_MS / 2), self.levels.len().min(at + ATTACK_MS));
        let Some(peak) = self.levels.get(first..end).and_then(|levels| levels.iter().max()) else {
            return false;
        };
        let below = |decibels: f32| f32::from(*peak) - 2.0 * decibels;
        let begun = |ms: &usize| f32::from(self.levels[*ms]) >= below(BEGUN_DB);
        let Some(begin) = (first..end).find(begun).filter(|begin| *begin >= MIN_LEAD_IN_MS) else {
            return false;
        };
        let before = &self.levels[begin.saturating_sub(SILENCE_MS)..begin - RISE_MS.min(begin / 2)];
        before.iter().all(|level| f32::from(*level) <= below(SILENT_DB))
    }
}

/// The largest magnitude of `samples`, which are numbers; 0 of none.
fn largest(samples: &[f32]) -> f32 {
    // Magnitudes order like their bits, and the greatest integer is found in any order.
    let magnitude = |sample: &f32| sample.abs().to_bits();
    f32::from_bits(vectorized(
        #[inline(always)]
        || samples.iter().map(magnitude).max().unwrap_or(0),
    ))
}
