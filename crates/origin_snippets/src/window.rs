use media_time::{AssetTime, MediaTime, Window};

/// The window of a snippet: the origin extended by `padding` on both sides, clamped to 0 and
/// to the asset's end (`duration`, if known), and truncated at its end to `max_duration`.
///
/// Empty when the origin is beyond the asset's end, or `max_duration` is 0. `padding` and `max_duration` are not
/// negative.
#[must_use]
pub fn snippet_window(
    origin: Window<AssetTime>,
    padding: MediaTime,
    max_duration: Option<MediaTime>,
    duration: Option<MediaTime>,
) -> Window<AssetTime> {
    let start = (origin.start() - padding).max(AssetTime::ZERO);
    let longest = max_duration.map_or(AssetTime::MAX, |longest| start + longest);
    let end = (origin.end() + padding).min(duration.map_or(AssetTime::MAX, AssetTime::at)).min(longest);
    // A negative length counts as 0, so the end is never before the start.
    Window::starting_at(start, end - start)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn window(start: i64, end: i64) -> Window<AssetTime> {
        Window::new(AssetTime::from_millis(start), AssetTime::from_millis(end)).unwrap()
    }

    fn snippet(
        origin: (i64, i64),
        padding: i64,
        longest: Option<i64>,
        duration: Option<i64>,
    ) -> Window<AssetTime> {
        let ms = MediaTime::from_millis;
        snippet_window(window(origin.0, origin.1), ms(padding), longest.map(ms), duration.map(ms))
    }

    #[test]
    fn snippet_window_matches_the_documented_example() {
        assert_eq!(snippet((200, 400), 250, Some(500), None), window(0, 500));
        assert_eq!(snippet((200, 400), 250, None, None), window(0, 650), "padding is cut at 0");
    }

    #[test]
    fn snippet_window_is_clamped_to_the_asset() {
        assert_eq!(snippet((1_000, 2_000), 250, None, Some(60_000)), window(750, 2_250));
        assert_eq!(snippet((1_000, 2_000), 250, None, Some(2_100)), window(750, 2_100));
        assert_eq!(snippet((1_000, 2_000), 250, Some(1_400), Some(2_100)), window(750, 2_100));
        assert_eq!(snippet((1_000, 2_000), 250, Some(1_300), Some(2_100)), window(750, 2_050));
    }

    #[test]
    fn snippet_window_is_empty_beyond_the_asset() {
        assert_eq!(snippet((9_000, 9_500), 250, None, Some(5_000)), window(8_750, 8_750));
        assert_eq!(snippet((1_000, 2_000), 250, Some(0), None), window(750, 750));
    }

    proptest! {
        /// Reference implementation of the rules of `docs/engines/origin_snippets.md` in integers.
        #[test]
        fn snippet_window_matches_the_reference(
            start in 0i64..1 << 42, length in 0i64..1 << 42, padding in 0i64..1 << 42,
            longest in prop::option::of(0i64..1 << 42), duration in prop::option::of(0i64..1 << 42),
        ) {
            let us = MediaTime::from_micros;
            let found = snippet_window(
                Window::starting_at(AssetTime::from_micros(start), us(length)), us(padding), longest.map(us), duration.map(us),
            );
            let from = std::cmp::max(0, start - padding);
            let mut to = start + length + padding;
            if let Some(duration) = duration { to = std::cmp::min(to, duration); }
            if let Some(longest) = longest { to = std::cmp::min(to, from + longest); }
            let to = std::cmp::max(to, from);
            prop_assert_eq!((found.start().as_micros(), found.end().as_micros()), (from, to));
        }

        #[test]
        fn nonempty_snippet_window_is_inside_the_asset(
            start in any::<i64>(), length in any::<i64>(), padding in 0i64..=i64::MAX,
            longest in prop::option::of(0i64..=i64::MAX), duration in 0i64..1 << 50,
        ) {
            let us = MediaTime::from_micros;
            let found = snippet_window(
                Window::starting_at(AssetTime::from_micros(start), us(length)), us(padding), longest.map(us), Some(us(duration)),
            );
            prop_assert!(found.start() >= AssetTime::ZERO);
            prop_assert!(found.is_empty() || found.end() <= AssetTime::at(us(duration)));
            prop_assert!(longest.is_none_or(|longest| found.duration() <= us(longest)));
        }
    }
}
