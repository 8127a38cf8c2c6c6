//! The whole pipeline on recordings with and without speech: speech detection, windows, whisper.cpp with the project's
//! own model of spoken digits, rejection thresholds.

use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use audio_asr::{ModelDirectory, Models, RejectionThresholds};
use audio_semantic_timeline::EffectiveParams;
use audio_semantic_timeline::backend::{AnalysisBackend, Measured, Recording, SignalBackend, WhisperBackend};
use audio_semantic_timeline::model::Word;
use audio_signal::{Control, Thresholds};

use crate::noise;
use crate::recordings::{self, Spoken};

fn backend() -> WhisperBackend {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/models/digits.bin");
    let models = Models::new(ModelDirectory::new("models".into()), 1, 1);
    let signal = SignalBackend::new(Thresholds::DEFAULT, 42, 1).unwrap();
    WhisperBackend::new(
        Arc::new(signal),
        models.open(model.to_str().unwrap()).unwrap(),
        RejectionThresholds::DEFAULT,
    )
}

fn analyse(backend: &WhisperBackend, wav: Vec<u8>) -> Measured {
    let recording = Recording {
        input: Cursor::new(wav).into(),
        probed_duration: None,
        decoder: None,
        include_landmarks: false,
    };
    backend.analyze(recording, &EffectiveParams::default(), &Control::none()).unwrap()
}

fn words(measured: &Measured) -> Vec<&Word> {
    measured.events.iter().flat_map(|event| &event.meta.words).collect()
}

/// Number of wrong, missed and inserted digits and of all digits, and the sorted time errors of the correct ones in ms.
#[derive(Default)]
struct Score {
    errors: usize,
    digits: usize,
    off_ms: Vec<i64>,
}

impl Score {
    #[expect(clippy::print_stdout, reason = "the figure itself is wanted")]
    fn of(name: &str, recordings: Vec<Spoken>) -> Self {
        let backend = backend();
        let mut score = Self::default();
        for Spoken { wav, said } in recordings {
            let measured = analyse(&backend, wav);
            score.add(&said, &words(&measured));
        }
        score.off_ms.sort_unstable();
        println!(
            "{name}: {} of {} digits wrong, missed or invented ({:.2} %); word times off by {} ms (median), {} ms (95 %)",
            score.errors,
            score.digits,
            score.error_rate() * 100.0,
            score.off(0.5),
            score.off(0.95),
        );
        score
    }

    /// Counts errors by the least-cost alignment of the spoken and the transcribed digits (Levenshtein).
    fn add(&mut self, said: &[(&str, i64, i64)], transcribed: &[&Word]) {
        let is_other = |i: usize, j: usize| usize::from(said[i].0 != transcribed[j].word);
        let mut cost = vec![vec![0; transcribed.len() + 1]; said.len() + 1];
        for i in 0..=said.len() {
            for j in 0..=transcribed.len() {
                cost[i][j] = match (i, j) {
                    (0, _) | (_, 0) => i + j,
                    _ => (cost[i - 1][j - 1] + is_other(i - 1, j - 1))
                        .min(cost[i - 1][j] + 1)
                        .min(cost[i][j - 1] + 1),
                };
            }
        }
        self.errors += cost[said.len()][transcribed.len()];
        self.digits += said.len();
        let (mut i, mut j) = (said.len(), transcribed.len());
        while i > 0 && j > 0 {
            if cost[i][j] == cost[i - 1][j - 1] + is_other(i - 1, j - 1) {
                (i, j) = (i - 1, j - 1);
                if is_other(i, j) == 0 {
                    self.off_ms.push((transcribed[j].start_ms - said[i].1).abs());
                    self.off_ms.push((transcribed[j].end_ms - said[i].2).abs());
                }
            } else if cost[i][j] == cost[i - 1][j] + 1 {
                i -= 1;
            } else {
                j -= 1;
            }
        }
    }

    fn error_rate(&self) -> f64 {
        self.errors as f64 / self.digits as f64
    }

    fn off(&self, quantile: f64) -> i64 {
        self.off_ms[((self.off_ms.len() - 1) as f64 * quantile) as usize]
    }
}

#[test]
fn synthetic_digits_of_unseen_voices_are_transcribed() {
    let score = Score::of("synthetic", recordings::synthetic());
    assert!(score.digits == 240 && score.error_rate() <= 0.05);
    assert!(score.off(0.5) <= 80);
}

#[test]
fn recorded_digits_are_transcribed() {
    let Some(recordings) = recordings::recorded() else { return };
    let score = Score::of("fsdd", recordings);
    assert!(score.digits == 250 && score.error_rate() <= 0.1);
    assert!(score.off(0.5) <= 80);
}

#[test]
fn audio_without_speech_yields_no_words() {
    let backend = backend();
    for number in 0..200 {
        let measured = analyse(&backend, recordings::wav(noise::RATE, &noise::clip(number)));
        let words: Vec<_> =
            words(&measured).into_iter().map(|word| (word.word.as_str(), word.confidence)).collect();
        assert!(words.is_empty(), "clip {number}: {words:?}");
    }
}
