//! Tests with the real whisper.cpp and the repository's own model of spoken digits.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod digits;
mod model_files;
mod real_models;
mod silence;

use std::convert::Infallible;
use std::ops::Range;
use std::path::Path;

use audio_asr::{ModelDirectory, Models, Options, RATE, SpeechSource, Transcript, WhisperModel, transcribe};
use media_time::{MediaTime, Window};
use test_kit::files::model;

fn digits_model() -> String {
    model("digits.bin").to_str().unwrap().to_owned()
}

fn models(threads: usize) -> Models {
    Models::new(ModelDirectory::new("models".into()), 2, threads)
}

/// A source of samples in memory.
struct Samples(Vec<f32>);

impl SpeechSource for Samples {
    type Error = Infallible;

    fn read(&mut self, samples: Range<u64>, out: &mut Vec<f32>) -> Result<(), Infallible> {
        let (start, end) = (samples.start as usize, (samples.end as usize).min(self.0.len()));
        out.extend(self.0.get(start..end).unwrap_or_default());
        Ok(())
    }
}

/// The samples of a WAV file in the format of the fixtures: 16 bit, 16 kHz, mono.
fn wav(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap();
    let data = bytes.windows(4).position(|tag| tag == b"data").unwrap() + 8;
    let sample = |bytes: &[u8; 2]| f32::from(i16::from_le_bytes(*bytes)) / 32_768.0;
    bytes[data..].as_chunks::<2>().0.iter().map(sample).collect()
}

fn transcript_of(model: &WhisperModel, samples: Vec<f32>, speech: &[Window]) -> Transcript {
    transcribe(model, &mut Samples(samples), speech, &Options::default(), &|| false).unwrap()
}

fn texts(transcript: &Transcript) -> Vec<&str> {
    transcript.words.iter().map(|word| word.text.as_str()).collect()
}

fn length(samples: &[f32]) -> i64 {
    MediaTime::from_samples(i64::try_from(samples.len()).unwrap(), RATE).as_millis_round()
}
