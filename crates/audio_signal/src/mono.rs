//! The mono mix of a recording at 16 kHz: what speech, textures and landmarks are measured from.

use std::ops::ControlFlow;

use audio_fingerprint::{Fingerprinter, Landmark};
use media_decode::{DecodeError, Decoder, MediaInput};

use crate::{Control, Progress, Resampler, SignalError};

/// Decodes a recording to mono at 16 kHz ([`Resampler`]), and passes the samples to `push` block by block, until the end
/// or until `push` breaks.
///
/// # Errors
/// Those of [`Decoder::next_block`] and of `push`; [`DecodeError::Cancelled`] when the caller cancels.
pub fn read_mono<E: From<SignalError>>(
    mut decoder: Decoder,
    control: &Control<'_>,
    mut push: impl FnMut(&[f32]) -> Result<ControlFlow<()>, E>,
) -> Result<(), E> {
    let format = decoder.format();
    let mut resampler = Resampler::new(format.rate, &format.layout)?;
    let expected_duration = decoder.expected_duration();
    let mut samples = Vec::new();
    while let Some(block) = decoder.next_block().map_err(SignalError::from)? {
        if (control.cancelled)() {
            return Err(SignalError::from(DecodeError::Cancelled).into());
        }
        resampler.push(block.samples, &mut samples);
        if push(&samples)?.is_break() {
            return Ok(());
        }
        samples.clear();
        (control.progress)(Progress { position: decoder.position(), expected_duration });
    }
    resampler.finish(&mut samples);
    push(&samples).map(drop)
}

/// The landmarks of a recording, in order of frame and hash, without the rest of an analysis. Memory is that of the
/// landmarks: at most 480 bytes for a second, 5.2 MB for three hours.
///
/// # Errors
/// Those of [`MediaInput::decoder`] and [`read_mono`].
pub fn landmarks(input: &MediaInput, control: &Control<'_>) -> Result<Vec<Landmark>, SignalError> {
    let mut fingerprinter = Fingerprinter::new();
    read_mono(input.decoder()?, control, |samples| {
        fingerprinter.push(samples);
        Ok::<_, SignalError>(ControlFlow::Continue(()))
    })?;
    Ok(fingerprinter.finish())
}
