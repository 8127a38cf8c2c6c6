//! Scores the probability of speech as a classifier of frames with and without speech.

use std::{path::Path, time::Instant};

use audio_signal::{SPEECH_FRAME, SPEECH_RATE, SpeechDetector, speech_presence};

use crate::corpus;

/// One frame of 32 ms.
#[derive(Clone, Copy)]
struct Frame {
    /// Probability of the detector.
    probability: f32,
    /// Probability including the surrounding frames, see [`speech_presence`].
    presence: f32,
    /// Whether there is speech at the middle of the frame.
    truth: bool,
}

/// Prints ROC-AUC over the frames of each recording and of each folder.
pub(crate) fn print(root: &Path) {
    println!("speech: ROC-AUC over frames of 32 ms");
    println!(
        "{:<24}{:>8}{:>9}{:>10}{:>10}{:>14}",
        "recording", "frames", "speech", "detector", "presence", "× real time"
    );
    for folder in ["programme", "vad"] {
        let (mut all, mut seconds) = (Vec::new(), 0.0);
        for recording in corpus::recordings(&root.join(folder)) {
            let (frames, took) = frames(&recording);
            print_row(&corpus::name(&recording), &frames, took);
            all.extend(frames);
            seconds += took;
        }
        if !all.is_empty() {
            print_row(&format!("{folder}/ together"), &all, seconds);
        }
    }
}

fn print_row(name: &str, frames: &[Frame], took: f64) {
    let length = (frames.len() * SPEECH_FRAME) as f64 / f64::from(SPEECH_RATE);
    let speech = frames.iter().filter(|frame| frame.truth).count() as f64 / frames.len() as f64;
    let auc = |score: fn(&Frame) -> f32| {
        let scored: Vec<_> = frames.iter().map(|frame| (score(frame), frame.truth)).collect();
        roc_auc(&scored).map_or_else(|| "–".to_owned(), |auc| format!("{auc:.4}"))
    };
    let (detector, presence) = (auc(|frame| frame.probability), auc(|frame| frame.presence));
    let speed = length / took;
    println!(
        "{name:<24}{:>8}{:>7.0} %{detector:>10}{presence:>10}{speed:>14.0}",
        frames.len(),
        100.0 * speech
    );
}

/// The frames of a recording, and the seconds that detection took on one thread.
fn frames(recording: &Path) -> (Vec<Frame>, f64) {
    let mono = corpus::mono_16k(recording);
    let mut detector = SpeechDetector::new().expect("the bundled model is usable");
    let mut probabilities = Vec::new();
    let started = Instant::now();
    detector.push(&mono, &mut probabilities);
    detector.finish(&mut probabilities);
    let took = started.elapsed().as_secs_f64();
    let speech = speech(recording);
    let is_speech = |index: usize| {
        let middle = (index as f64 + 0.5) * SPEECH_FRAME as f64 / f64::from(SPEECH_RATE);
        speech.iter().any(|&(start, end)| (start..end).contains(&middle))
    };
    let presence = speech_presence(&probabilities);
    let scores = probabilities.into_iter().zip(presence).enumerate();
    let frame = |(index, (probability, presence))| Frame { probability, presence, truth: is_speech(index) };
    (scores.map(frame).collect(), took)
}

/// Intervals with speech in seconds; they may overlap.
fn speech(recording: &Path) -> Vec<(f64, f64)> {
    let truth = corpus::truth(recording);
    let number = |value: &serde_json::Value| value.as_f64().expect("seconds");
    if let Some(intervals) = truth["speech_s"].as_array() {
        return intervals.iter().map(|pair| (number(&pair[0]), number(&pair[1]))).collect();
    }
    let events = truth["events"].as_array().expect("events");
    let speech = events.iter().filter(|event| event["kind"] == "speech");
    speech.map(|event| (number(&event["start_s"]), number(&event["end_s"]))).collect()
}

/// Area under the ROC curve of scored frames (score, truth): how often a frame with speech has a higher probability
/// than one without, with ties counted half (the Mann–Whitney U statistic). `None` if all frames are of one kind.
fn roc_auc(frames: &[(f32, bool)]) -> Option<f64> {
    let mut sorted = frames.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut wins, mut without) = (0.0, 0.0);
    for tied in sorted.chunk_by(|a, b| a.0 == b.0) {
        let with = tied.iter().filter(|frame| frame.1).count() as f64;
        let others = tied.len() as f64 - with;
        wins += with * (without + 0.5 * others);
        without += others;
    }
    let with = frames.len() as f64 - without;
    (with > 0.0 && without > 0.0).then(|| wins / (with * without))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auc_counts_ordered_pairs() {
        assert_eq!(roc_auc(&[(0.1, false), (0.9, true)]), Some(1.0));
        assert_eq!(roc_auc(&[(0.9, false), (0.1, true)]), Some(0.0));
        assert_eq!(roc_auc(&[(0.5, false), (0.5, true)]), Some(0.5));
        assert_eq!(
            roc_auc(&[(0.1, false), (0.4, true), (0.35, false), (0.8, true), (0.3, true)]),
            Some(5.0 / 6.0)
        );
        assert_eq!(roc_auc(&[(0.5, true)]), None);
    }
}
