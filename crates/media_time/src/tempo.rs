use crate::MediaTime;

/// A tempo in beats per minute: finite and within [`Bpm::MIN`] and [`Bpm::MAX`].
///
/// # Examples
///
/// ```
/// use media_time::{Bpm, MediaTime};
///
/// let tempo = Bpm::new(140.0)?;
/// assert_eq!(tempo.at_beat(0.25).as_micros(), 107_143);
/// // An hour later the grid is still exact.
/// assert_eq!(tempo.at_beat(140.0 * 60.0), MediaTime::from_millis(3_600_000));
/// assert!(Bpm::new(0.0).is_err());
/// # Ok::<(), media_time::InvalidBpm>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Bpm(f64);

/// A number that is not a valid tempo.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{0:?} is not a tempo: expected {min} to {max} beats per minute", min = Bpm::MIN, max = Bpm::MAX)]
pub struct InvalidBpm(pub f64);

impl Bpm {
    /// The slowest tempo accepted, in beats per minute.
    pub const MIN: f64 = 1.0;
    /// The fastest tempo accepted, in beats per minute.
    pub const MAX: f64 = 1_000.0;

    /// A tempo of `bpm` beats per minute.
    ///
    /// # Errors
    /// [`InvalidBpm`] when it is not finite or outside [`Bpm::MIN`]..=[`Bpm::MAX`].
    pub fn new(bpm: f64) -> Result<Self, InvalidBpm> {
        if (Self::MIN..=Self::MAX).contains(&bpm) { Ok(Self(bpm)) } else { Err(InvalidBpm(bpm)) }
    }

    /// The tempo in beats per minute.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }

    /// The instant of beat number `beats` (a fraction is allowed); beat 0 is at time zero.
    ///
    /// Each instant is computed from the beat number, so rounding errors do not accumulate.
    #[must_use]
    pub fn at_beat(self, beats: f64) -> MediaTime {
        MediaTime::from_secs_f64(beats * 60.0 / self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_and_nan_tempos_are_rejected() {
        assert!(Bpm::new(0.0).is_err());
        assert!(Bpm::new(f64::NAN).is_err());
        assert!(Bpm::new(10_000.0).is_err());
    }

    #[test]
    fn beats_do_not_drift() {
        let bpm = Bpm::new(140.0).unwrap();
        assert_eq!(bpm.at_beat(140.0 * 60.0), MediaTime::from_millis(3_600_000));
        assert_eq!(bpm.at_beat(0.25).as_micros(), 107_143);
    }
}
