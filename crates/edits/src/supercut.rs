//! Excerpts of recordings one after the other. Pure functions.

use std::collections::HashMap;

use media_time::{AssetTime, MediaTime, Window};
use media_v2::Meta;
use primitives::Id;

use crate::shots::Piece;

/// Version of the edit: changes when the same timelines and request may give other shots.
pub(crate) const VERSION: &str = "supercut_v1";

/// The pieces with `padding` before and after each window, clamped to the recordings, of which `durations` has the
/// known durations. Overlapping windows of one recording that follow each other become one window, with the meta of
/// the first.
pub(crate) fn padded(
    pieces: Vec<Piece>,
    padding: MediaTime,
    durations: &HashMap<Id, Option<MediaTime>>,
) -> Vec<Piece> {
    let mut padded: Vec<Piece> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let end = durations.get(&piece.asset_id).copied().flatten().map_or(AssetTime::MAX, AssetTime::at);
        let start = (piece.window.start() - padding).max(AssetTime::ZERO);
        let window = Window::starting_at(start, (piece.window.end() + padding).min(end) - start);
        match padded.last_mut() {
            Some(last) if last.asset_id == piece.asset_id && last.window.intersect(window).is_some() => {
                last.window = union(last.window, window);
            }
            _ => padded.push(Piece { window, ..piece }),
        }
    }
    padded
}

fn union(one: Window<AssetTime>, other: Window<AssetTime>) -> Window<AssetTime> {
    let (start, end) = (one.start().min(other.start()), one.end().max(other.end()));
    Window::starting_at(start, end - start)
}

/// The meta of a shot with a label.
pub(crate) fn labelled(label: &str) -> Meta {
    Meta::from_iter([("label".to_owned(), label.into())])
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::shots::contiguous;

    fn piece((asset, start, end): (&str, i64, i64)) -> Piece {
        Piece {
            asset_id: asset.parse().unwrap(),
            window: Window::new(AssetTime::from_millis(start), AssetTime::from_millis(end)).unwrap(),
            meta: labelled(&start.to_string()),
        }
    }

    fn cut(pieces: &[(&str, i64, i64)], padding: i64) -> Vec<(String, i64, i64)> {
        let durations =
            ["a", "b"].map(|id| (id.parse::<Id>().unwrap(), Some(MediaTime::from_millis(10_000))));
        let pieces = pieces.iter().copied().map(piece).collect();
        let ms = |time: AssetTime| time.since_zero().as_millis_round();
        padded(pieces, MediaTime::from_millis(padding), &durations.into())
            .into_iter()
            .map(|piece| (piece.asset_id.to_string(), ms(piece.window.start()), ms(piece.window.end())))
            .collect()
    }

    fn owned(pieces: &[(&str, i64, i64)]) -> Vec<(String, i64, i64)> {
        pieces.iter().map(|(asset, start, end)| ((*asset).to_owned(), *start, *end)).collect()
    }

    #[test]
    fn windows_are_padded_within_their_recording() {
        assert_eq!(
            cut(&[("a", 100, 200), ("b", 9_900, 9_950)], 150),
            owned(&[("a", 0, 350), ("b", 9_750, 10_000)])
        );
        assert_eq!(cut(&[("c", 100, 20_000)], 50), owned(&[("c", 50, 20_050)]), "of unknown duration");
    }

    #[test]
    fn overlapping_windows_are_merged_when_they_follow_each_other() {
        let first = ("a", 1_000, 2_000);
        assert_eq!(cut(&[first, ("a", 2_100, 3_000)], 100), owned(&[("a", 900, 3_100)]));
        assert_eq!(
            cut(&[first, ("a", 2_000, 3_000)], 0),
            owned(&[first, ("a", 2_000, 3_000)]),
            "they only touch"
        );
        let between = [first, ("b", 0, 10), ("a", 1_500, 2_500)];
        assert_eq!(cut(&between, 0), owned(&between));
    }

    proptest! {
        #[test]
        fn padded_windows_are_inside_their_recording_and_contain_the_given_ones(
            windows in vec((0usize..2, 0i64..9_000, 1i64..1_000), 1..40), padding in 0i64..2_000,
        ) {
            let names = ["a", "b"];
            let pieces: Vec<_> =
                windows.iter().map(|(asset, start, length)| (names[*asset], *start, start + length)).collect();
            let made = cut(&pieces, padding);
            prop_assert!(made.iter().all(|(_, start, end)| 0 <= *start && start < end && *end <= 10_000));
            for (asset, start, end) in &pieces {
                prop_assert!(made.iter().any(|one| one.0 == *asset && one.1 <= *start && *end <= one.2));
            }
            let shots = contiguous(pieces.iter().copied().map(piece).collect());
            let total: i64 = windows.iter().map(|(_, _, length)| length).sum();
            let last = shots.last().unwrap();
            prop_assert_eq!((last.target_start + last.target_duration).since_zero(), MediaTime::from_millis(total));
        }
    }
}
