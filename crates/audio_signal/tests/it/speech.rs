//! Speech detection compared with ONNX Runtime, and its independence of chunk sizes.

#![expect(clippy::expect_used, reason = "a failed step fails the test")]

use audio_signal::{Resampler, SPEECH_FRAME, SpeechDetector};
use proptest::prelude::*;
use symphonia::core::audio::Channels;

/// The samples of `fixtures/silero_reference.wav` (16-bit PCM after a header of 44 bytes).
fn recording() -> Vec<f32> {
    let file = include_bytes!("../../../../fixtures/silero_reference.wav");
    let samples = file[44..].as_chunks::<2>().0;
    samples.iter().map(|&bytes| f32::from(i16::from_le_bytes(bytes)) / 32_768.0).collect()
}

fn probabilities<'a>(chunks: impl IntoIterator<Item = &'a [f32]>) -> Vec<f32> {
    let mut detector = SpeechDetector::new().expect("the bundled model is usable");
    let mut out = Vec::new();
    for chunk in chunks {
        detector.push(chunk, &mut out);
    }
    detector.finish(&mut out);
    out
}

#[test]
fn probabilities_equal_the_onnx_reference() {
    let reference: serde_json::Value =
        serde_json::from_str(include_str!("../../../../fixtures/silero_reference.json")).expect("JSON");
    let expected: Vec<f32> = serde_json::from_value(reference["probabilities"].clone()).expect("numbers");
    let found = probabilities([recording().as_slice()]);
    assert_eq!(found.len(), expected.len());
    for (frame, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert!((found - expected).abs() < 1e-3, "frame {frame}: {found}, ONNX Runtime {expected}");
    }
}

#[test]
fn every_started_frame_has_a_probability() {
    for (samples, frames) in [(0, 0), (1, 1), (512, 1), (513, 2), (4_096, 8), (4_097, 9)] {
        assert_eq!(probabilities([vec![0.1; samples].as_slice()]).len(), frames, "{samples} samples");
    }
}

#[test]
fn version_has_the_hash_of_the_weights() {
    let version = SpeechDetector::version().expect("the bundled model is usable");
    let hash = version.strip_prefix("silero_v6-").expect("the model's name");
    assert!(hash.len() == 8 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{version}");
}

/// `input` converted to 16 kHz, pushed in chunks of `frames` frames.
fn converted(rate: u32, channels: u16, input: &[f32], frames: usize) -> Vec<f32> {
    let mut resampler = Resampler::new(rate, &Channels::Discrete(channels)).expect("a usual format");
    let mut out = Vec::new();
    for chunk in input.chunks(frames * usize::from(channels)) {
        resampler.push(chunk, &mut out);
    }
    resampler.finish(&mut out);
    out
}

/// Sample rates from 8 kHz to 384 kHz, with tabulated kernels and with interpolated ones.
const RATES: [u32; 11] =
    [8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 44_101, 48_000, 96_000, 383_999];

#[test]
fn resampled_tones_keep_phase_and_level_at_any_rate() {
    let tone = |time: f64| (std::f64::consts::TAU * 1_000.0 * time).sin();
    for rate in RATES {
        let input: Vec<f32> = (0..rate / 4).map(|n| tone(f64::from(n) / f64::from(rate)) as f32).collect();
        let out = converted(rate, 1, &input, 1_000);
        assert_eq!(out.len() as u64, (input.len() as u64 * 16_000).div_ceil(rate.into()), "{rate} Hz");
        for (n, &sample) in out.iter().enumerate().skip(200).take(out.len() - 400) {
            let expected = tone(n as f64 / 16_000.0);
            assert!(
                (f64::from(sample) - expected).abs() < 2e-3,
                "{rate} Hz, sample {n}: {sample}, {expected}"
            );
        }
    }
}

#[test]
fn frequencies_above_8_khz_are_removed() {
    for (rate, frequency) in [(44_100, 8_600.0), (48_000, 10_000.0), (96_000, 20_000.0), (48_000, 16_000.0)] {
        let phase = |n: u32| std::f64::consts::TAU * frequency * f64::from(n) / f64::from(rate);
        let input: Vec<f32> = (0..rate).map(|n| phase(n).sin() as f32).collect();
        let out = converted(rate, 1, &input, 4_096);
        let loudest = out[200..15_800].iter().fold(0.0_f32, |loudest, sample| loudest.max(sample.abs()));
        assert!(loudest < 1e-3, "{frequency} Hz at {rate} Hz leaves {loudest}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn probabilities_do_not_depend_on_chunks(sizes in prop::collection::vec(1_usize..6_000, 1..12)) {
        let recording = recording();
        let recording = &recording[..12 * SPEECH_FRAME + 77];
        let (mut rest, mut chunks) = (recording, Vec::new());
        for size in sizes {
            let (chunk, remaining) = rest.split_at(size.min(rest.len()));
            chunks.push(chunk);
            rest = remaining;
        }
        chunks.push(rest);
        prop_assert_eq!(probabilities(chunks), probabilities([recording]));
    }

    #[test]
    fn resampling_does_not_depend_on_chunks(
        rate in prop::sample::select(RATES.to_vec()), channels in 1_u16..4, frames in 1_usize..700,
    ) {
        let recording = recording();
        let input = &recording[3_200..3_200 + usize::from(channels) * 4_000];
        prop_assert_eq!(converted(rate, channels, input, frames), converted(rate, channels, input, 4_000));
    }
}
