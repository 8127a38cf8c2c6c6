//! Regression tests: intact files that were decoded incorrectly, and damaged files that caused internal errors.

mod codecs;
mod containers;
mod recognition;

use std::io::Cursor;

use media_decode::DecodeError;

use crate::support::DecodedAudio;

/// Six seconds of noise and a tone, in stereo.
const SOUND: &str =
    "-f lavfi -i aevalsrc=0.3*sin(440*2*PI*t)+0.1*random(0)|0.3*sin(660*2*PI*t)+0.1*random(1):s=48000:d=6";
const SHORT: &str = "-f lavfi -i sine=frequency=440:sample_rate=48000:duration=0.5";
const PICTURES: &str = "-f lavfi -i testsrc=size=64x48:rate=25:d=6";

fn decode(bytes: Vec<u8>) -> Result<DecodedAudio, DecodeError> {
    DecodedAudio::from_decoder(media_decode::Decoder::open(Cursor::new(bytes))?)
}

/// RMS of the difference, relative to the RMS of `reference`.
fn difference(found: &DecodedAudio, reference: &DecodedAudio) -> f64 {
    let square = |samples: &mut dyn Iterator<Item = f32>| samples.map(|s| f64::from(s).powi(2)).sum::<f64>();
    let pairs = found.samples.iter().zip(&reference.samples);
    let error = square(&mut pairs.map(|(found, reference)| found - reference));
    (error / square(&mut reference.samples.iter().copied())).sqrt()
}
