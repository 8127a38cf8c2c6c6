//! Tests with real Whisper models, which are not part of this repository; skipped unless `HARKBACK_MODELS` has them.

use std::path::PathBuf;

use audio_asr::{Language, ModelDirectory, Models, Timing, Transcriber};
use test_kit::files::corpus;
use test_kit::{models_directory, window_ms};

use crate::{length, texts, transcript_of, wav};

const JFK: &str = "and so my fellow americans ask not what your country can do for you ask what you can do for your country";

/// The model directory and the samples of Kennedy's sentence; `None`, with a message, if either is absent.
fn material(model: &str) -> Option<(PathBuf, Vec<f32>)> {
    let recording = corpus("asr/jfk.wav")?;
    Some((models_directory(&[format!("ggml-{model}.bin").as_str()])?, wav(&recording)))
}

fn assert_transcribed(model: &str) {
    let Some((directory, samples)) = material(model) else { return };
    let speech = [window_ms(0, length(&samples))];
    let models = |threads| Models::new(ModelDirectory::new(directory.clone()), 1, threads);
    let model = models(1).open(model).unwrap();
    let transcript = transcript_of(&model, samples.clone(), &speech);
    let plain = |c: char| c.is_alphanumeric() || c == ' ';
    let text: String = texts(&transcript).join(" ").to_lowercase().chars().filter(|c| plain(*c)).collect();
    assert_eq!(text, JFK);
    // With flash attention, or the heads of another model, no times would be measured.
    assert!(transcript.words.iter().all(|word| word.timing == Timing::Measured));
    let start = |index: usize| transcript.words[index].start.as_millis_round();
    // "ask" after the first pause, and "ask" after the second one.
    let starts = [start(5), start(14)];
    assert!((3_100..3_600).contains(&starts[0]) && (7_900..8_500).contains(&starts[1]), "{starts:?}");
    // Very short speech is padded: whisper.cpp aborts the process when it aligns words to less than 160 ms.
    transcript_of(&model, samples.clone(), &[window_ms(500, 520)]);
    transcript_of(&model, samples, &[window_ms(10_900, 11_000)]);
}

#[test]
fn tiny_en_transcribes_with_measured_times() {
    assert_transcribed("tiny.en");
}

#[test]
fn base_transcribes_with_measured_times() {
    assert_transcribed("base");
}

#[test]
fn base_detects_the_language() {
    let Some((directory, samples)) = material("base") else { return };
    let model = Models::new(ModelDirectory::new(directory), 1, 1).open("base").unwrap();
    let detected = model.detect_language(&samples, &|| false).unwrap();
    assert_eq!(detected[0].0, Language::ENGLISH);
    assert!(detected[0].1 > 0.9 && detected.windows(2).all(|pair| pair[0].1 >= pair[1].1));
}
