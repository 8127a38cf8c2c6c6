//! A part of two recordings of one event that is in both.

use media_time::{MediaTime, Window};

/// A part of one recording, and the same time in the other one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AlignedPart {
    /// The part of the other recording.
    pub other: Window<MediaTime>,
    /// The time in the reference at the time 0 of the other recording, by this part's clock.
    pub offset: MediaTime,
    /// Clock of the other recording relative to that of the reference, in ppm: positive if it runs fast, so that its
    /// times increase faster.
    pub drift_ppm: f64,
    /// Probability that the part is no chance match, of the landmarks.
    pub confidence: f64,
    /// Part of the chunks that agree with offset and drift, 0 to 1.
    pub agreement: f64,
}

impl AlignedPart {
    /// The time in the reference at a time of the other recording, by the clock of this part.
    #[must_use]
    pub fn reference_time(&self, time: MediaTime) -> MediaTime {
        self.offset + MediaTime::from_secs_f64(time.as_secs_f64() / (1.0 + self.drift_ppm * 1e-6))
    }

    /// The part of this one that is within both recordings, of these lengths; `None` if nothing is.
    #[must_use]
    pub fn within(self, reference: MediaTime, other: MediaTime) -> Option<Self> {
        let time_at = |reference_time: MediaTime| {
            let since = (reference_time - self.offset).as_secs_f64();
            MediaTime::from_secs_f64(since * (1.0 + self.drift_ppm * 1e-6))
        };
        let mut start = self.other.start().max(MediaTime::ZERO).max(time_at(MediaTime::ZERO));
        let mut end = self.other.end().min(other).min(time_at(reference));
        // Both times are rounded: their error is a microsecond at most.
        let step = MediaTime::from_micros(1);
        if self.reference_time(start) < MediaTime::ZERO {
            start += step;
        }
        if self.reference_time(end) > reference {
            end -= step;
        }
        let other = Window::new(start, end).ok().filter(|window| window.duration() > MediaTime::ZERO)?;
        Some(Self { other, ..self })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn parts_end_where_a_recording_does(
            start in -2_000_000i64..40_000_000,
            duration in 1i64..40_000_000,
            offset in -30_000_000i64..30_000_000,
            drift_ppm in -1_000.0..1_000.0,
            lengths in (0i64..60_000_000, 0i64..60_000_000),
        ) {
            let us = MediaTime::from_micros;
            let other = Window::starting_at(us(start), us(duration));
            let part = AlignedPart { other, offset: us(offset), drift_ppm, confidence: 1.0, agreement: 1.0 };
            let (reference_length, other_length) = (us(lengths.0), us(lengths.1));
            if let Some(within) = part.within(reference_length, other_length) {
                let (start, end) = (within.other.start(), within.other.end());
                prop_assert!(start >= other.start().max(us(0)) && end <= other.end().min(other_length));
                let (from, to) = (within.reference_time(start), within.reference_time(end));
                prop_assert!(from >= us(0) && to <= reference_length, "{from:?} {to:?}");
                // One of the edges that limit it is the next one, to the rounding.
                let is_at = |a: MediaTime, b: MediaTime| (a - b).as_micros().abs() <= 2;
                prop_assert!(is_at(start, other.start()) || is_at(start, us(0)) || is_at(from, us(0)));
                prop_assert!(is_at(end, other.end()) || is_at(end, other_length) || is_at(to, reference_length));
            }
        }
    }
}
