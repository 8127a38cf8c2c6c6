//! The first pass over a recording: all that the detectors look at.

use audio_signal::{Rhythm, RhythmAnalyzer};
use media_decode::{AudioFormat, DecodeError, MediaInput};

use crate::bands::{BandLevels, BandMeter};
use crate::envelope::Envelope;

/// What listening gave. Memory grows by about 10 KB per second of sound, whatever the recording's rate and channels.
#[derive(Debug)]
pub struct Heard {
    /// What the samples are.
    pub format: AudioFormat,
    /// Exact length in frames.
    pub frames: u64,
    /// Peak levels, and how many frames there are.
    pub envelope: Envelope,
    /// Onsets and beats.
    pub rhythm: Rhythm,
    /// Levels of frequency bands.
    pub bands: BandLevels,
}

/// What is wanted of it; what is not wanted stays empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// For hits: the envelope and the onsets.
    pub hits: bool,
    /// For loops: also the bands.
    pub loops: bool,
}

/// Decodes a recording once.
///
/// # Errors
/// Those of [`MediaInput::decoder`] and of decoding; [`DecodeError::Undecodable`] when there is not one sample;
/// [`DecodeError::Cancelled`] when `cancelled` says so.
pub fn listen(
    input: &MediaInput,
    wanted: Wanted,
    cancelled: &dyn Fn() -> bool,
) -> Result<Heard, DecodeError> {
    let mut decoder = input.decoder()?;
    let format = decoder.format().clone();
    let channels = format.channels();
    let mut envelope = Envelope::new(format.rate, channels);
    let mut rhythm = (wanted.hits || wanted.loops).then(|| RhythmAnalyzer::new(format.rate));
    let mut bands = wanted.loops.then(|| BandMeter::new(format.rate));
    let (mut frames, mut mono) = (0, Vec::new());
    let gain = 1.0 / channels as f32;
    while let Some(block) = decoder.next_block()? {
        if cancelled() {
            return Err(DecodeError::Cancelled);
        }
        frames += block.frames() as u64;
        let Some(rhythm) = &mut rhythm else { continue };
        envelope.push(block.samples);
        mono.clear();
        mono.extend(block.samples.chunks_exact(channels).map(|frame| frame.iter().sum::<f32>() * gain));
        rhythm.push(&mono);
        if let Some(bands) = &mut bands {
            bands.push(&mono);
        }
    }
    if frames == 0 {
        return Err(DecodeError::Undecodable("it holds no audio at all".to_owned()));
    }
    envelope.finish();
    let rhythm = rhythm.map(RhythmAnalyzer::finish).unwrap_or_default();
    let bands = bands.map(BandMeter::finish).unwrap_or_default();
    Ok(Heard { format, frames, envelope, rhythm, bands })
}
