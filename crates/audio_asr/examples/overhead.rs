//! Prints what the pipeline costs over whisper.cpp alone on the very same windows, one thread.
//!
//! ```text
//! cargo run --release -p audio_asr --example overhead
//! ```

#![expect(clippy::print_stdout, reason = "what an example prints is what it is for")]

use std::convert::Infallible;
use std::error::Error;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use audio_asr::{
    AsrError, Language, ModelDirectory, Models, Options, Pass, SpeechSource, Transcriber, WhisperModel,
    transcribe,
};
use media_time::{MediaTime, Window};
use whisper_rs::{FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperState};

/// Each way runs this often, in turn; the fastest run counts.
const RUNS: usize = 5;
/// The digits of the fixture, that often.
const REPEATS: usize = 8;

struct Samples(Vec<f32>);

impl SpeechSource for Samples {
    type Error = Infallible;

    fn read(&mut self, samples: Range<u64>, out: &mut Vec<f32>) -> Result<(), Infallible> {
        let end = (samples.end as usize).min(self.0.len());
        out.extend(self.0.get(samples.start as usize..end).unwrap_or_default());
        Ok(())
    }
}

/// Keeps the windows that the model is given.
#[derive(Debug)]
struct Recorder<'a>(&'a WhisperModel, Mutex<Vec<Vec<f32>>>);

impl Transcriber for Recorder<'_> {
    fn name(&self) -> &str {
        self.0.name()
    }
    fn knows(&self, language: Language) -> bool {
        self.0.knows(language)
    }
    fn detect_language(&self, samples: &[f32], cancelled: &dyn Fn() -> bool) -> Result<Language, AsrError> {
        self.0.detect_language(samples, cancelled)
    }
    fn transcribe(
        &self,
        samples: &[f32],
        language: Language,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Vec<Pass>, AsrError> {
        self.1.lock().map_err(|_| AsrError::Cancelled)?.push(samples.to_vec());
        self.0.transcribe(samples, language, cancelled)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = fixture("models/digits.bin");
    let samples = wav(&fixture("media/digits.wav"))?.repeat(REPEATS);
    // A digit a second, each with the silence around it.
    let digit = |second| {
        Window::starting_at(MediaTime::from_millis(second * 1_000 + 200), MediaTime::from_millis(600))
    };
    let speech: Vec<Window> = (0..i64::try_from(samples.len() / 16_000)?).map(digit).collect();

    let models = Models::new(ModelDirectory::new(PathBuf::new()), 1, 1);
    let model = models.open(&path.display().to_string())?;
    let hear = |transcriber: &dyn Transcriber| {
        let mut source = Samples(samples.clone());
        transcribe(transcriber, &mut source, &speech, &Options::default(), &|| false)
    };
    let recorder = Recorder(&model, Mutex::default());
    let words = hear(&recorder)?.words.len();
    let windows = recorder.1.into_inner()?;

    whisper_rs::install_logging_hooks();
    let context = WhisperContext::new_with_params(&path, WhisperContextParameters::default())?;
    let mut state = context.create_state()?;
    let (mut pipeline, mut alone) = (Duration::MAX, Duration::MAX);
    for _ in 0..RUNS {
        let start = Instant::now();
        hear(&*model)?;
        pipeline = pipeline.min(start.elapsed());
        let start = Instant::now();
        windows.iter().try_for_each(|window| decode(&mut state, window))?;
        alone = alone.min(start.elapsed());
    }
    let overhead = (pipeline.as_secs_f64() / alone.as_secs_f64() - 1.0) * 100.0;
    println!("{words} words in {} windows", windows.len());
    println!("whisper.cpp alone {alone:.2?}, the pipeline {pipeline:.2?}: {overhead:+.1} %");
    Ok(())
}

fn decode(state: &mut WhisperState, window: &[f32]) -> Result<(), whisper_rs::WhisperError> {
    let mut params = FullParams::new(SamplingStrategy::Greedy { best_of: 1 });
    params.set_language(Some("en"));
    params.set_n_threads(1);
    params.set_temperature_inc(0.0);
    params.set_single_segment(true);
    params.set_no_context(true);
    params.set_suppress_nst(true);
    params.set_print_progress(false);
    state.full(params, window)
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(name)
}

/// The samples of a WAV file as our fixtures are: 16 bit, 16 kHz, mono.
fn wav(path: &Path) -> Result<Vec<f32>, Box<dyn Error>> {
    let bytes =
        std::fs::read(path).map_err(|error| format!("{}: {error}; run `make fixtures`", path.display()))?;
    let data = bytes.windows(4).position(|tag| tag == b"data").ok_or("no WAV file")? + 8;
    let sample = |bytes: &[u8; 2]| f32::from(i16::from_le_bytes(*bytes)) / 32_768.0;
    Ok(bytes[data..].as_chunks::<2>().0.iter().map(sample).collect())
}
