//! Presence of a speaker, including pauses for breath.

use super::{SPEECH_FRAME, SPEECH_RATE};

/// Number of frames on either side that a frame depends on: 0.64 s. Values between 0.5 and 0.8 s perform similarly.
const REACH: usize = (SPEECH_RATE as usize * 64 / 100) / SPEECH_FRAME;

/// The probability that each frame is within a person's speech, from the probabilities of
/// [`super::SpeechDetector`] for the frames of a whole recording.
///
/// The detector's input is 32 ms and its state: between two words it reports no speech, and it has a small delay at
/// each onset. The presence is the mean of its probabilities up to 0.64 s on either side, with triangular weights: less
/// precise at boundaries, and more reliable in between (ROC-AUC on programmes 0.99 instead of 0.96: docs/signal.md).
#[must_use]
pub fn speech_presence(probabilities: &[f32]) -> Vec<f32> {
    let presence = |frame: usize| {
        let first = frame.saturating_sub(REACH);
        let near = probabilities.iter().enumerate().skip(first).take(frame + REACH + 1 - first);
        let (sum, weights) = near.fold((0.0, 0.0), |(sum, weights), (at, probability)| {
            let weight = (REACH + 1 - at.abs_diff(frame)) as f32;
            (sum + weight * probability, weights + weight)
        });
        sum / weights
    };
    (0..probabilities.len()).map(presence).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constant_probability_stays() {
        for length in [0, 1, 5, 100] {
            let presence = speech_presence(&vec![0.25; length]);
            assert!(presence.len() == length && presence.iter().all(|p| (p - 0.25).abs() < 1e-6), "{length}");
        }
    }

    #[test]
    fn a_pause_between_words_is_bridged_and_a_long_one_is_not() {
        let pause = |frames: usize| {
            let probabilities = [vec![1.0; 100], vec![0.0; frames], vec![1.0; 100]].concat();
            speech_presence(&probabilities)[100 + frames / 2]
        };
        assert!(pause(8) > 0.5 && pause(60) < 0.1);
    }
}
