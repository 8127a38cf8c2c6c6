//! `digit-decode MODEL THREADS DIR`: one JSON line per WAV file of DIR (16 kHz, mono, at most 30 s), in order of name.
//!
//! `single_segment` keeps every token in one segment, so that both timestamps around a word can be read: with
//! several segments whisper.cpp drops each start but the first.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use whisper_rs::{FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperState};

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let mut next = || args.next().context("usage: digit-decode MODEL THREADS DIR");
    let (model, threads, folder) = (next()?, next()?.parse()?, next()?);
    whisper_rs::install_logging_hooks();
    let context = WhisperContext::new_with_params(&model, WhisperContextParameters::default())?;
    let mut state = context.create_state()?;
    let first_time = context.token_beg();
    let end = context.token_eot();
    for path in wav_files(Path::new(&folder))? {
        let line = transcribe(&mut state, &path, threads, end, first_time)?;
        println!("{line}");
    }
    Ok(())
}

fn wav_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder)?.collect::<std::io::Result<Vec<_>>>()?;
    let mut paths: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "wav"));
    paths.sort();
    Ok(paths)
}

fn parameters<'a>(threads: i32) -> FullParams<'a, 'a> {
    let mut params = FullParams::new(SamplingStrategy::Greedy { best_of: 1 });
    params.set_language(Some("en"));
    params.set_n_threads(threads);
    params.set_temperature(0.0);
    params.set_temperature_inc(0.0);
    params.set_single_segment(true);
    params.set_print_progress(false);
    params
}

fn transcribe(
    state: &mut WhisperState,
    path: &Path,
    threads: i32,
    end: i32,
    first_time: i32,
) -> Result<Value> {
    let samples: Vec<f32> = hound::WavReader::open(path)?
        .into_samples::<i16>()
        .map(|sample| sample.map(|value| f32::from(value) / 32768.0))
        .collect::<Result<_, _>>()?;
    state.full(parameters(threads), &samples)?;
    let mut words: Vec<Value> = Vec::new();
    let (mut start, mut no_speech, mut logs) = (0.0, 0.0, Vec::new());
    for segment in state.as_iter() {
        no_speech = segment.no_speech_probability();
        let tokens = (0..segment.n_tokens()).filter_map(|index| segment.get_token(index));
        for token in tokens {
            let data = token.token_data();
            logs.push(data.plog);
            if data.id < end {
                words.push(
                    json!({ "word": token.to_str()?.trim(), "start": start, "end": null, "p": data.p }),
                );
            } else if data.id >= first_time {
                start = f64::from(data.id - first_time) * 0.02;
                if let Some(word) = words.last_mut().filter(|word| word["end"].is_null()) {
                    word["end"] = start.into();
                }
            }
        }
    }
    let average = logs.iter().sum::<f32>() / logs.len().max(1) as f32;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(json!({ "file": name, "no_speech": no_speech, "log_probability": average, "words": words }))
}
