use std::fmt;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An instant on a media timeline, or a distance between two, in integer microseconds.
///
/// On the wire (serde) it is a number of milliseconds, with a fraction only when there is one:
/// `1500`, `1500.25`. Arithmetic saturates at [`MediaTime::MIN`] and [`MediaTime::MAX`] (about
/// 146 000 years, half the range of `i64`, so that sums and differences of two instants do not
/// overflow before they are clamped).
///
/// # Examples
///
/// ```
/// use media_time::MediaTime;
///
/// // Sample 1 of a stream of 44.1 kHz begins after 22.7 µs; instants are rounded to whole ones.
/// assert_eq!(MediaTime::from_samples(1, 44_100).as_micros(), 23);
/// assert_eq!(MediaTime::from_samples(44_100 * 3_600, 44_100), MediaTime::from_millis(3_600_000));
///
/// let cut = MediaTime::try_from_millis_f64(1_500.25)?;
/// assert_eq!(cut.to_samples(48_000), 72_012);
/// assert_eq!((cut + MediaTime::from_millis(3_600_000)).to_string(), "1:00:01.500");
/// assert!(MediaTime::try_from_millis_f64(f64::NAN).is_err());
/// # Ok::<(), media_time::InvalidMillis>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MediaTime(i64);

/// A number of milliseconds that is not a valid instant: not finite, or beyond [`MediaTime::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{0:?} ms is not a time: expected a finite number of milliseconds within ±{max}", max = MediaTime::MAX.as_millis_floor())]
pub struct InvalidMillis(pub f64);

impl MediaTime {
    /// The beginning of a timeline.
    pub const ZERO: Self = Self(0);
    /// The last instant that can be represented.
    pub const MAX: Self = Self(i64::MAX / 2);
    /// The first instant that can be represented.
    pub const MIN: Self = Self(-(i64::MAX / 2));

    /// `micros` microseconds, clamped to [`MediaTime::MIN`] and [`MediaTime::MAX`].
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        if micros > Self::MAX.0 {
            Self::MAX
        } else if micros < Self::MIN.0 {
            Self::MIN
        } else {
            Self(micros)
        }
    }

    /// `millis` whole milliseconds, clamped to [`MediaTime::MIN`] and [`MediaTime::MAX`].
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self::from_micros(millis.saturating_mul(1_000))
    }

    /// `millis` milliseconds, rounded to the nearest microsecond (halves away from zero).
    ///
    /// # Errors
    /// [`InvalidMillis`] when `millis` is NaN, infinite or beyond [`MediaTime::MAX`].
    pub fn try_from_millis_f64(millis: f64) -> Result<Self, InvalidMillis> {
        let micros = (millis * 1_000.0).round();
        if micros.is_finite() && micros.abs() <= Self::MAX.0 as f64 {
            Ok(Self::from_micros(micros as i64))
        } else {
            Err(InvalidMillis(millis))
        }
    }

    /// `seconds` seconds, rounded to the nearest microsecond; NaN becomes zero, infinities saturate.
    ///
    /// For instants that come out of signal processing; use [`MediaTime::from_samples`] where a
    /// sample count is at hand.
    #[must_use]
    pub fn from_secs_f64(seconds: f64) -> Self {
        // `as` saturates and maps NaN to 0.
        Self::from_micros((seconds * 1e6).round() as i64)
    }

    /// The instant at which sample `samples` of a stream of `rate` Hz begins, rounded to the
    /// nearest microsecond (halves up). A rate of 0 gives zero.
    #[must_use]
    pub fn from_samples(samples: i64, rate: u32) -> Self {
        if rate == 0 {
            return Self::ZERO;
        }
        let rate = i128::from(rate);
        let scaled = i128::from(samples) * 1_000_000;
        let micros = (2 * scaled + rate).div_euclid(2 * rate);
        Self::from_micros(micros.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
    }

    /// The instant at which frame `frames` of a stream of `rate` Hz begins, as [`MediaTime::from_samples`]. Numbers
    /// beyond `i64::MAX` saturate.
    ///
    /// ```
    /// use media_time::MediaTime;
    ///
    /// assert_eq!(MediaTime::from_frames(24_000, 48_000), MediaTime::from_millis(500));
    /// assert_eq!(MediaTime::from_frames(u64::MAX, 48_000), MediaTime::from_samples(i64::MAX, 48_000));
    /// ```
    #[must_use]
    pub fn from_frames(frames: u64, rate: u32) -> Self {
        Self::from_samples(i64::try_from(frames).unwrap_or(i64::MAX), rate)
    }

    /// The index of the sample at this instant in a stream of `rate` Hz, rounded to the nearest
    /// (halves up). Inverse of [`MediaTime::from_samples`] for rates up to 500 kHz.
    #[must_use]
    pub fn to_samples(self, rate: u32) -> i64 {
        let scaled = i128::from(self.0) * i128::from(rate);
        (2 * scaled + 1_000_000).div_euclid(2_000_000).clamp(i128::from(i64::MIN), i128::from(i64::MAX))
            as i64
    }

    /// The time in whole microseconds.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// The time in milliseconds, with a fraction.
    #[must_use]
    pub fn as_millis_f64(self) -> f64 {
        self.0 as f64 / 1_000.0
    }

    /// Whole milliseconds, rounded to the nearest (halves up): the unit in which events and beats are reported.
    #[must_use]
    pub const fn as_millis_round(self) -> i64 {
        (self.0 + 500).div_euclid(1_000)
    }

    /// Whole milliseconds, rounded down.
    #[must_use]
    pub const fn as_millis_floor(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// Whole milliseconds, rounded up. Durations are reported this way, so that no event is after the end.
    #[must_use]
    pub const fn as_millis_ceil(self) -> i64 {
        (self.0 + 999).div_euclid(1_000)
    }

    /// The time in seconds, with a fraction.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// The sum, or `None` outside [`MediaTime::MIN`] to [`MediaTime::MAX`].
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let sum = self.0.checked_add(other.0)?;
        (sum.abs() <= Self::MAX.0).then_some(Self(sum))
    }

    /// The difference, or `None` outside [`MediaTime::MIN`] to [`MediaTime::MAX`].
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.checked_add(-other)
    }

    /// Whether the instant is before the beginning of a timeline.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }
}

impl Add for MediaTime {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self::from_micros(self.0.saturating_add(other.0))
    }
}

impl Sub for MediaTime {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self::from_micros(self.0.saturating_sub(other.0))
    }
}

impl Neg for MediaTime {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl AddAssign for MediaTime {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for MediaTime {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

/// Formats as `1:02:03.004` or `2:03.004`; hours are left out when zero.
impl fmt::Display for MediaTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.as_millis_round();
        let sign = if millis < 0 { "-" } else { "" };
        let millis = millis.abs();
        let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60);
        let (seconds, rest) = (millis / 1_000 % 60, millis % 1_000);
        if hours > 0 {
            write!(f, "{sign}{hours}:{minutes:02}:{seconds:02}.{rest:03}")
        } else {
            write!(f, "{sign}{minutes}:{seconds:02}.{rest:03}")
        }
    }
}

impl Serialize for MediaTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 % 1_000 == 0 {
            serializer.serialize_i64(self.0 / 1_000)
        } else {
            serializer.serialize_f64(self.as_millis_f64())
        }
    }
}

impl<'de> Deserialize<'de> for MediaTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from_millis_f64(f64::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl utoipa::PartialSchema for MediaTime {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::Number)
            .description(Some("Milliseconds; a fraction is allowed, resolution is one microsecond."))
            .into()
    }
}

impl utoipa::ToSchema for MediaTime {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wire_is_milliseconds_with_a_fraction_only_when_needed() {
        assert_eq!(serde_json::to_string(&MediaTime::from_micros(1_500_000)).unwrap(), "1500");
        assert_eq!(serde_json::to_string(&MediaTime::from_micros(1_500_250)).unwrap(), "1500.25");
        assert_eq!(serde_json::from_str::<MediaTime>("10.0005").unwrap(), MediaTime::from_micros(10_001));
        assert!(serde_json::from_str::<MediaTime>("1e300").is_err());
    }

    #[test]
    fn non_finite_milliseconds_are_rejected() {
        assert!(MediaTime::try_from_millis_f64(f64::NAN).is_err());
        assert!(MediaTime::try_from_millis_f64(f64::INFINITY).is_err());
    }

    #[test]
    fn display_reads_like_a_clock() {
        assert_eq!(MediaTime::from_millis(3_723_004).to_string(), "1:02:03.004");
        assert_eq!(MediaTime::from_millis(-1_500).to_string(), "-0:01.500");
    }

    proptest! {
        #[test]
        fn samples_round_trip(samples in -1i64 << 40..1i64 << 40, rate in 1u32..=500_000) {
            prop_assert_eq!(MediaTime::from_samples(samples, rate).to_samples(rate), samples);
        }

        #[test]
        fn wire_round_trips(micros in -1i64 << 50..1i64 << 50) {
            let time = MediaTime::from_micros(micros);
            let json = serde_json::to_string(&time).unwrap();
            prop_assert_eq!(serde_json::from_str::<MediaTime>(&json).unwrap(), time);
        }

        #[test]
        fn arithmetic_never_overflows(a in any::<i64>(), b in any::<i64>()) {
            let (a, b) = (MediaTime::from_micros(a), MediaTime::from_micros(b));
            prop_assert!(a + b <= MediaTime::MAX && a - b >= MediaTime::MIN);
            prop_assert_eq!(a.checked_add(b).unwrap_or(a + b), a + b);
        }
    }
}
