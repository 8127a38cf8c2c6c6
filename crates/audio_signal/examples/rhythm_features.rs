//! Extracts the inputs of the rhythm net: reads lines of `RECORDING OUTPUT` and writes, for each frame of 20 ms of the
//! recording, one byte per input. See `tools/rhythm/train.py`.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufRead};

use audio_signal::rhythm_features;
use media_decode::Decoder;

fn main() -> Result<(), Box<dyn Error>> {
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (recording, output) = line.split_once(' ').ok_or("expected lines of: RECORDING OUTPUT")?;
        let (rate, mono) = decode(recording)?;
        fs::write(output, rhythm_features(rate, &mono).1)?;
    }
    Ok(())
}

/// The sample rate (Hz) and the mean of the channels.
fn decode(path: &str) -> Result<(u32, Vec<f32>), Box<dyn Error>> {
    let mut decoder = Decoder::open(File::open(path)?)?;
    let (rate, channels) = (decoder.format().rate, decoder.format().channels());
    let mut mono = Vec::new();
    while let Some(block) = decoder.next_block()? {
        mono.extend(
            block.samples.chunks_exact(channels).map(|frame| frame.iter().sum::<f32>() / channels as f32),
        );
    }
    Ok((rate, mono))
}
