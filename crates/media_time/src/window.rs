use serde::{Deserialize, Serialize};

use crate::{AssetTime, FileTime, Instant, LocalTime, MediaTime};

/// A half-open span `[start, end)` of a timeline; its length is never negative.
///
/// `T` is the frame of its instants; the default is for windows where only one frame exists.
///
/// # Examples
///
/// ```
/// use media_time::{MediaTime, Window};
///
/// let ms = MediaTime::from_millis;
/// let clip = Window::new(ms(2_000), ms(5_000))?;
/// let event = Window::starting_at(ms(4_500), ms(1_000));
///
/// // The part of the event that the clip plays, on the clip's own timeline.
/// let part = clip.intersect(event).map(|part| part.relative_to(clip.start()));
/// assert_eq!(part, Some(Window::new(ms(2_500), ms(3_000))?));
///
/// // Windows are half open: one that starts where another ends shares no instant with it.
/// assert_eq!(clip.intersect(Window::starting_at(clip.end(), ms(10))), None);
/// assert!(Window::new(ms(2), ms(1)).is_err());
///
/// // With frames: what a render of a sequence from 1 s on plays, and the same window of the sequence.
/// use media_time::{LocalTime, TimelineTime};
/// let played = Window::new(TimelineTime::from_millis(1_500), TimelineTime::from_millis(1_750))?;
/// let render_start = TimelineTime::from_millis(1_000);
/// let in_render: Window<LocalTime> = played.relative_to(render_start);
/// assert_eq!(in_render.start(), LocalTime::from_millis(500));
/// assert_eq!(in_render.placed_at(render_start), played);
/// # Ok::<(), media_time::InvalidWindow>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Window<T = MediaTime> {
    start: T,
    end: T,
}

/// A window that ends before it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the window ends ({end}) before it starts ({start})")]
pub struct InvalidWindow {
    /// The requested start of the window.
    pub start: MediaTime,
    /// The requested end of the window.
    pub end: MediaTime,
}

impl<T: Instant> Window<T> {
    /// The window `[start, end)`; empty when both are equal.
    ///
    /// # Errors
    /// [`InvalidWindow`] when `end < start`.
    pub fn new(start: T, end: T) -> Result<Self, InvalidWindow> {
        if end < start {
            Err(InvalidWindow { start: start.since_zero(), end: end.since_zero() })
        } else {
            Ok(Self { start, end })
        }
    }

    /// The window `[start, start + duration)`; a negative duration counts as zero.
    #[must_use]
    pub fn starting_at(start: T, duration: MediaTime) -> Self {
        Self { start, end: start + duration.max(MediaTime::ZERO) }
    }

    /// The first instant inside the window.
    #[must_use]
    pub const fn start(self) -> T {
        self.start
    }

    /// The first instant after the window.
    #[must_use]
    pub const fn end(self) -> T {
        self.end
    }

    /// The length of the window, `end - start`.
    #[must_use]
    pub fn duration(self) -> MediaTime {
        self.end - self.start
    }

    /// Whether the window contains no instant.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// Whether `time` is in `[start, end)`.
    #[must_use]
    pub fn contains(self, time: T) -> bool {
        self.start <= time && time < self.end
    }

    /// The intersection of both windows, or `None` when it is empty.
    #[must_use]
    pub fn intersect(self, other: Self) -> Option<Self> {
        let (start, end) = (self.start.max(other.start), self.end.min(other.end));
        (start < end).then_some(Self { start, end })
    }

    /// The same window, `offset` later.
    #[must_use]
    pub fn shift(self, offset: MediaTime) -> Self {
        Self { start: self.start + offset, end: self.end + offset }
    }

    /// The same window relative to `origin`, as on the timeline of a clip that starts at `origin`.
    #[must_use]
    pub fn relative_to(self, origin: T) -> Window<T::Relative> {
        let at = |time: T| T::Relative::at(time - origin);
        Window { start: at(self.start), end: at(self.end) }
    }

    /// The same window in another frame, where this frame's zero is `zero`.
    fn moved<U: Instant>(self, zero: U) -> Window<U> {
        Window { start: zero + self.start.since_zero(), end: zero + self.end.since_zero() }
    }
}

impl Window<LocalTime> {
    /// The same window in the frame of `origin`. Inverse of [`Window::relative_to`].
    #[must_use]
    pub fn placed_at<T: Instant>(self, origin: T) -> Window<T> {
        self.moved(origin)
    }
}

impl Window<AssetTime> {
    /// The same window in the time stamps of a file in which the presentation starts at `zero`.
    #[must_use]
    pub fn in_file(self, zero: FileTime) -> Window<FileTime> {
        self.moved(zero)
    }
}

impl<'de, T: Instant + Deserialize<'de>> Deserialize<'de> for Window<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Raw<T> {
            start: T,
            end: T,
        }
        let raw = Raw::deserialize(deserializer)?;
        Self::new(raw.start, raw.end).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn window() -> impl Strategy<Value = Window> {
        (-1_000_000i64..1_000_000, 0i64..1_000_000).prop_map(|(start, length)| {
            Window::starting_at(MediaTime::from_micros(start), MediaTime::from_micros(length))
        })
    }

    #[test]
    fn window_that_ends_before_it_starts_is_rejected() {
        assert!(Window::new(MediaTime::from_millis(2), MediaTime::from_millis(1)).is_err());
        assert!(serde_json::from_str::<Window>(r#"{"start":2,"end":1}"#).is_err());
    }

    proptest! {
        #[test]
        fn intersection_is_inside_both(a in window(), b in window()) {
            prop_assert_eq!(a.intersect(b), b.intersect(a));
            if let Some(both) = a.intersect(b) {
                prop_assert!(!both.is_empty());
                prop_assert!(a.start() <= both.start() && both.end() <= a.end());
                prop_assert!(b.start() <= both.start() && both.end() <= b.end());
            }
        }

        #[test]
        fn shifting_back_undoes_shifting(a in window(), by in -1_000_000i64..1_000_000) {
            let by = MediaTime::from_micros(by);
            prop_assert_eq!(a.shift(by).relative_to(by), a);
        }

        #[test]
        fn local_windows_round_trip(a in window(), origin in -1_000_000i64..1_000_000) {
            let asset = Window::starting_at(AssetTime::at(a.start()), a.duration());
            let origin = AssetTime::from_micros(origin);
            prop_assert_eq!(asset.relative_to(origin).placed_at(origin), asset);
        }

        #[test]
        fn local_windows_of_local_windows_compose(a in window(), outer in 0i64..1_000, inner in 0i64..1_000) {
            let asset = Window::starting_at(AssetTime::at(a.start()), a.duration());
            let (outer, inner) = (AssetTime::from_micros(outer), LocalTime::from_micros(inner));
            let along = asset.relative_to(outer).relative_to(inner);
            prop_assert_eq!(along, asset.relative_to(inner.with_zero_at(outer)));
        }

        #[test]
        fn windows_of_files_keep_their_durations(a in window(), zero in -1_000_000i64..1_000_000) {
            let asset = Window::starting_at(AssetTime::at(a.start()), a.duration());
            let file = asset.in_file(FileTime::from_micros(zero));
            prop_assert_eq!(file.duration(), a.duration());
            prop_assert_eq!(file.start().relative_to(FileTime::from_micros(zero)), asset.start());
        }
    }
}
