//! Divides a composition into pieces. Pure functions.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use media_time::{AssetTime, LocalTime, MediaTime, Window};

use crate::Error;
use crate::composition::{Composition, Layer};
use crate::film::MAX_OVERLAPPING;

/// A run of frames in which the same layers are visible, with the captions on them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Piece {
    /// Number of frames, at least 1.
    pub(crate) frames: i64,
    /// The visible layers, the lowest first.
    pub(crate) layers: Vec<PieceLayer>,
    /// The captions that are shown in it, in order.
    pub(crate) captions: Vec<PieceCaption>,
}

/// A caption in a piece.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PieceCaption {
    /// Index among the captions of the composition.
    pub(crate) caption: usize,
    /// Frames of the piece.
    pub(crate) frames: Range<i64>,
}

/// A layer of a piece, which is visible in all its frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PieceLayer {
    /// Index among the layers of the composition.
    pub(crate) layer: usize,
    /// The window of the asset from the first frame to the end of the piece or of the clip.
    pub(crate) window: Window<AssetTime>,
}

/// The pieces of a film: each different one once, and their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Pieces {
    pub(crate) different: Vec<Piece>,
    /// Indices into `different`, in the order of the film.
    pub(crate) order: Vec<usize>,
}

impl Pieces {
    /// Divides a composition.
    ///
    /// # Errors
    /// [`Error::TooManyOverlapping`].
    pub(crate) fn of(composition: &Composition) -> Result<Self, Error> {
        let mut pieces = Self::default();
        let mut known: BTreeMap<PieceKey, usize> = BTreeMap::new();
        for (frames, layers) in runs(composition)? {
            let layers: Vec<PieceLayer> =
                layers.into_iter().filter_map(|index| piece_layer(composition, index, &frames)).collect();
            let captions = piece_captions(composition, &frames);
            let piece = Piece { frames: frames.end - frames.start, layers, captions };
            let next = pieces.different.len();
            let index = *known.entry(key(composition, &piece)).or_insert(next);
            if index == next {
                pieces.different.push(piece);
            }
            pieces.order.push(index);
        }
        Ok(pieces)
    }
}

/// Equal for pieces with the same frames.
type PieceKey = (i64, Vec<(String, [i64; 2], [u64; 2])>, Vec<(String, [i64; 2])>);

fn key(composition: &Composition, piece: &Piece) -> PieceKey {
    let layers = piece.layers.iter().map(|of| {
        let layer = &composition.layers[of.layer];
        let window = [of.window.start().as_micros(), of.window.end().as_micros()];
        (layer.asset.id.to_string(), window, [layer.clip.speed.to_bits(), layer.clip.opacity.to_bits()])
    });
    let shown = composition.captions.as_ref().map_or(&[][..], |captions| &captions.list);
    let captions = piece.captions.iter();
    let captions = captions.map(|of| (shown[of.caption].text.clone(), [of.frames.start, of.frames.end]));
    (piece.frames, layers.collect(), captions.collect())
}

/// The captions that are shown in `frames` of the film.
fn piece_captions(composition: &Composition, frames: &Range<i64>) -> Vec<PieceCaption> {
    let Some(captions) = &composition.captions else { return Vec::new() };
    let shown = |index| captions.frames(index, composition.rate);
    // Captions are in order and do not overlap.
    let first = captions.list.partition_point(|caption| {
        composition.rate.frames_before(caption.window.end().since_zero()) <= frames.start
    });
    (first..captions.list.len())
        .map(|index| (index, shown(index)))
        .take_while(|(_, (start, _))| *start < frames.end)
        .filter(|(_, (start, end))| start < end)
        .map(|(caption, (start, end))| PieceCaption {
            caption,
            frames: start.max(frames.start) - frames.start..end.min(frames.end) - frames.start,
        })
        .collect()
}

/// A run of frames, and the indices of the layers that are visible in it, the lowest first.
type Run = (Range<i64>, Vec<usize>);

/// The runs of frames between the changes of the visible layers.
fn runs(composition: &Composition) -> Result<Vec<Run>, Error> {
    let count = composition.frames();
    let mut changes: BTreeMap<i64, Vec<(usize, bool)>> =
        BTreeMap::from([(0, Vec::new()), (count, Vec::new())]);
    for (index, layer) in composition.layers.iter().enumerate() {
        if let Some((first, end)) = layer.visible_frames(composition.window, composition.rate) {
            changes.entry(first).or_default().push((index, true));
            changes.entry(end.min(count)).or_default().push((index, false));
        }
    }
    let mut visible = BTreeSet::new();
    let mut runs = Vec::with_capacity(changes.len());
    let mut changes = changes.into_iter().peekable();
    while let Some((frame, changed)) = changes.next() {
        for (index, is_visible) in changed {
            if is_visible {
                visible.insert(index)
            } else {
                visible.remove(&index)
            };
        }
        if visible.len() > MAX_OVERLAPPING {
            return Err(Error::TooManyOverlapping { limit: MAX_OVERLAPPING });
        }
        if let Some((next, _)) = changes.peek().filter(|(next, _)| *next > frame && frame < count) {
            runs.push((frame..*next, visible.iter().copied().collect()));
        }
    }
    Ok(runs)
}

fn piece_layer(composition: &Composition, index: usize, frames: &Range<i64>) -> Option<PieceLayer> {
    let layer: &Layer = &composition.layers[index];
    let played = layer.play_window(composition.window)?;
    let at = |frame| LocalTime::at(composition.rate.instant(frame));
    let span = Window::new(at(frames.start).max(played.start()), at(frames.end).min(played.end())).ok()?;
    let window = held(layer.source_of(composition.window, span), layer.held_from);
    (!window.is_empty()).then_some(PieceLayer { layer: index, window })
}

/// The part of a window before `held_from`; its last microsecond if it begins later.
fn held(window: Window<AssetTime>, held_from: Option<AssetTime>) -> Window<AssetTime> {
    let Some(held_from) = held_from.filter(|held_from| *held_from < window.end()) else { return window };
    let start = window.start().min(held_from - MediaTime::from_micros(1));
    Window::starting_at(start, held_from - start)
}

#[cfg(test)]
mod tests {
    use media_time::Instant;
    use proptest::prelude::*;

    use super::*;
    use crate::captions::tests::captions;
    use crate::composition::Subject;
    use crate::composition::tests::layer;
    use crate::profile::{Fit, FrameRate};

    fn ms<T: Instant>(millis: i64) -> T {
        T::at(MediaTime::from_millis(millis))
    }

    /// A film of 25 frames a second that lasts `length` ms, with clips of (start in the asset, in the film, length).
    fn composition(length: i64, clips: &[(i64, i64, i64)]) -> Composition {
        Composition {
            subject: Subject::ShotList("list".parse().unwrap()),
            window: Window::new(ms(0), ms(length)).unwrap(),
            rate: FrameRate::whole(25),
            fit: Fit::Contain,
            layers: clips.iter().map(|(from, start, length)| layer(*from, *start, *length)).collect(),
            captions: None,
        }
    }

    fn frames(pieces: &Pieces) -> i64 {
        pieces.order.iter().map(|index| pieces.different[*index].frames).sum()
    }

    #[test]
    fn pieces_change_with_the_visible_layers() {
        let pieces = Pieces::of(&composition(1_000, &[(0, 0, 400), (5_000, 200, 400)])).unwrap();
        let layers = |piece: &Piece| piece.layers.iter().map(|of| of.layer).collect::<Vec<_>>();
        let found: Vec<_> = pieces.different.iter().map(|piece| (piece.frames, layers(piece))).collect();
        assert_eq!(found, [(5, vec![0]), (5, vec![0, 1]), (5, vec![1]), (10, vec![])]);
        assert_eq!(pieces.order, [0, 1, 2, 3]);
        assert_eq!(pieces.different[2].layers[0].window, Window::new(ms(5_200), ms(5_400)).unwrap());
    }

    #[test]
    fn equal_pieces_are_listed_once() {
        let beat: Vec<_> = (0..8).map(|n| (7_000 * (n % 2), 200 * n, 200)).collect();
        let pieces = Pieces::of(&composition(1_600, &beat)).unwrap();
        assert_eq!((pieces.different.len(), frames(&pieces)), (2, 40));
        assert_eq!(pieces.order, [0, 1, 0, 1, 0, 1, 0, 1]);
    }

    #[test]
    fn pieces_with_other_captions_are_other_pieces() {
        let beat: Vec<_> = (0..4).map(|n| (7_000, 200 * n, 200)).collect();
        let mut composition = composition(800, &beat);
        composition.captions = Some(captions(&[(100, 300, "one"), (500, 700, "one")]));
        let pieces = Pieces::of(&composition).unwrap();
        assert_eq!(pieces.order, [0, 1, 0, 1], "the third and fourth beat repeat the first and second");
        let shown = |piece: usize| {
            let captions = &pieces.different[piece].captions;
            captions.iter().map(|of| (of.caption, of.frames.clone())).collect::<Vec<_>>()
        };
        // Frames begin at 0, 40, 80, 120 …
        assert_eq!((shown(0), shown(1)), (vec![(0, 3..5)], vec![(0, 0..3)]));
    }

    #[test]
    fn shot_beyond_its_window_holds_its_last_frame() {
        let mut composition = composition(400, &[(1_000, 0, 300), (5_000, 160, 40)]);
        composition.layers[0].held_from = Some(ms(1_100));
        let pieces = Pieces::of(&composition).unwrap();
        let window = |piece: usize| pieces.different[piece].layers[0].window;
        assert_eq!(window(0), Window::new(ms(1_000), ms(1_100)).unwrap());
        let last = Window::new(AssetTime::from_micros(1_099_999), ms(1_100)).unwrap();
        assert_eq!((window(1), window(2)), (last, last));
    }

    #[test]
    fn too_many_overlapping_layers_are_refused() {
        let refused = Pieces::of(&composition(1_000, &[(0, 0, 1_000); 65]));
        assert!(matches!(refused, Err(Error::TooManyOverlapping { .. })));
        assert!(Pieces::of(&composition(1_000, &[(0, 0, 1_000); 64])).is_ok());
    }

    proptest! {
        #[test]
        fn every_frame_shows_the_instants_that_play_when_it_begins(
            clips in proptest::collection::vec((0i64..9_000, 0i64..900, 1i64..400), 0..20),
        ) {
            let composition = composition(1_000, &clips);
            let pieces = Pieces::of(&composition).unwrap();
            prop_assert_eq!(frames(&pieces), 25);
            let mut frame = 0;
            for piece in pieces.order.iter().map(|index| &pieces.different[*index]) {
                for at in frame..frame + piece.frames {
                    let time = 40 * at;
                    // Not layers: two that show the same instants are one piece.
                    let playing: Vec<AssetTime> = clips
                        .iter()
                        .filter(|(_, start, length)| (*start..start + length).contains(&time))
                        .map(|(from, start, _)| ms(from + time - start))
                        .collect();
                    let since = MediaTime::from_millis(40 * (at - frame));
                    let shown: Vec<AssetTime> =
                        piece.layers.iter().map(|of| of.window.start() + since).collect();
                    prop_assert_eq!(shown, playing);
                }
                frame += piece.frames;
            }
        }
    }
}
