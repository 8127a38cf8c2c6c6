//! Tests of the whole analysis.

use std::cell::RefCell;

use audio_signal::{AnalysisParams, Control, SignalError, Thresholds, analyze, version};
use media_decode::DecodeError;
use media_time::MediaTime;

use crate::synthetic_audio::{noise, tune, wav};

fn recording() -> Vec<f32> {
    let mut stereo = Vec::new();
    for (left, right) in tune(44_100, 8 * 44_100).into_iter().zip(noise(8 * 44_100, 0.05)) {
        stereo.extend([left, right]);
    }
    stereo
}

#[test]
fn threads_do_not_change_the_result() {
    let with = |threads| {
        let params = AnalysisParams { threads, ..AnalysisParams::default() };
        analyze(&wav(44_100, 2, &recording()), &params, &Control::none()).expect("a recording")
    };
    let one = with(1);
    assert!(!one.segments.is_empty() && !one.rhythm.onsets.is_empty());
    for threads in [0, 2, 3, 4, 16] {
        assert_eq!(with(threads), one, "{threads} threads");
    }
}

#[test]
fn analysis_leaves_out_what_is_not_requested() {
    let params =
        AnalysisParams { include_beats: false, include_speech_music: false, ..AnalysisParams::default() };
    let found = analyze(&wav(44_100, 2, &recording()), &params, &Control::none()).expect("a recording");
    assert!(
        found.rhythm.onsets.is_empty() && found.rhythm.beats.is_empty() && found.speech_regions.is_empty()
    );
    assert_eq!(found.loudness_windows.len(), 8);
}

#[test]
fn durations_are_exact_to_the_sample() {
    for samples in [1, 511, 512, 513, 44_101] {
        let audio = noise(samples, 0.1);
        let found =
            analyze(&wav(44_100, 1, &audio), &AnalysisParams::default(), &Control::none()).expect("audio");
        assert_eq!(found.duration, MediaTime::from_samples(samples as i64, 44_100));
    }
}

#[test]
fn recordings_without_samples_are_undecodable() {
    let found = analyze(&wav(44_100, 1, &[]), &AnalysisParams::default(), &Control::none());
    assert!(matches!(found, Err(SignalError::Decode(DecodeError::Undecodable(_)))), "{found:?}");
}

#[test]
fn progress_is_ascending_and_the_analysis_can_be_cancelled() {
    for threads in [1, 3] {
        let params = AnalysisParams { threads, ..AnalysisParams::default() };
        let seen = RefCell::new(Vec::new());
        let record = |progress: audio_signal::Progress| seen.borrow_mut().push(progress.position);
        let control = Control { progress: &record, cancelled: &|| false };
        let duration =
            analyze(&wav(44_100, 2, &recording()), &params, &control).expect("a recording").duration;
        let seen = seen.into_inner();
        assert!(seen.is_sorted() && seen.last() == Some(&duration), "{seen:?}");

        let calls = RefCell::new(0);
        let stop = || {
            *calls.borrow_mut() += 1;
            *calls.borrow() > 3
        };
        let control = Control { progress: &|_| {}, cancelled: &stop };
        let stopped = analyze(&wav(44_100, 2, &recording()), &params, &control);
        assert!(matches!(stopped, Err(SignalError::Decode(DecodeError::Cancelled))));
    }
}

#[test]
fn version_includes_model_and_changed_thresholds() {
    let standard = version(&Thresholds::DEFAULT).expect("the bundled model");
    assert!(standard.starts_with("signal_v8+silero_v6-"), "{standard}");
    let changed = version(&Thresholds { speech_on: 0.6, ..Thresholds::DEFAULT }).expect("the bundled model");
    assert_eq!(changed, format!("{standard}+speech_on=0.6"));
}
