use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::ops::{Add, AddAssign, Sub, SubAssign};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::MediaTime;

/// Frame of the time stamps in a file, whose first one need not be zero.
#[derive(Debug)]
pub enum File {}

/// Frame of an asset, in which its presentation starts at zero. All stored windows of recordings are in this frame.
#[derive(Debug)]
pub enum Asset {}

/// Frame of a sequence or pattern, in which its playback starts at zero.
#[derive(Debug)]
pub enum Timeline {}

/// Frame of a window, whose start is zero: of a clip, an artifact or a render.
#[derive(Debug)]
pub enum Local {}

/// An instant of the time stamps in a file.
pub type FileTime = TimeIn<File>;
/// An instant of an asset's presentation.
pub type AssetTime = TimeIn<Asset>;
/// An instant of a sequence or pattern.
pub type TimelineTime = TimeIn<Timeline>;
/// An instant relative to the start of a window.
pub type LocalTime = TimeIn<Local>;

/// An instant in a frame of time: its distance from the frame's zero.
///
/// The difference of two instants of one frame is a [`MediaTime`]; instants of different frames do not mix. On the wire,
/// in messages and in OpenAPI documents it is a [`MediaTime`].
///
/// # Examples
///
/// ```
/// use media_time::{AssetTime, FileTime, MediaTime};
///
/// // A file whose presentation starts at time stamp 1.4 s, and a packet in it.
/// let zero = FileTime::at(MediaTime::from_millis(1_400));
/// let pts = FileTime::at(MediaTime::from_millis(2_000));
/// let shown: AssetTime = pts.relative_to(zero);
/// assert_eq!(shown.since_zero(), MediaTime::from_millis(600));
/// assert_eq!(shown.with_zero_at(zero), pts);
/// ```
///
/// ```compile_fail
/// # use media_time::{AssetTime, FileTime};
/// assert!(AssetTime::ZERO < FileTime::ZERO);
/// ```
pub struct TimeIn<F>(MediaTime, PhantomData<fn() -> F>);

impl<F> TimeIn<F> {
    /// The frame's zero.
    pub const ZERO: Self = Self::at(MediaTime::ZERO);

    /// The last instant that can be represented.
    pub const MAX: Self = Self::at(MediaTime::MAX);

    /// The instant at this distance from the frame's zero.
    #[must_use]
    pub const fn at(since_zero: MediaTime) -> Self {
        Self(since_zero, PhantomData)
    }

    /// The instant `micros` µs from the frame's zero; clamped as [`MediaTime::from_micros`].
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self::at(MediaTime::from_micros(micros))
    }

    /// The instant `millis` ms from the frame's zero; clamped as [`MediaTime::from_millis`].
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self::at(MediaTime::from_millis(millis))
    }

    /// The distance from the frame's zero.
    #[must_use]
    pub const fn since_zero(self) -> MediaTime {
        self.0
    }

    /// The distance from the frame's zero, in whole microseconds.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0.as_micros()
    }

    /// Whether the instant is before the frame's zero.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.0.is_negative()
    }

    /// The same instant in the frame `G`, whose zero is `zero` of this frame.
    #[must_use]
    pub fn relative_to<G>(self, zero: Self) -> TimeIn<G> {
        TimeIn::at(self - zero)
    }

    /// The same instant in the frame `G`, in which this frame's zero is `zero`. Inverse of [`TimeIn::relative_to`].
    #[must_use]
    pub fn with_zero_at<G>(self, zero: TimeIn<G>) -> TimeIn<G> {
        zero + self.0
    }
}

/// An instant: a [`TimeIn`] a frame, or a [`MediaTime`] where only one frame exists.
pub trait Instant:
    Copy
    + Ord
    + fmt::Debug
    + fmt::Display
    + Add<MediaTime, Output = Self>
    + Sub<MediaTime, Output = Self>
    + Sub<Self, Output = MediaTime>
{
    /// The type of instants relative to one of this type.
    type Relative: Instant;

    /// The instant at this distance from zero.
    fn at(since_zero: MediaTime) -> Self;

    /// The distance from zero.
    fn since_zero(self) -> MediaTime;
}

impl Instant for MediaTime {
    type Relative = Self;

    fn at(since_zero: MediaTime) -> Self {
        since_zero
    }

    fn since_zero(self) -> MediaTime {
        self
    }
}

impl<F> Instant for TimeIn<F> {
    type Relative = LocalTime;

    fn at(since_zero: MediaTime) -> Self {
        Self::at(since_zero)
    }

    fn since_zero(self) -> MediaTime {
        self.0
    }
}

impl<F> Add<MediaTime> for TimeIn<F> {
    type Output = Self;
    fn add(self, distance: MediaTime) -> Self {
        Self::at(self.0 + distance)
    }
}

impl<F> Sub<MediaTime> for TimeIn<F> {
    type Output = Self;
    fn sub(self, distance: MediaTime) -> Self {
        Self::at(self.0 - distance)
    }
}

impl<F> Sub for TimeIn<F> {
    type Output = MediaTime;
    fn sub(self, other: Self) -> MediaTime {
        self.0 - other.0
    }
}

impl<F> AddAssign<MediaTime> for TimeIn<F> {
    fn add_assign(&mut self, distance: MediaTime) {
        self.0 += distance;
    }
}

impl<F> SubAssign<MediaTime> for TimeIn<F> {
    fn sub_assign(&mut self, distance: MediaTime) {
        self.0 -= distance;
    }
}

// Derives would require the same of the frame.

impl<F> Clone for TimeIn<F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F> Copy for TimeIn<F> {}

impl<F> Default for TimeIn<F> {
    fn default() -> Self {
        Self::ZERO
    }
}

impl<F> PartialEq for TimeIn<F> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<F> Eq for TimeIn<F> {}

impl<F> PartialOrd for TimeIn<F> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<F> Ord for TimeIn<F> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

impl<F> Hash for TimeIn<F> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<F> fmt::Debug for TimeIn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<F> fmt::Display for TimeIn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl<F> Serialize for TimeIn<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, F> Deserialize<'de> for TimeIn<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        MediaTime::deserialize(deserializer).map(Self::at)
    }
}

impl<F> utoipa::PartialSchema for TimeIn<F> {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        MediaTime::schema()
    }
}

/// The same schema as [`MediaTime`], also by name.
impl<F> utoipa::ToSchema for TimeIn<F> {
    fn name() -> std::borrow::Cow<'static, str> {
        <MediaTime as utoipa::ToSchema>::name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn distances() -> impl Strategy<Value = MediaTime> {
        (-1i64 << 50..1i64 << 50).prop_map(MediaTime::from_micros)
    }

    #[test]
    fn schema_is_that_of_media_time() {
        use utoipa::{PartialSchema as _, ToSchema as _};
        assert_eq!(AssetTime::name(), MediaTime::name());
        let json = |schema| serde_json::to_string(&schema).unwrap();
        assert_eq!(json(AssetTime::schema()), json(MediaTime::schema()));
    }

    proptest! {
        #[test]
        fn wire_is_that_of_media_time(distance in distances()) {
            let json = serde_json::to_string(&FileTime::at(distance)).unwrap();
            prop_assert_eq!(&json, &serde_json::to_string(&distance).unwrap());
            prop_assert_eq!(serde_json::from_str::<FileTime>(&json).unwrap(), FileTime::at(distance));
            prop_assert_eq!(FileTime::at(distance).to_string(), distance.to_string());
        }

        #[test]
        fn change_of_frame_round_trips(pts in distances(), zero in distances()) {
            let (pts, zero) = (FileTime::at(pts), FileTime::at(zero));
            let shown: AssetTime = pts.relative_to(zero);
            prop_assert_eq!(shown.with_zero_at(zero), pts);
            prop_assert_eq!(zero.relative_to::<Asset>(zero), AssetTime::ZERO);
        }

        #[test]
        fn changes_of_frame_compose(pts in distances(), zero in distances(), start in distances()) {
            // Into the asset and then into a window of it, or into the window at once.
            let (pts, zero, start) = (FileTime::at(pts), FileTime::at(zero), AssetTime::at(start));
            let along: LocalTime = pts.relative_to::<Asset>(zero).relative_to(start);
            prop_assert_eq!(along, pts.relative_to(start.with_zero_at(zero)));
        }

        #[test]
        fn change_of_frame_keeps_distances_and_order(a in distances(), b in distances(), zero in distances()) {
            let (a, b, zero) = (FileTime::at(a), FileTime::at(b), FileTime::at(zero));
            let [in_a, in_b] = [a, b].map(|time| time.relative_to::<Asset>(zero));
            prop_assert_eq!(in_b - in_a, b - a);
            prop_assert_eq!(in_a.cmp(&in_b), a.cmp(&b));
            prop_assert_eq!(a + (b - a), b);
        }
    }
}
