//! What remains of a recording without its silences and fillers. Pure functions.

use media_time::{AssetTime, MediaTime, Window};

/// Version of the edit: changes when the same timeline and request may give other shots.
pub(crate) const VERSION: &str = "remove_silence_v1";
/// Minimum duration of a piece that remains; shorter ones, less than a frame at 25 fps, are removed too.
const MIN_PIECE: MediaTime = MediaTime::from_millis(40);

/// The silences to remove.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SilenceRule {
    /// Duration of a silence that is kept at each of its sides.
    pub(crate) margin: MediaTime,
    /// Minimum duration of a silence to remove.
    pub(crate) min_silence: MediaTime,
}

impl SilenceRule {
    /// The part of a silence to remove. At start and end of the recording there is no margin: nothing precedes or
    /// follows.
    fn cut(self, silence: Window<AssetTime>, end: AssetTime) -> Option<Window<AssetTime>> {
        if silence.duration() < self.min_silence {
            return None;
        }
        let is_first = silence.start() <= AssetTime::ZERO;
        let is_last = silence.end() >= end;
        let from = if is_first { AssetTime::ZERO } else { silence.start() + self.margin };
        let to = if is_last { end } else { silence.end() - self.margin };
        Window::new(from, to).ok().filter(|cut| !cut.is_empty())
    }
}

/// The windows of a recording of duration `end` that remain without its silences and without `fillers`, in order.
pub(crate) fn remaining(
    end: AssetTime,
    silences: &[Window<AssetTime>],
    fillers: &[Window<AssetTime>],
    rule: SilenceRule,
) -> Vec<Window<AssetTime>> {
    let silences = silences.iter().filter_map(|silence| rule.cut(*silence, end));
    let mut cuts: Vec<_> = silences.chain(fillers.iter().copied()).collect();
    cuts.sort_unstable_by_key(|cut| (cut.start(), cut.end()));
    let (mut kept, mut position) = (Vec::new(), AssetTime::ZERO);
    for cut in cuts {
        kept.extend(piece(position, cut.start().min(end)));
        position = position.max(cut.end());
    }
    kept.extend(piece(position, end));
    kept
}

fn piece(start: AssetTime, end: AssetTime) -> Option<Window<AssetTime>> {
    Window::new(start, end).ok().filter(|piece| piece.duration() >= MIN_PIECE)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn window(start: i64, end: i64) -> Window<AssetTime> {
        Window::new(AssetTime::from_millis(start), AssetTime::from_millis(end)).unwrap()
    }

    fn rule(margin: i64, min_silence: i64) -> SilenceRule {
        SilenceRule {
            margin: MediaTime::from_millis(margin),
            min_silence: MediaTime::from_millis(min_silence),
        }
    }

    fn kept(end: i64, silences: &[(i64, i64)], fillers: &[(i64, i64)], margin: i64) -> Vec<(i64, i64)> {
        let windows = |times: &[(i64, i64)]| times.iter().map(|(a, b)| window(*a, *b)).collect::<Vec<_>>();
        let kept =
            remaining(AssetTime::from_millis(end), &windows(silences), &windows(fillers), rule(margin, 500));
        let ms = |time: AssetTime| time.since_zero().as_millis_round();
        kept.into_iter().map(|window| (ms(window.start()), ms(window.end()))).collect()
    }

    #[test]
    fn silence_is_removed_except_its_margins() {
        assert_eq!(kept(10_000, &[(4_000, 6_000)], &[], 100), [(0, 4_100), (5_900, 10_000)]);
        assert_eq!(kept(10_000, &[(4_000, 4_499)], &[], 100), [(0, 10_000)], "too short to be removed");
        assert_eq!(kept(10_000, &[(4_000, 4_500)], &[], 250), [(0, 10_000)], "all of it is margin");
    }

    #[test]
    fn silence_at_an_edge_has_one_margin() {
        assert_eq!(kept(10_000, &[(0, 2_000), (9_000, 10_000)], &[], 100), [(1_900, 9_100)]);
        assert!(kept(10_000, &[(0, 10_000)], &[], 100).is_empty());
    }

    #[test]
    fn fillers_are_removed_without_margin() {
        assert_eq!(kept(3_000, &[], &[(1_000, 1_300)], 100), [(0, 1_000), (1_300, 3_000)]);
        let overlapping = kept(5_000, &[(1_000, 2_000)], &[(1_850, 2_100), (2_120, 2_500)], 100);
        assert_eq!(
            overlapping,
            [(0, 1_100), (2_500, 5_000)],
            "20 ms between two fillers are less than a frame"
        );
    }

    proptest! {
        #[test]
        fn remaining_windows_are_ordered_and_inside_the_recording(
            end in 1i64..60_000, silences in vec((0i64..60_000, 0i64..5_000), 0..30),
            fillers in vec((0i64..60_000, 1i64..500), 0..30), margin in 0i64..1_000,
        ) {
            let windows = |times: Vec<(i64, i64)>| -> Vec<Window<AssetTime>> {
                times.into_iter().map(|(start, length)| window(start, start + length)).collect()
            };
            let (silences, fillers, end) = (windows(silences), windows(fillers), AssetTime::from_millis(end));
            let rule = rule(margin, 500);
            let kept = remaining(end, &silences, &fillers, rule);
            let mut last = AssetTime::ZERO;
            for piece in &kept {
                prop_assert!(piece.start() >= last && piece.end() <= end && piece.duration() >= MIN_PIECE);
                prop_assert!(fillers.iter().all(|filler| filler.intersect(*piece).is_none()));
                let cuts = silences.iter().filter_map(|silence| rule.cut(*silence, end));
                prop_assert!(cuts.into_iter().all(|cut| cut.intersect(*piece).is_none()));
                last = piece.end();
            }
        }
    }
}
