//! Extracts features for fitting the scene decisions: reads lines of `RECORDING OUTPUT` and writes, for each 32 ms of
//! the recording, nine features and the speech probability as little-endian 32-bit floats. See `tools/scene/fit.py`.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufRead};

use audio_signal::{Resampler, scene_features};
use media_decode::Decoder;

fn main() -> Result<(), Box<dyn Error>> {
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (recording, output) = line.split_once(' ').ok_or("expected lines of: RECORDING OUTPUT")?;
        let mono = decode(recording)?;
        let values = scene_features(&mono)?
            .into_iter()
            .flat_map(|(features, voice)| features.into_iter().chain([voice]).flat_map(f32::to_le_bytes));
        fs::write(output, values.collect::<Vec<u8>>())?;
    }
    Ok(())
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
