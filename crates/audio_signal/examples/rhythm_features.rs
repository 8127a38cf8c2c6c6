//! Extracts the inputs of the rhythm net: reads lines of `RECORDING OUTPUT` and writes, for each frame of 20 ms of the
//! recording, one byte per input. See `tools/rhythm/train.py`.

mod decoded;

use std::error::Error;
use std::fs;
use std::io::{self, BufRead};

use audio_signal::rhythm_features;

fn main() -> Result<(), Box<dyn Error>> {
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (recording, output) = line.split_once(' ').ok_or("expected lines of: RECORDING OUTPUT")?;
        let (rate, mono) = decoded::decode(recording)?;
        fs::write(output, rhythm_features(rate, &mono).1)?;
    }
    Ok(())
}
