//! Reads lines with a language (`auto` to detect it) and the path of a recording, and prints the timeline of each as a
//! line of JSON, which `tools/words/measure.py` scores.
//!
//! ```text
//! echo 'en talk.wav' | cargo run --release -p audio_semantic_timeline --example words -- MODEL [THREADS]
//! ```

#![expect(clippy::print_stdout, reason = "what an example prints is what it is for")]

use std::error::Error;
use std::fs::File;
use std::sync::Arc;

use audio_asr::{ModelDirectory, Models, RejectionThresholds};
use audio_semantic_timeline::EffectiveParams;
use audio_semantic_timeline::backend::{AnalysisBackend, Recording, SignalBackend, WhisperBackend};
use audio_signal::{Control, Thresholds};
use media_decode::{Decoders, MediaInput};
use serde_json::json;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let model = arguments.next().ok_or("give the path of a model")?;
    let threads = arguments.next().map_or(Ok(1), |threads| threads.parse())?;
    let models = Models::new(ModelDirectory::new("models".into()), 1, threads);
    let signal = Arc::new(SignalBackend::new(Thresholds::DEFAULT, 42, threads)?);
    let backend = WhisperBackend::new(signal, models.open(&model)?, RejectionThresholds::DEFAULT);
    for line in std::io::stdin().lines() {
        let line = line?;
        let (language, path) = line.split_once(' ').ok_or("give a language and a path")?;
        let language = (language != "auto").then(|| language.to_owned());
        let params = EffectiveParams { include_beats: false, language, ..EffectiveParams::default() };
        let input = MediaInput::new(File::open(path)?, Decoders::native());
        let recording = Recording { input, probed_duration: None, decoder: None, include_landmarks: false };
        let measured = backend.analyze(recording, &params, &Control::none())?;
        println!("{}", json!({ "events": measured.events, "analysis": measured.analysis }));
    }
    Ok(())
}
