//! Bounds of the number of speakers.

/// Bounds of the number of speakers of a recording; unbounded by default.
///
/// # Examples
///
/// ```
/// use audio_speakers::SpeakerCount;
///
/// let interview = SpeakerCount::new(Some(2), Some(2))?;
/// assert_eq!((interview.min(), interview.max()), (Some(2), Some(2)));
/// assert!(SpeakerCount::new(Some(3), Some(2)).is_err());
/// assert!(SpeakerCount::new(None, Some(SpeakerCount::MAX + 1)).is_err());
/// # Ok::<(), audio_speakers::InvalidSpeakerCount>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SpeakerCount {
    min: Option<u16>,
    max: Option<u16>,
}

/// Bounds that are contradictory or outside the supported range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid bounds of the number of speakers: use 1 ≤ min ≤ max ≤ {max}", max = SpeakerCount::MAX)]
pub struct InvalidSpeakerCount;

impl SpeakerCount {
    /// Maximum number of speakers of one recording.
    pub const MAX: u16 = 50;

    /// Between `min` and `max` speakers, each in `[1, 50]`; `None` leaves that bound to the clustering.
    ///
    /// # Errors
    /// [`InvalidSpeakerCount`] when a bound is outside or `min > max`.
    pub fn new(min: Option<u16>, max: Option<u16>) -> Result<Self, InvalidSpeakerCount> {
        let allowed = |bound: Option<u16>| bound.is_none_or(|n| (1..=Self::MAX).contains(&n));
        let ordered = min.zip(max).is_none_or(|(min, max)| min <= max);
        if allowed(min) && allowed(max) && ordered { Ok(Self { min, max }) } else { Err(InvalidSpeakerCount) }
    }

    /// The requested lower bound, 1 to 50; `None` leaves it to the clustering.
    #[must_use]
    pub const fn min(self) -> Option<u16> {
        self.min
    }

    /// The requested upper bound, 1 to 50; `None` leaves it to the clustering.
    #[must_use]
    pub const fn max(self) -> Option<u16> {
        self.max
    }

    pub(crate) fn fewest(self) -> usize {
        self.min.unwrap_or(1).into()
    }

    pub(crate) fn most(self) -> usize {
        self.max.unwrap_or(Self::MAX).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speaker_count_bounds_are_checked() {
        for (min, max) in [(None, None), (Some(1), None), (None, Some(50)), (Some(3), Some(3))] {
            let count = SpeakerCount::new(min, max).unwrap();
            assert_eq!((count.min(), count.max()), (min, max));
        }
        for (min, max) in [(Some(0), None), (None, Some(0)), (None, Some(51)), (Some(4), Some(3))] {
            assert_eq!(SpeakerCount::new(min, max), Err(InvalidSpeakerCount));
        }
    }
}
