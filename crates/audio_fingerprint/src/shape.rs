//! The shape of three peaks, and its hash of 32 bits.

use crate::peaks::Peak;

/// Frames between the first peak of a landmark and the others: 32 to 336 ms.
const MIN_SPAN: u32 = 2;
pub(crate) const MAX_SPAN: u32 = 21;
/// Greatest interval between the first peak and the others, in steps: an octave.
const MAX_INTERVAL: f32 = 24.0;
/// Frames for each value of a span in a hash.
pub(crate) const FRAMES_PER_CELL: f32 = 2.0;
/// Pitch of the value 0 in a hash, in steps above bin 1: 62 Hz, below the lowest peak at any speed.
const LOWEST_PITCH: i32 = 48;
/// Added to intervals in a hash, so that they are positive at any quantisation.
const INTERVAL_ZERO: i32 = 32;

/// The values a hash is made of.
///
/// At another speed or pitch, `pitch` moves by a constant, `spans` are scaled, and `intervals` remain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shape {
    /// Of the first peak, in steps of 1/24 octave above bin 1.
    pub(crate) pitch: f32,
    /// From the first peak to the others, in steps of 1/24 octave.
    pub(crate) intervals: [f32; 2],
    /// From the first peak to the others, in frames.
    pub(crate) spans: [f32; 2],
}

/// A shape in whole numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cells {
    pub(crate) pitch: i32,
    pub(crate) intervals: [i32; 2],
    pub(crate) spans: [i32; 2],
}

impl Shape {
    /// Of three peaks, in the order of a stream.
    pub(crate) fn of(first: &Peak, others: [&Peak; 2]) -> Self {
        Self {
            pitch: first.pitch,
            intervals: others.map(|peak| peak.pitch - first.pitch),
            spans: others.map(|peak| (peak.frame - first.frame) as f32),
        }
    }

    pub(crate) fn hash(&self) -> u32 {
        let whole = |value: f32| value.floor() as i32;
        let cells = Cells {
            pitch: whole(self.pitch),
            intervals: self.intervals.map(whole),
            spans: self.spans.map(|span| whole(span / FRAMES_PER_CELL)),
        };
        cells.hash()
    }
}

impl Cells {
    /// From the highest bit on: 8 bits of pitch, twice 6 of an interval, twice 4 of a span. The four highest are 0.
    pub(crate) fn hash(&self) -> u32 {
        let field = |value: i32, bits: u32| value.clamp(0, (1 << bits) - 1) as u32;
        let mut hash = field(self.pitch - LOWEST_PITCH, 8);
        for interval in self.intervals {
            hash = hash << 6 | field(interval + INTERVAL_ZERO, 6);
        }
        for span in self.spans {
            hash = hash << 4 | field(span, 4);
        }
        hash
    }

    /// The inverse of [`Self::hash`].
    pub(crate) fn of_hash(hash: u32) -> Self {
        let field = |shift: u32, bits: u32| (hash >> shift & ((1 << bits) - 1)) as i32;
        Self {
            pitch: field(20, 8) + LOWEST_PITCH,
            intervals: [field(14, 6) - INTERVAL_ZERO, field(8, 6) - INTERVAL_ZERO],
            spans: [field(4, 4), field(0, 4)],
        }
    }
}

/// Can `other`, a later peak, be part of a landmark that begins with `first`?
pub(crate) fn is_target(first: &Peak, other: &Peak) -> bool {
    (MIN_SPAN..=MAX_SPAN).contains(&(other.frame - first.frame))
        && (other.pitch - first.pitch).abs() <= MAX_INTERVAL
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn hash_keeps_every_cell(
            pitch in 48..=303, a in -32..=31, b in -32..=31, first in 0..=15, second in 0..=15,
        ) {
            let cells = Cells { pitch, intervals: [a, b], spans: [first, second] };
            prop_assert_eq!(Cells::of_hash(cells.hash()), cells);
        }
    }
}
