//! Recordings for the examples that extract features.

use std::error::Error;
use std::fs::File;

use media_decode::Decoder;

/// The sample rate (Hz) and the mean of the channels.
pub(crate) fn decode(path: &str) -> Result<(u32, Vec<f32>), Box<dyn Error>> {
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
