use chrono::{DateTime, Utc};
use media_time::{AssetTime, LocalTime, Window};
use media_v2::Meta;
use primitives::Id;

use crate::ClipOffset;

/// Maximum number of artifacts of a chain.
pub const MAX_CHAIN: usize = 64;

/// The window of a recording that an audio artifact was taken from, with its pieces in playback order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The recording that contains the window.
    pub asset_id: Id,
    /// The window of the recording, of positive duration.
    pub window: Window<AssetTime>,
    /// The pieces, relative to the window's start; `None`: the whole window, once.
    pub clip_offsets: Option<Vec<ClipOffset>>,
}

/// The origin of an artifact, and the chain through which it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedOrigin {
    /// The origin of the requested artifact.
    pub origin: Origin,
    /// The artifacts from the requested one to the one that has the map; one artifact when it has its own.
    pub chain: Vec<Id>,
    /// Time at which the last of them was first mapped.
    pub mapped_at: DateTime<Utc>,
    /// The meta of its map, see [`OriginMap::meta`](crate::OriginMap::meta).
    pub meta: Meta,
}

impl Origin {
    /// The pieces as windows of the recording, in playback order; at least one.
    pub fn pieces(&self) -> impl Iterator<Item = Window<AssetTime>> {
        let whole = self.clip_offsets.is_none().then_some(self.window);
        let start = self.window.start();
        let pieces = self.clip_offsets.iter().flatten();
        whole
            .into_iter()
            .chain(pieces.map(move |piece| Window::starting_at(start + piece.offset, piece.duration)))
    }

    /// The end of this artifact in its own time, which runs from 0 through its pieces.
    #[must_use]
    pub fn local_end(&self) -> LocalTime {
        self.pieces().fold(LocalTime::ZERO, |end, piece| end + piece.duration())
    }

    /// The origin of a `part` of this artifact. `part` is in the artifact's own time, which runs from 0 through its
    /// pieces, and is clamped to the artifact's end; `None` when it is empty.
    ///
    /// The window is the smallest that contains the pieces. Parts compose: `o.part(a)?.part(b)` is `o.part(c)`, where
    /// `c` is `b` shifted to the start of `a` and clamped to its end.
    #[must_use]
    pub fn part(&self, part: Window<LocalTime>) -> Option<Self> {
        let mut at = LocalTime::ZERO;
        let mut pieces = Vec::new();
        for piece in self.pieces() {
            let played = Window::starting_at(at, piece.duration());
            pieces.extend(played.intersect(part).map(|both| both.relative_to(at).placed_at(piece.start())));
            at = played.end();
        }
        let start = pieces.iter().map(|piece| piece.start()).min()?;
        let end = pieces.iter().map(|piece| piece.end()).max()?;
        let window = Window::starting_at(start, end - start);
        let clip_offsets = (pieces.len() > 1).then(|| {
            let offset = |piece: &Window<AssetTime>| ClipOffset {
                offset: piece.start() - start,
                duration: piece.duration(),
            };
            pieces.iter().map(offset).collect()
        });
        Some(Self { asset_id: self.asset_id.clone(), window, clip_offsets })
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use media_time::{Instant, MediaTime};

    fn window<T: Instant>(start: i64, length: i64) -> Window<T> {
        Window::starting_at(T::at(MediaTime::from_micros(start)), MediaTime::from_micros(length))
    }

    fn origin(start: i64, length: i64, pieces: Option<&[(i64, i64)]>) -> Origin {
        let piece = |&(offset, duration): &(i64, i64)| ClipOffset {
            offset: MediaTime::from_micros(offset),
            duration: MediaTime::from_micros(duration),
        };
        Origin {
            asset_id: "film".parse().unwrap(),
            window: window(start, length),
            clip_offsets: pieces.map(|pieces| pieces.iter().map(piece).collect()),
        }
    }

    #[test]
    fn origin_part_of_a_window_is_shifted_and_clamped() {
        assert_eq!(origin(10_000, 500, None).part(window(100, 200)), Some(origin(10_100, 200, None)));
        assert_eq!(
            origin(10_000, 500, None).part(window(400, 200)),
            Some(origin(10_400, 100, None)),
            "cut at its end"
        );
        assert_eq!(origin(10_000, 500, None).part(window(500, 1)), None);
    }

    #[test]
    fn origin_part_follows_the_playback_order_of_pieces() {
        // Plays 50..70 and then 10..40 of the film, both relative to 1000.
        let chopped = origin(1_000, 100, Some(&[(50, 20), (10, 30)]));
        assert_eq!(chopped.part(window(0, 20)), Some(origin(1_050, 20, None)));
        assert_eq!(chopped.part(window(25, 10)), Some(origin(1_015, 10, None)));
        assert_eq!(chopped.part(window(10, 20)), Some(origin(1_010, 60, Some(&[(50, 10), (0, 10)]))));
    }

    /// The instants of the recording, in playback order.
    fn instants(origin: &Origin) -> Vec<i64> {
        let micros = |piece: Window<AssetTime>| piece.start().as_micros()..piece.end().as_micros();
        origin.pieces().flat_map(micros).collect()
    }

    /// `inner`, a part of `outer`, in the time base of `outer`.
    fn part_of_part(outer: Window<LocalTime>, inner: Window<LocalTime>) -> Option<Window<LocalTime>> {
        inner.placed_at(outer.start()).intersect(outer)
    }

    fn origins() -> impl Strategy<Value = Origin> {
        let pieces = proptest::option::of(vec((0i64..50, 1i64..20), 1..6));
        (0i64..1_000, pieces).prop_map(|(start, pieces)| origin(start, 70, pieces.as_deref()))
    }

    fn parts() -> impl Strategy<Value = Window<LocalTime>> {
        (0i64..60, 1i64..80).prop_map(|(start, length)| window(start, length))
    }

    proptest! {
        #[test]
        fn origin_part_selects_the_instants_of_the_part(whole in origins(), part in parts()) {
            let all = instants(&whole);
            let cut = |at: LocalTime| usize::try_from(at.as_micros()).unwrap().min(all.len());
            let expected = &all[cut(part.start())..cut(part.end())];
            let found = whole.part(part);
            prop_assert_eq!(found.as_ref().map(instants).unwrap_or_default(), expected);
            if let Some(found) = found {
                prop_assert_eq!(found.window.start().as_micros(), *expected.iter().min().unwrap());
                prop_assert_eq!(found.window.end().as_micros(), expected.iter().max().unwrap() + 1);
            }
        }

        #[test]
        fn origin_parts_compose_associatively(whole in origins(), a in parts(), b in parts(), c in parts()) {
            let along = whole.part(a).and_then(|o| o.part(b)).and_then(|o| o.part(c));
            let ab = part_of_part(a, b);
            let bc = part_of_part(b, c);
            let first_two = ab.and_then(|ab| whole.part(ab)).and_then(|o| o.part(c));
            let last_two = bc.and_then(|bc| whole.part(a).and_then(|o| o.part(bc)));
            let all = ab.and_then(|ab| part_of_part(ab, c)).and_then(|abc| whole.part(abc));
            prop_assert_eq!(&along, &first_two);
            prop_assert_eq!(&along, &last_two);
            prop_assert_eq!(&along, &all);
        }
    }
}
