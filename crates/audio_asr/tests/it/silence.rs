use test_kit::window_ms;

use crate::{digits_model, length, models, transcript_of};

/// None of these contains speech, even where a detector reports it.
#[test]
fn audio_without_speech_gives_no_words() {
    let model = models(2).open(&digits_model()).unwrap();
    let seconds = 12;
    let sounds: [(&str, Vec<f32>); 5] = [
        ("digital silence", vec![0.0; seconds * 16_000]),
        ("white noise", noise(seconds, 0.1, 0.0)),
        ("faint white noise", noise(seconds, 0.003, 0.0)),
        ("brown noise", noise(seconds, 0.02, 0.97)),
        ("a chord", chord(seconds)),
    ];
    for (name, samples) in sounds {
        let whole = window_ms(0, length(&samples));
        let transcript = transcript_of(&model, samples, &[whole]);
        assert!(transcript.words.is_empty(), "{name}: {:?}", transcript.words);
        assert_eq!((transcript.language, transcript.language_detected), (None, false));
    }
}

/// Noise of a linear congruential generator (Knuth's MMIX), through a one-pole low-pass.
fn noise(seconds: usize, level: f32, memory: f32) -> Vec<f32> {
    let mut state = 42u64;
    let mut last = 0.0;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let white = (state >> 40) as f32 / (1 << 23) as f32 - 1.0;
        last = memory * last + white * level;
        last
    };
    (0..seconds * 16_000).map(|_| next()).collect()
}

fn chord(seconds: usize) -> Vec<f32> {
    let tone = |time: f32, pitch: f32| (std::f32::consts::TAU * pitch * time).sin();
    let sound = |sample: usize| {
        let time = sample as f32 / 16_000.0;
        0.1 * (tone(time, 220.0) + tone(time, 277.2) + tone(time, 329.6)) * (-3.0 * (time % 0.5)).exp()
    };
    (0..seconds * 16_000).map(sound).collect()
}
