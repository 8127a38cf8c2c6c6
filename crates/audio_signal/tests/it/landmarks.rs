//! Landmarks from the pass of the analysis.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::ops::ControlFlow;

use audio_fingerprint::{Fingerprinter, Landmark};
use audio_signal::{Analysis, AnalysisParams, Control, SignalError, analyze, landmarks, read_mono};
use media_decode::MediaInput;

use crate::synthetic_audio::{noise, tune, wav};

fn recording() -> MediaInput {
    let (length, rate) = (12 * 44_100, 44_100);
    let stereo =
        tune(rate, length).into_iter().zip(noise(length, 0.02)).flat_map(|(left, right)| [left, right]);
    wav(rate, 2, &stereo.collect::<Vec<f32>>())
}

fn analysis(params: &AnalysisParams) -> Analysis {
    analyze(&recording(), params, &Control::none()).unwrap()
}

/// From all samples at once.
fn of_samples() -> Vec<Landmark> {
    let mut samples = Vec::new();
    read_mono(recording().decoder().unwrap(), &Control::none(), |block| {
        samples.extend_from_slice(block);
        Ok::<_, SignalError>(ControlFlow::Continue(()))
    })
    .unwrap();
    let mut fingerprinter = Fingerprinter::new();
    fingerprinter.push(&samples);
    fingerprinter.finish()
}

#[test]
fn landmarks_of_an_analysis_are_those_of_the_recording_alone() {
    let expected = of_samples();
    assert!(expected.len() > 100, "{}", expected.len());
    assert_eq!(landmarks(&recording(), &Control::none()).unwrap(), expected);
    for include_speech_music in [true, false] {
        for threads in [1, 3] {
            let params = AnalysisParams {
                include_landmarks: true,
                include_beats: false,
                include_speech_music,
                threads,
                ..AnalysisParams::default()
            };
            let found = analysis(&params).landmarks.expect("requested");
            assert_eq!(found, expected, "{params:?}");
        }
    }
}

#[test]
fn landmarks_are_made_on_request_and_change_nothing_else() {
    let without = analysis(&AnalysisParams::default());
    assert_eq!(without.landmarks, None);
    let with = analysis(&AnalysisParams { include_landmarks: true, ..AnalysisParams::default() });
    assert!(with.landmarks.is_some());
    assert_eq!(Analysis { landmarks: None, ..with }, without);
}
