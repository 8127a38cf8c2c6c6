//! Overlapping windows, put together into one activity of speakers per frame.

use crate::diarizer::HOP_FRAMES;
use crate::segmentation::{Activity, FRAMES, LOCAL_SPEAKERS};

/// A window whose local speakers are known.
pub(crate) struct Segment {
    pub(crate) activity: Activity,
    /// The speaker of each local one; `None` where it could not be embedded.
    pub(crate) speakers: [Option<usize>; LOCAL_SPEAKERS],
}

/// Speakers active in one frame, ascending. At most two windows' worth: the network tells two at a time.
pub(crate) type ActiveSpeakers = Vec<u16>;

/// Weight of a frame in its window: full from 1 s off the edges on, where the network lacks context.
fn weight(frame: usize) -> u32 {
    (frame + 1).min(FRAMES - frame).min(60) as u32
}

/// Votes of the windows over one frame.
#[derive(Clone, Default)]
struct Votes {
    total: u32,
    /// Weighted sum of the number of active local speakers.
    speaking: u32,
    /// Weighted activity of each speaker.
    of: Vec<u32>,
}

/// The speakers active in each frame from the begin on: as many as the windows over it count on average, those with the
/// most votes. Holds the votes of one window's length.
pub(crate) fn reconstruct(segments: &[Segment], speakers: usize) -> Vec<ActiveSpeakers> {
    let empty = Votes { of: vec![0; speakers], ..Votes::default() };
    let mut votes = vec![empty.clone(); FRAMES];
    let mut frames = Vec::with_capacity((segments.len() + FRAMES.div_ceil(HOP_FRAMES)) * HOP_FRAMES);
    for segment in segments {
        for (frame, (votes, set)) in votes.iter_mut().zip(segment.activity).enumerate() {
            let weight = weight(frame);
            votes.total += weight;
            votes.speaking += weight * set.count_ones();
            let active = (0..LOCAL_SPEAKERS).filter(|local| set & (1 << local) != 0);
            // Two local speakers of one speaker count once.
            let mut found: Vec<usize> = active.filter_map(|local| segment.speakers[local]).collect();
            found.sort_unstable();
            found.dedup();
            found.into_iter().for_each(|speaker| votes.of[speaker] += weight);
        }
        frames.extend(votes.drain(..HOP_FRAMES).map(|votes| decide(&votes)));
        votes.resize(FRAMES, empty.clone());
    }
    frames.extend(votes.iter().take(FRAMES - HOP_FRAMES).map(decide));
    frames
}

fn decide(votes: &Votes) -> ActiveSpeakers {
    if votes.total == 0 {
        return Vec::new();
    }
    let count = (2 * votes.speaking + votes.total) / (2 * votes.total);
    let mut speakers: Vec<u16> = (0..votes.of.len() as u16).filter(|&s| votes.of[usize::from(s)] > 0).collect();
    speakers.sort_by_key(|&speaker| std::cmp::Reverse(votes.of[usize::from(speaker)]));
    speakers.truncate(count as usize);
    speakers.sort_unstable();
    speakers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(active: std::ops::Range<usize>, set: u8, speakers: [Option<usize>; 3]) -> Segment {
        let mut activity = [0; FRAMES];
        activity[active].fill(set);
        Segment { activity, speakers }
    }

    #[test]
    fn windows_agree_on_a_speaker_under_different_local_numbers() {
        let segments = [
            segment(200..400, 0b001, [Some(1), None, None]),
            segment(200 - HOP_FRAMES..400 - HOP_FRAMES, 0b100, [None, None, Some(1)]),
        ];
        let frames = reconstruct(&segments, 2);
        assert_eq!(frames.len(), FRAMES + HOP_FRAMES);
        assert!(frames.iter().enumerate().all(|(i, s)| *s == if (200..400).contains(&i) { vec![1] } else { vec![] }));
    }

    #[test]
    fn overlap_is_kept_and_the_majority_decides() {
        let both = [Some(0), Some(1), None];
        let segments = [segment(0..FRAMES, 0b011, both), segment(0..FRAMES, 0b001, both)];
        let frames = reconstruct(&segments, 2);
        assert_eq!(frames[100], [0, 1]);
        // One window sees two speakers, the other, farther from its edge, one.
        assert_eq!(frames[FRAMES - 3], [0]);
        assert_eq!(frames[FRAMES + 10], [0]);
    }

    #[test]
    fn a_local_speaker_without_an_embedding_is_nobody() {
        let frames = reconstruct(&[segment(10..20, 0b001, [None; 3])], 1);
        assert!(frames.iter().all(Vec::is_empty));
        assert_eq!(reconstruct(&[], 0).len(), FRAMES - HOP_FRAMES);
    }
}
