use serde::{Deserialize, Serialize};

use crate::MediaTime;

/// A half-open span `[start, end)` of a timeline; its length is never negative.
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
/// # Ok::<(), media_time::InvalidWindow>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Window {
    start: MediaTime,
    end: MediaTime,
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

impl Window {
    /// The window `[start, end)`; empty when both are equal.
    ///
    /// # Errors
    /// [`InvalidWindow`] when `end < start`.
    pub fn new(start: MediaTime, end: MediaTime) -> Result<Self, InvalidWindow> {
        if end < start { Err(InvalidWindow { start, end }) } else { Ok(Self { start, end }) }
    }

    /// The window `[start, start + duration)`; a negative duration counts as zero.
    #[must_use]
    pub fn starting_at(start: MediaTime, duration: MediaTime) -> Self {
        Self { start, end: start + duration.max(MediaTime::ZERO) }
    }

    /// The first instant inside the window.
    #[must_use]
    pub const fn start(self) -> MediaTime {
        self.start
    }

    /// The first instant after the window.
    #[must_use]
    pub const fn end(self) -> MediaTime {
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
    pub fn contains(self, time: MediaTime) -> bool {
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
    pub fn relative_to(self, origin: MediaTime) -> Self {
        self.shift(-origin)
    }
}

impl<'de> Deserialize<'de> for Window {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Raw {
            start: MediaTime,
            end: MediaTime,
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
    }
}
