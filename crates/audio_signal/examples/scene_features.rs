//! Extracts the scene net's input: reads lines of `RECORDING OUTPUT` and writes, for each 32 ms of the recording, the
//! values of `scene_textures` as little-endian 32-bit floats; with the argument `activities` the net's output; with
//! `features` nine features and the speech probability, for the regressions; with `segments` lines of the segments. See
//! `scenes.py`, `fit.py` and `evaluate.py` in `tools/scene`.

use std::error::Error;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufRead};

use audio_signal::{
    AnalysisParams, Control, Resampler, analyze, scene_activities, scene_features, scene_textures,
};
use media_decode::Decoder;

fn main() -> Result<(), Box<dyn Error>> {
    let mode = std::env::args().nth(1).unwrap_or_default();
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (recording, output) = line.split_once(' ').ok_or("expected lines of: RECORDING OUTPUT")?;
        let contents = match mode.as_str() {
            "segments" => segments(recording)?.into_bytes(),
            "features" => {
                let rows = scene_features(&decode(recording)?)?;
                let values: Vec<f32> = rows
                    .into_iter()
                    .flat_map(|(features, voice)| features.into_iter().chain([voice]))
                    .collect();
                bytes(&values)
            }
            "activities" => bytes(scene_activities(&decode(recording)?)?.as_flattened()),
            _ => bytes(scene_textures(&decode(recording)?)?.as_flattened()),
        };
        fs::write(output, contents)?;
    }
    Ok(())
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().copied().flat_map(f32::to_le_bytes).collect()
}

/// A line per segment: start and end in seconds, kind, confidence, whether it is over music and whether it is sung.
fn segments(path: &str) -> Result<String, Box<dyn Error>> {
    let params = AnalysisParams { include_beats: false, ..AnalysisParams::default() };
    let found = analyze(&File::open(path)?.into(), &params, &Control::none())?;
    let mut lines = String::new();
    for segment in &found.segments {
        let (start, end) = (segment.window.start().as_secs_f64(), segment.window.end().as_secs_f64());
        let (over_music, sung) = (u8::from(segment.background_music), u8::from(segment.sung));
        let (kind, confidence) = (segment.kind.as_str(), segment.confidence);
        writeln!(lines, "{start:.3} {end:.3} {kind} {confidence:.6} {over_music} {sung}")?;
    }
    Ok(lines)
}

fn decode(path: &str) -> Result<Vec<f32>, Box<dyn Error>> {
    let mut decoder = Decoder::open(File::open(path)?)?;
    let mut resampler = Resampler::new(decoder.format().rate, &decoder.format().layout)?;
    let mut mono = Vec::new();
    while let Some(block) = decoder.next_block()? {
        resampler.push(block.samples, &mut mono);
    }
    resampler.finish(&mut mono);
    Ok(mono)
}
