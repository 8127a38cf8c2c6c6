//! The speech of one local speaker of a window, cut into pieces short enough to contain one voice.
//!
//! Segmentation assigns similar voices to one speaker, and has three numbers for all speakers of 10 s. Embeddings
//! distinguish them, so the clustering works on pieces of about two seconds, not on local speakers.

use crate::embedding::{Embedding, MIN_FRAMES};
use crate::fbank::{FRAME, HOP};
use crate::segmentation::{Activity, FRAME_OFFSET, FRAME_STEP, FRAMES};

/// Number of feature frames (10 ms) above which speech is cut into several pieces.
const PIECE_FRAMES: usize = 200;
/// Longest pause in feature frames within a piece that has [`MIN_PIECE_FRAMES`]; a longer one ends the piece.
const PAUSE_FRAMES: usize = 40;
const MIN_PIECE_FRAMES: usize = 80;
/// Minimum feature frames (10 ms) of one speaker alone for an embedding that may found a cluster.
pub(crate) const RELIABLE_FRAMES: usize = 80;

/// Feature frames in which one local speaker speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SpeechPiece {
    /// Indices of feature frames, ascending.
    pub(crate) frames: Vec<usize>,
    /// No other speaker is active in these frames.
    pub(crate) is_clean: bool,
}

/// The embedding of a piece of speech in one window.
#[derive(Clone, Debug)]
pub(crate) struct PieceEmbedding {
    pub(crate) window: usize,
    pub(crate) local: usize,
    /// First and last frame of the piece in the segmentation of the window.
    pub(crate) range: (usize, usize),
    pub(crate) embedding: Embedding,
    /// Number of feature frames (10 ms) embedded.
    pub(crate) frames: usize,
    /// The piece has no overlapped speech and at least [`RELIABLE_FRAMES`] frames.
    pub(crate) is_reliable: bool,
}

/// The segmentation frame that contains the middle of a feature frame.
pub(crate) fn segmentation_frame(feature: usize) -> usize {
    let middle = feature * HOP + FRAME / 2;
    (middle.saturating_sub(FRAME_OFFSET) / FRAME_STEP).min(FRAMES - 1)
}

/// The pieces of the local speaker `local` among `features` feature frames; one piece of overlapped speech if the
/// speaker never speaks alone for long enough.
pub(crate) fn pieces(activity: &Activity, features: usize, local: usize) -> Vec<SpeechPiece> {
    let frames = |is_selected: &dyn Fn(u8) -> bool| -> Vec<usize> {
        (0..features).filter(|&feature| is_selected(activity[segmentation_frame(feature)])).collect()
    };
    let alone = frames(&|set| set == 1 << local);
    if alone.len() >= MIN_FRAMES {
        return cut(&alone).into_iter().map(|frames| SpeechPiece { frames, is_clean: true }).collect();
    }
    let all = frames(&|set| set & (1 << local) != 0);
    if all.len() < MIN_FRAMES { Vec::new() } else { vec![SpeechPiece { frames: all, is_clean: false }] }
}

fn cut(frames: &[usize]) -> Vec<Vec<usize>> {
    let mut runs: Vec<Vec<usize>> = Vec::new();
    for &frame in frames {
        match runs.last_mut() {
            Some(run)
                if run.len() < MIN_PIECE_FRAMES
                    || run.last().is_some_and(|last| frame - last <= PAUSE_FRAMES) =>
            {
                run.push(frame);
            }
            _ => runs.push(vec![frame]),
        }
    }
    // Runs are cut into equal parts, so that none ends in a short one.
    let parts = runs.iter().flat_map(|run| {
        let parts = run.len().div_ceil(PIECE_FRAMES);
        run.chunks(run.len().div_ceil(parts)).map(<[usize]>::to_vec)
    });
    let mut parts: Vec<Vec<usize>> = parts.collect();
    if parts.len() > 1 && parts.last().is_some_and(|part| part.len() < MIN_FRAMES) {
        let rest = parts.pop().unwrap_or_default();
        parts.last_mut().into_iter().for_each(|part| part.extend(&rest));
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn feature_frames_follow_the_segmentation() {
        let mut activity = [0; FRAMES];
        activity[100..200].fill(1);
        let found: Vec<usize> =
            pieces(&activity, 998, 0).into_iter().flat_map(|piece| piece.frames).collect();
        let expected = 100 * FRAME_STEP / HOP;
        assert!((found.len() as i64 - expected as i64).abs() <= 1, "{} {expected}", found.len());
        let first = found[0] * HOP + FRAME / 2;
        let start = 100 * FRAME_STEP + FRAME_OFFSET;
        assert!((start..start + HOP).contains(&first), "{first}");
        assert!(pieces(&activity, 998, 1).is_empty());
    }

    #[test]
    fn overlapped_speech_is_a_piece_only_without_speech_alone() {
        let mut activity = [0; FRAMES];
        activity[..60].fill(0b011);
        assert!(!pieces(&activity, 998, 1)[0].is_clean);
        activity[300..400].fill(0b010);
        let found = pieces(&activity, 998, 1);
        assert!(found.iter().all(|piece| piece.is_clean && piece.frames[0] > 400));
    }

    proptest! {
        #[test]
        fn pieces_hold_each_frame_once_in_order(runs in prop::collection::vec((0usize..120, 0usize..120), 0..6)) {
            let mut activity = [0; FRAMES];
            let mut at = 0;
            for (pause, speech) in runs {
                let start = (at + pause).min(FRAMES);
                at = (start + speech).min(FRAMES);
                activity[start..at].fill(1);
            }
            let found = pieces(&activity, 998, 0);
            let frames: Vec<usize> = found.iter().flat_map(|piece| piece.frames.clone()).collect();
            let expected: Vec<usize> = (0..998).filter(|&f| activity[segmentation_frame(f)] == 1).collect();
            prop_assert_eq!(frames.is_empty(), expected.len() < MIN_FRAMES);
            prop_assert!(frames.is_empty() || frames == expected);
            prop_assert!(found.iter().all(|piece| piece.frames.len() <= PIECE_FRAMES + MIN_FRAMES));
        }
    }
}
