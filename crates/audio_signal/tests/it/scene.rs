//! Segments of audio of known kinds, and invariants of segments.

#![expect(clippy::expect_used, reason = "a failed step fails the test")]

use audio_signal::{Analysis, AnalysisParams, Control, SceneKind, analyze};
use media_time::{MediaTime, Window};
use proptest::prelude::*;

use crate::synthetic_audio::{noise, tune, wav};

const RATE: u32 = 16_000;

fn analysis(rate: u32, channels: u16, interleaved: &[f32], params: &AnalysisParams) -> Analysis {
    analyze(&wav(rate, channels, interleaved), params, &Control::none()).expect("a recording")
}

fn kinds(analysis: &Analysis) -> Vec<SceneKind> {
    analysis.segments.iter().map(|segment| segment.kind).collect()
}

/// The samples of `fixtures/silero_reference.wav`, which starts with speech.
fn voice() -> Vec<f32> {
    let file = include_bytes!("../../../../fixtures/silero_reference.wav");
    let samples = file[44..].as_chunks::<2>().0;
    samples.iter().map(|&bytes| f32::from(i16::from_le_bytes(bytes)) / 32_768.0).collect()
}

#[test]
fn segments_have_the_right_kinds_and_times() {
    let mut audio = noise(5 * RATE as usize, 0.05);
    audio.extend(noise(RATE as usize, 1e-4));
    audio.extend(tune(RATE, 8 * RATE as usize));
    let found = analysis(RATE, 1, &audio, &AnalysisParams::default());
    assert_eq!(kinds(&found), [SceneKind::Other, SceneKind::Silence, SceneKind::Music]);
    for (segment, expected) in found.segments.iter().zip([0, 5_000, 6_000]) {
        let error = segment.window.start() - MediaTime::from_millis(expected);
        assert!(error.as_micros().abs() <= 16_000, "{:?}", segment.window);
        assert!(segment.confidence > 0.5 && segment.confidence <= 1.0, "{segment:?}");
    }
}

#[test]
fn kinds_do_not_depend_on_the_level() {
    let mut audio = noise(5 * RATE as usize, 0.05);
    audio.extend(noise(RATE as usize, 1e-5));
    audio.extend(tune(RATE, 8 * RATE as usize));
    for gain in [3.0, 1.0, 0.1, 0.02] {
        let audio: Vec<f32> = audio.iter().map(|sample| gain * sample).collect();
        let found = kinds(&analysis(RATE, 1, &audio, &AnalysisParams::default()));
        assert_eq!(found, [SceneKind::Other, SceneKind::Silence, SceneKind::Music], "gain {gain}");
    }
}

#[test]
fn steady_partials_are_not_music() {
    // Forty steady lines with noise: sustained partials, but no notes.
    let mut audio = noise(8 * RATE as usize, 0.05);
    for (n, sample) in audio.iter_mut().enumerate() {
        let phase = std::f32::consts::TAU * 97.0 * n as f32 / RATE as f32;
        *sample += (1..=40).map(|k| 0.005 * (k as f32 * (phase + k as f32)).sin()).sum::<f32>();
    }
    let found = analysis(RATE, 1, &audio, &AnalysisParams::default());
    assert_eq!(kinds(&found), [SceneKind::Other]);
}

#[test]
fn speech_is_detected_with_regions_within_the_recording() {
    let found = analysis(RATE, 1, &voice(), &AnalysisParams::default());
    assert!(kinds(&found).contains(&SceneKind::Speech), "{:?}", found.segments);
    assert!(!found.speech_regions.is_empty());
    assert!(found.speech_regions.iter().all(|region| region.end() <= found.duration));
}

#[test]
fn without_speech_and_music_there_is_silence_and_other() {
    let mut audio = tune(RATE, 3 * RATE as usize);
    audio.extend(vec![0.0; RATE as usize]);
    let params = AnalysisParams { include_speech_music: false, ..AnalysisParams::default() };
    let found = analysis(RATE, 1, &audio, &params);
    assert_eq!(kinds(&found), [SceneKind::Other, SceneKind::Silence]);
    assert!(found.speech_regions.is_empty());
}

#[test]
fn pauses_shorter_than_min_silence_are_not_reported() {
    let mut audio = noise(RATE as usize, 0.1);
    audio.extend(vec![0.0; RATE as usize / 2]);
    audio.extend(noise(RATE as usize, 0.1));
    for (millis, silences) in [(400, 1), (600, 0)] {
        let params =
            AnalysisParams { min_silence: MediaTime::from_millis(millis), ..AnalysisParams::default() };
        let found = kinds(&analysis(RATE, 1, &audio, &params));
        assert_eq!(found.iter().filter(|&&kind| kind == SceneKind::Silence).count(), silences, "{millis} ms");
    }
}

#[test]
fn pauses_in_a_noisy_recording_are_silent() {
    let mut audio: Vec<f32> = tune(RATE, 10 * RATE as usize);
    audio[64_000..96_000].fill(0.0);
    audio.iter_mut().zip(noise(160_000, 0.002)).for_each(|(sample, hiss)| *sample += hiss);
    let found = analysis(RATE, 1, &audio, &AnalysisParams::default());
    let pause = Window::starting_at(MediaTime::from_millis(4_200), MediaTime::from_millis(1_600));
    let silent = |kind: SceneKind, window: Window| {
        kind == SceneKind::Silence && window.intersect(pause) == Some(pause)
    };
    assert!(
        found.segments.iter().any(|segment| silent(segment.kind, segment.window)),
        "{:?}",
        found.segments
    );
}

#[test]
fn unusual_recordings_are_covered_by_segments() {
    let square = |n: usize| if (n / 50).is_multiple_of(2) { 1.0 } else { -1.0 };
    let clipped: Vec<f32> = (0..32_000).map(square).collect();
    let out_of_phase: Vec<f32> =
        tune(8_000, 16_000).into_iter().flat_map(|sample| [sample, -sample]).collect();
    let cases = [
        ("clipped", 1, clipped, None),
        ("constant", 1, vec![0.5; 32_000], None),
        ("one sample", 1, vec![0.3], None),
        ("20 ms of nothing", 1, vec![0.0; 160], Some(SceneKind::Silence)),
        ("opposite phases", 2, out_of_phase, None),
    ];
    for (name, channels, audio, only) in cases {
        let found = analysis(8_000, channels, &audio, &AnalysisParams::default());
        assert_covers(&found);
        if let Some(kind) = only {
            assert_eq!(kinds(&found), [kind], "{name}");
        }
        if name == "opposite phases" {
            assert!(!kinds(&found).contains(&SceneKind::Silence), "{name}");
        }
    }
}

/// Checks that segments start at zero, are contiguous, and end with the recording.
fn assert_covers(analysis: &Analysis) {
    let mut at = MediaTime::ZERO;
    for segment in &analysis.segments {
        assert_eq!(segment.window.start(), at);
        assert!(!segment.window.is_empty());
        assert!((0.0..=1.0).contains(&segment.confidence));
        assert!(segment.loudness_lufs.is_none_or(f64::is_finite));
        at = segment.window.end();
    }
    assert_eq!(at, analysis.duration);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn segments_cover_any_recording(
        parts in prop::collection::vec((0u8..4, 1usize..12_000), 1..8),
        rate in prop::sample::select(vec![8_000u32, 11_025, 16_000, 44_100]),
        min_silence in 50i64..2_000,
        include_speech_music in any::<bool>(),
    ) {
        let audio: Vec<f32> = parts.into_iter().flat_map(|(kind, samples)| match kind {
            0 => vec![0.0; samples],
            1 => noise(samples, 0.3),
            2 => tune(rate, samples),
            _ => voice().into_iter().cycle().take(samples).collect(),
        }).collect();
        let min_silence = MediaTime::from_millis(min_silence);
        let params = AnalysisParams { min_silence, include_speech_music, ..AnalysisParams::default() };
        let found = analysis(rate, 1, &audio, &params);
        prop_assert_eq!(found.duration, MediaTime::from_samples(audio.len() as i64, rate));
        assert_covers(&found);
        for segment in &found.segments {
            let whole = segment.window.duration() == found.duration;
            let long = segment.window.duration() >= min_silence;
            prop_assert!(segment.kind != SceneKind::Silence || long || whole, "{:?}", segment);
        }
    }
}
