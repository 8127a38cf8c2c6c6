//! Places windows one after the other.

use audio_to_video_origin::VideoShot;
use media_time::{AssetTime, TimelineTime, Window};
use media_v2::Meta;
use primitives::Id;

/// A window of a recording, with the meta of its shot.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Piece {
    pub(crate) asset_id: Id,
    pub(crate) window: Window<AssetTime>,
    pub(crate) meta: Meta,
}

/// The shots of windows, contiguous from time 0; empty windows are omitted.
pub(crate) fn contiguous(pieces: Vec<Piece>) -> Vec<VideoShot> {
    let mut target_start = TimelineTime::ZERO;
    let shot = |piece: Piece| {
        let shot = VideoShot {
            source_asset_id: piece.asset_id,
            source_start: piece.window.start(),
            source_end: piece.window.end(),
            target_start,
            target_duration: piece.window.duration(),
            meta: piece.meta,
        };
        target_start += shot.target_duration;
        shot
    };
    pieces.into_iter().filter(|piece| !piece.window.is_empty()).map(shot).collect()
}

#[cfg(test)]
mod tests {
    use media_time::MediaTime;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn contiguous_shots_do_not_overlap_and_last_as_long_as_their_windows(
            windows in prop::collection::vec((0i64..1_000_000, 0i64..1_000), 0..50),
        ) {
            let piece = |(start, length): &(i64, i64)| Piece {
                asset_id: "film".parse().unwrap(),
                window: Window::starting_at(AssetTime::from_micros(*start), MediaTime::from_micros(*length)),
                meta: Meta::new(),
            };
            let shots = contiguous(windows.iter().map(piece).collect());
            let mut end = TimelineTime::ZERO;
            for shot in &shots {
                prop_assert_eq!(shot.target_start, end);
                prop_assert_eq!(shot.source_end - shot.source_start, shot.target_duration);
                prop_assert!(shot.target_duration > MediaTime::ZERO);
                end += shot.target_duration;
            }
            prop_assert_eq!(end.as_micros(), windows.iter().map(|(_, length)| length).sum::<i64>());
        }
    }
}
