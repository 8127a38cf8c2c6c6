use std::cell::Cell;

use audio_asr::{AsrError, Language, Options, Timing, TranscribeError, transcribe};
use media_time::Window;
use test_kit::files::fixture;
use test_kit::window_ms;

use crate::{Samples, digits_model, models, texts, transcript_of, wav};

const SPOKEN: [&str; 8] = ["three", "one", "four", "one", "five", "nine", "two", "six"];

fn recording() -> Vec<f32> {
    wav(&fixture("digits.wav"))
}

/// The range of each digit: from 0.2 s of its second on, until its level falls below −40 dB.
fn speech(samples: &[f32]) -> Vec<Window> {
    let digit = |(second, samples): (usize, &[f32])| {
        let start = i64::try_from(second).unwrap() * 1_000;
        let last = samples.iter().rposition(|sample| sample.abs() > 0.01).unwrap();
        window_ms(start + 200, start + i64::try_from(last / 16).unwrap() + 1)
    };
    samples.chunks(16_000).enumerate().map(digit).collect()
}

#[test]
fn digits_are_transcribed_with_their_times() {
    let samples = recording();
    let speech = speech(&samples);
    let transcript = transcript_of(&models(1).open(&digits_model()).unwrap(), samples, &speech);
    assert_eq!(texts(&transcript), SPOKEN);
    assert_eq!((transcript.language, transcript.language_detected), (Some(Language::ENGLISH), true));
    let mut errors: Vec<i64> = Vec::new();
    for (word, region) in transcript.words.iter().zip(&speech) {
        assert!(region.start() <= word.start && word.end <= region.end(), "{word:?} in {region:?}");
        assert_eq!(word.timing, Timing::Measured);
        assert!(word.confidence > 0.3 && word.confidence <= 1.0, "{word:?}");
        errors.push((word.start - region.start()).as_millis_round().abs());
        errors.push((word.end - region.end()).as_millis_round().abs());
    }
    errors.sort_unstable();
    println!("errors of word times in ms: {errors:?}");
    assert!(errors[errors.len() / 2] <= 80);
}

#[test]
fn transcript_is_deterministic_on_any_number_of_threads() {
    let samples = recording();
    let speech = speech(&samples);
    let [one, two] = [1, 2].map(|threads| models(threads).open(&digits_model()).unwrap());
    let first = transcript_of(&one, samples.clone(), &speech);
    for model in [&one, &one, &two, &two, &two] {
        assert_eq!(transcript_of(model, samples.clone(), &speech), first);
    }
}

#[test]
fn minutes_of_speech_without_a_pause_are_split_into_windows() {
    let samples: Vec<f32> = recording().repeat(8);
    let whole = window_ms(0, 64_000);
    let transcript = transcript_of(&models(2).open(&digits_model()).unwrap(), samples, &[whole]);
    assert!(transcript.windows == 3, "{}", transcript.windows);
    let count = texts(&transcript).len();
    assert!((60..=66).contains(&count), "{count} of 64 digits");
    assert!(transcript.words.is_sorted_by(|a, b| a.end <= b.start));
}

#[test]
fn speech_of_a_few_milliseconds_is_transcribed() {
    let model = models(1).open(&digits_model()).unwrap();
    let transcript = transcript_of(&model, recording(), &[window_ms(250, 270)]);
    assert!(transcript.windows >= 1 && transcript.decoded.as_millis_round() >= 20, "{transcript:?}");
    for word in &transcript.words {
        assert!(word.start.as_millis_round() >= 250 && word.end.as_millis_round() <= 270);
    }
    // Beyond the end of the recording, samples are silent.
    let transcript = transcript_of(&model, recording(), &[window_ms(7_900, 9_000)]);
    assert!(transcript.windows >= 1, "{transcript:?}");
    for word in &transcript.words {
        assert!(word.start.as_millis_round() >= 7_900 && word.end.as_millis_round() <= 9_000);
    }
}

#[test]
fn english_model_rejects_other_languages() {
    let model = models(1).open(&digits_model()).unwrap();
    let options = Options { language: Language::from_code("de"), ..Options::default() };
    let rejected = transcribe(&*model, &mut Samples(recording()), &[], &options, &|| false);
    let Err(TranscribeError::Asr(error @ AsrError::UnsupportedLanguage { .. })) = rejected else {
        panic!("{rejected:?}");
    };
    assert!(error.to_string().contains("`digits` does not support the language `de`"), "{error}");
}

#[test]
fn cancelled_transcription_stops_whisper() {
    let model = models(1).open(&digits_model()).unwrap();
    let asked = Cell::new(0);
    let cancelled = || asked.replace(asked.get() + 1) >= 1;
    let samples = recording().repeat(3);
    let stopped =
        transcribe(&*model, &mut Samples(samples), &[window_ms(0, 24_000)], &Options::default(), &cancelled);
    assert!(matches!(stopped, Err(TranscribeError::Asr(AsrError::Cancelled))), "{stopped:?}");
    // The model remains usable.
    let samples = recording();
    let speech = speech(&samples);
    assert_eq!(texts(&transcript_of(&model, samples, &speech)), SPOKEN);
}

#[test]
fn two_models_transcribe_concurrently() {
    let models = models(1);
    let directory = tempfile::tempdir().unwrap();
    let copy = directory.path().join("ggml-copy.bin");
    std::fs::copy(digits_model(), &copy).unwrap();
    let [one, other] =
        [digits_model(), copy.to_str().unwrap().to_owned()].map(|path| models.open(&path).unwrap());
    assert_ne!(one.version(), other.version());
    std::thread::scope(|scope| {
        for model in [&one, &other] {
            scope.spawn(move || {
                let samples = recording();
                let speech = speech(&samples);
                assert_eq!(texts(&transcript_of(model, samples, &speech)), SPOKEN);
            });
        }
    });
}
