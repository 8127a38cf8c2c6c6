//! Extracts features for fitting the bars: reads lines of `RECORDING OUTPUT` and writes, for each detected beat of the
//! recording, the number of its run, its time (s), its position in its bar and four features as little-endian 32-bit
//! floats. See `tools/rhythm/fit.py`.

mod decoded;

use std::error::Error;
use std::fs;
use std::io::{self, BufRead};

use audio_signal::bar_features;

fn main() -> Result<(), Box<dyn Error>> {
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (recording, output) = line.split_once(' ').ok_or("expected lines of: RECORDING OUTPUT")?;
        let (rate, mono) = decoded::decode(recording)?;
        let mut values = Vec::new();
        for (run, beats) in bar_features(rate, &mono).into_iter().enumerate() {
            for (features, beat) in beats {
                let position = [run as f32, beat.time.as_secs_f64() as f32, beat.position as f32];
                values.extend(position.into_iter().chain(features).flat_map(f32::to_le_bytes));
            }
        }
        fs::write(output, values)?;
    }
    Ok(())
}
