//! Access to the recordings of the corpus and their truth.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use audio_signal::{Analysis, AnalysisParams, Control, Resampler, Rhythm, RhythmAnalyzer, analyze};
use media_decode::{Decoder, MediaInput};

/// The folder of the corpus.
pub(crate) fn root() -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    #[expect(clippy::disallowed_methods, reason = "a tool for developers, configured like the tests")]
    std::env::var_os("HARKBACK_CORPUS").map_or(beside, PathBuf::from)
}

/// The recordings in a folder of the corpus, by name; none, with a printed message, if it is absent.
pub(crate) fn recordings(folder: &Path) -> Vec<PathBuf> {
    const EXTENSIONS: [&str; 4] = ["flac", "wav", "mp3", "ogg"];
    let Ok(entries) = std::fs::read_dir(folder) else {
        println!("skipped: corpus absent (no folder {})", folder.display());
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.expect("a readable folder").path());
    let is_recording =
        |path: &PathBuf| path.extension().is_some_and(|end| EXTENSIONS.iter().any(|&e| end == e));
    let mut recordings: Vec<PathBuf> = paths.filter(is_recording).collect();
    recordings.sort();
    recordings
}

/// The name of a recording without folder and extension.
pub(crate) fn name(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The truth of a recording, from the JSON file beside it.
pub(crate) fn truth(recording: &Path) -> serde_json::Value {
    let file = File::open(recording.with_extension("json")).expect("the truth beside the recording");
    serde_json::from_reader(file).expect("JSON")
}

/// The samples of a recording as 16 kHz mono.
pub(crate) fn mono_16k(recording: &Path) -> Vec<f32> {
    let file = File::open(recording).expect("the recording");
    let mut decoder = Decoder::open(file).expect("a recording");
    let mut resampler = Resampler::new(decoder.format().rate, &decoder.format().layout)
        .expect("a format that can be decoded");
    let mut mono = Vec::new();
    while let Some(block) = decoder.next_block().expect("sound") {
        resampler.push(block.samples, &mut mono);
    }
    resampler.finish(&mut mono);
    mono
}

/// The rhythm of a recording.
pub(crate) fn rhythm(recording: &Path) -> Rhythm {
    analysis(recording).rhythm
}

/// The whole analysis of a recording, so that its segments decide where there are no beats.
pub(crate) fn analysis(recording: &Path) -> Analysis {
    let file = File::open(recording).expect("the recording");
    analyze(&MediaInput::from(file), &AnalysisParams::default(), &Control::none()).expect("an analysis")
}

/// The rhythm of mono samples at `rate` Hz.
pub(crate) fn rhythm_of(rate: u32, mono: &[f32]) -> Rhythm {
    let mut analyzer = RhythmAnalyzer::new(rate);
    analyzer.push(mono);
    analyzer.finish()
}

/// The sample rate of a recording in Hz, and the mean of its channels.
pub(crate) fn mono(recording: &Path) -> (u32, Vec<f32>) {
    let file = File::open(recording).expect("the recording");
    let mut decoder = Decoder::open(file).expect("a recording");
    let (rate, channels) = (decoder.format().rate, decoder.format().channels());
    let mut mono = Vec::new();
    while let Some(block) = decoder.next_block().expect("sound") {
        let frames = block.samples.chunks_exact(channels);
        mono.extend(frames.map(|frame| frame.iter().sum::<f32>() / channels as f32));
    }
    (rate, mono)
}

/// The truth of a recording, from the text file beside it: its lines, split into fields.
pub(crate) fn fields(recording: &Path, extension: &str) -> Vec<Vec<String>> {
    let text =
        std::fs::read_to_string(recording.with_extension(extension)).expect("the truth beside the recording");
    let lines = text.lines().map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    lines.filter(|fields| !fields.is_empty()).collect()
}
