//! Peak level per millisecond: fine enough to locate the start of an attack.

use crate::math::log10;
use crate::simd::vectorized;

/// Level of value 0 in dBFS; levels are stored in steps of 0.5 dB above it.
const FLOOR_DBFS: f32 = -120.0;
/// An attack has started once the level is within this many dB of its peak.
const BEGUN_DB: f32 = 20.0;
/// Level difference in dB below a peak that counts as silence; between the strokes of a drum kit, room and cymbals are
/// above it.
const SILENT_DB: f32 = 35.0;
/// Maximum rise time from silence to the start of an attack, in ms.
const RISE_MS: usize = 5;
/// Maximum time from the start of an attack to its peak, in ms.
const ATTACK_MS: usize = 100;
/// Duration of the silence before an entry in ms, or less at the start of the stream: a speaker pauses for that long before
/// music.
const SILENCE_MS: usize = 600;
/// Minimum lead-in in ms by which a stream is known not to start within audio.
const MIN_LEAD_IN_MS: usize = 2;

/// The peak level of each millisecond.
pub(super) struct PeakEnvelope {
    /// Number of samples per value.
    hop: usize,
    /// Levels in steps of 0.5 dB above [`FLOOR_DBFS`].
    levels: Vec<u8>,
    peak: f32,
    filled: usize,
}

impl PeakEnvelope {
    /// An empty envelope for a stream of `rate` Hz.
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
                // `as` saturates at 0 below the floor.
                self.levels.push((2.0 * (20.0 * log10(self.peak.max(f32::MIN_POSITIVE)) - FLOOR_DBFS)).round() as u8);
                (self.peak, self.filled) = (0.0, 0);
            }
        }
    }

    /// Whether the audio around `sample` (±50 ms) is the first after silence, and not just the start of a stream that
    /// starts within audio.
    pub(super) fn starts_after_silence(&self, sample: usize) -> bool {
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

/// The largest magnitude of `samples`, which must not be NaN; 0 for none.
fn largest(samples: &[f32]) -> f32 {
    // Magnitudes have the same order as their bits, and the maximum of integers can be computed in any order.
    let magnitude = |sample: &f32| sample.abs().to_bits();
    f32::from_bits(vectorized(
        #[inline(always)]
        || samples.iter().map(magnitude).max().unwrap_or(0),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 8_000;

    /// Whether a tone that starts `silence_ms` after another one is the first after silence.
    fn is_entry(silence_ms: usize, silence: f32) -> bool {
        let samples = |ms: usize, value: f32| vec![value; ms * RATE as usize / 1_000];
        let mono = [samples(2_000, 0.5), samples(silence_ms, silence), samples(500, 0.5)].concat();
        let mut envelope = PeakEnvelope::new(RATE);
        envelope.push(&mono);
        envelope.starts_after_silence((2_000 + silence_ms) * RATE as usize / 1_000)
    }

    #[test]
    fn an_entry_follows_silence_of_six_tenths_of_a_second() {
        assert!(is_entry(620, 0.0) && is_entry(2_000, 0.0));
        assert!(!is_entry(580, 0.0));
        // Room and cymbals between strokes are 28 dB below them.
        assert!(!is_entry(2_000, 0.02));
    }
}
