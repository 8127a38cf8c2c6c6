//! Merges overlapping windows into the active speakers of each frame.

use crate::segmentation::{Activity, FRAMES, HOP_FRAMES, LOCAL_SPEAKERS};

/// A piece of speech of one local speaker with its global speaker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LabelledPiece {
    pub(crate) local: usize,
    /// First and last frame of the piece in the window.
    pub(crate) range: (usize, usize),
    pub(crate) speaker: usize,
}

/// A window with the speakers of its pieces.
pub(crate) struct LabelledWindow<'a> {
    pub(crate) activity: &'a Activity,
    pub(crate) pieces: Vec<LabelledPiece>,
}

impl LabelledWindow<'_> {
    /// The speakers active in a frame: for each active local speaker, the speaker of its nearest piece.
    fn speakers(&self, frame: usize) -> impl Iterator<Item = usize> {
        let set = self.activity[frame];
        let distance =
            move |(first, last): (usize, usize)| first.saturating_sub(frame).max(frame.saturating_sub(last));
        let nearest = move |local: usize| {
            let own = self.pieces.iter().filter(move |piece| piece.local == local);
            own.min_by_key(|piece| distance(piece.range)).map(|piece| piece.speaker)
        };
        let found =
            (0..LOCAL_SPEAKERS).map(|local| if set & (1 << local) != 0 { nearest(local) } else { None });
        // Two local speakers with the same global speaker count once.
        let mut found: Vec<usize> = found.flatten().collect();
        found.sort_unstable();
        found.dedup();
        found.into_iter()
    }
}

/// Speakers active in one frame, ascending, at most two: the network outputs no more at a time.
pub(crate) type ActiveSpeakers = Vec<u16>;

/// Weight of a frame in its window: lower within 1 s of the edges, where the network lacks context.
fn weight(frame: usize) -> u32 {
    (frame + 1).min(FRAMES - frame).min(60) as u32
}

/// Weighted votes of the windows that cover one frame.
#[derive(Clone, Default)]
struct Votes {
    total: u32,
    /// Weighted sum of the number of active local speakers.
    speaking: u32,
    /// Weighted activity of each speaker.
    of: Vec<u32>,
}

/// The speakers active in each frame: as many as the windows that cover it have on average, those with the most votes.
/// Buffers the votes of one window's length.
pub(crate) fn reconstruct(windows: &[LabelledWindow<'_>], speakers: usize) -> Vec<ActiveSpeakers> {
    let empty = Votes { of: vec![0; speakers], ..Votes::default() };
    let mut votes = vec![empty.clone(); FRAMES];
    let mut frames = Vec::with_capacity((windows.len() + FRAMES.div_ceil(HOP_FRAMES)) * HOP_FRAMES);
    for window in windows {
        for (frame, (votes, set)) in votes.iter_mut().zip(window.activity).enumerate() {
            let weight = weight(frame);
            votes.total += weight;
            votes.speaking += weight * set.count_ones();
            window.speakers(frame).for_each(|speaker| votes.of[speaker] += weight);
        }
        frames.extend(votes.drain(..HOP_FRAMES).map(|votes| most_voted(&votes)));
        votes.resize(FRAMES, empty.clone());
    }
    frames.extend(votes.iter().take(FRAMES - HOP_FRAMES).map(most_voted));
    frames
}

fn most_voted(votes: &Votes) -> ActiveSpeakers {
    if votes.total == 0 {
        return Vec::new();
    }
    let count = (2 * votes.speaking + votes.total) / (2 * votes.total);
    let mut speakers: Vec<u16> =
        (0..votes.of.len() as u16).filter(|&s| votes.of[usize::from(s)] > 0).collect();
    speakers.sort_by_key(|&speaker| std::cmp::Reverse(votes.of[usize::from(speaker)]));
    speakers.truncate(count as usize);
    speakers.sort_unstable();
    speakers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn activity(active: std::ops::Range<usize>, set: u8) -> Activity {
        let mut activity = [0; FRAMES];
        activity[active].fill(set);
        activity
    }

    fn piece(local: usize, range: (usize, usize), speaker: usize) -> LabelledPiece {
        LabelledPiece { local, range, speaker }
    }

    #[test]
    fn windows_agree_on_a_speaker_under_different_local_numbers() {
        let (first, second) =
            (activity(200..400, 0b001), activity(200 - HOP_FRAMES..400 - HOP_FRAMES, 0b100));
        let windows = [
            LabelledWindow { activity: &first, pieces: vec![piece(0, (200, 399), 1)] },
            LabelledWindow { activity: &second, pieces: vec![piece(2, (50, 249), 1)] },
        ];
        let frames = reconstruct(&windows, 2);
        assert_eq!(frames.len(), FRAMES + HOP_FRAMES);
        assert!(
            frames
                .iter()
                .enumerate()
                .all(|(i, s)| *s == if (200..400).contains(&i) { vec![1] } else { vec![] })
        );
    }

    #[test]
    fn pieces_of_one_local_speaker_may_be_of_different_speakers() {
        let active = activity(0..FRAMES, 0b001);
        let pieces = vec![piece(0, (0, 99), 0), piece(0, (110, 588), 1)];
        let frames = reconstruct(&[LabelledWindow { activity: &active, pieces }], 2);
        assert_eq!(
            (&frames[50], &frames[103], &frames[107], &frames[300]),
            (&vec![0], &vec![0], &vec![1], &vec![1])
        );
    }

    #[test]
    fn overlap_is_kept_and_the_majority_decides() {
        let (two, one) = (activity(0..FRAMES, 0b011), activity(0..FRAMES, 0b001));
        let pieces = || vec![piece(0, (0, 588), 0), piece(1, (0, 588), 1)];
        let windows = [
            LabelledWindow { activity: &two, pieces: pieces() },
            LabelledWindow { activity: &one, pieces: pieces() },
        ];
        let frames = reconstruct(&windows, 2);
        assert_eq!(frames[100], [0, 1]);
        // One window has two speakers; the other, in which the frame is farther from the edge, has one.
        assert_eq!(frames[FRAMES - 3], [0]);
        assert_eq!(frames[FRAMES + 10], [0]);
    }

    #[test]
    fn speech_without_an_embedding_has_no_speaker() {
        let active = activity(10..20, 0b001);
        let frames = reconstruct(&[LabelledWindow { activity: &active, pieces: Vec::new() }], 1);
        assert!(frames.iter().all(Vec::is_empty));
        assert_eq!(reconstruct(&[], 0).len(), FRAMES - HOP_FRAMES);
    }
}
