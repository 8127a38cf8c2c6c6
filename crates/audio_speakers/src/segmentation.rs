//! Segmentation of one window: which of up to three speakers, numbered within the window, is active in which frame.

use std::sync::Arc;

use rten::ThreadPool;

use crate::SpeakerError;
use crate::network::Network;

/// Samples of one window: 10 s.
pub(crate) const WINDOW: usize = 160_000;
/// Segmentation frames in one window.
pub(crate) const FRAMES: usize = 589;
/// Hop between windows in segmentation frames (2.53 s).
pub(crate) const HOP_FRAMES: usize = 150;
/// Samples from one frame to the next (16.875 ms).
pub(crate) const FRAME_STEP: usize = 270;
/// Maximum number of local speakers of a window.
pub(crate) const LOCAL_SPEAKERS: usize = 3;
/// First sample of a frame's step, relative to the first sample of the frame's receptive field: the middle of its 991
/// samples less half a step.
pub(crate) const FRAME_OFFSET: usize = (991 - FRAME_STEP) / 2;

/// The sets of speakers encoded by the network's seven classes: bit `i` is speaker `i`.
const POWERSET: [u8; 7] = [0b000, 0b001, 0b010, 0b100, 0b011, 0b101, 0b110];

/// Active speakers of each frame of a window: bit `i` is speaker `i` of that window.
pub(crate) type Activity = [u8; FRAMES];

pub(crate) struct Segmenter(Network);

impl Segmenter {
    pub(crate) const fn new(network: Network) -> Self {
        Self(network)
    }

    /// Segments at most [`WINDOW`] samples, padded with silence.
    pub(crate) fn run(&self, pool: &Arc<ThreadPool>, samples: &[f32]) -> Result<Activity, SpeakerError> {
        let mut padded = samples.to_vec();
        padded.resize(WINDOW, 0.0);
        let scores = self.0.run(pool, &[1, 1, WINDOW], padded)?;
        if scores.len() != FRAMES * POWERSET.len() {
            let reason = format!("{} values instead of {}", scores.len(), FRAMES * POWERSET.len());
            return Err(SpeakerError::Inference { network: "segmentation", reason });
        }
        Ok(most_likely(&scores))
    }
}

/// The most likely set of speakers of each frame; the first of equal ones.
fn most_likely(scores: &[f32]) -> Activity {
    let mut activity = [0; FRAMES];
    for (set, frame) in activity.iter_mut().zip(scores.chunks_exact(POWERSET.len())) {
        let best =
            (1..POWERSET.len()).fold(0, |best, class| if frame[class] > frame[best] { class } else { best });
        *set = POWERSET[best];
    }
    activity
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_likely_set_of_speakers_is_taken() {
        let mut scores = vec![-9.0; FRAMES * 7];
        scores[7 + 3] = -0.1;
        scores[14 + 6] = -0.1;
        scores[21] = f32::NAN;
        let activity = most_likely(&scores);
        assert_eq!(activity[..4], [0, 0b100, 0b110, 0]);
    }
}
