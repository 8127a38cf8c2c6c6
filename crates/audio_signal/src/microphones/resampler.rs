//! Conversion of each channel to 16 kHz.

use symphonia::core::audio::Channels;

use crate::{Resampler, SignalError};

/// Converts each channel of a stream to 16 kHz, in constant memory.
pub(super) struct ChannelResampler {
    channels: Vec<Resampler>,
    /// Samples of one channel.
    buffer: Vec<f32>,
}

impl ChannelResampler {
    /// A converter at the start of a stream with this sample rate (Hz) and number of channels.
    ///
    /// # Errors
    /// As [`Resampler::new`].
    pub(super) fn new(rate: u32, channels: usize) -> Result<Self, SignalError> {
        let resamplers: Result<Vec<_>, SignalError> =
            (0..channels).map(|_| Resampler::new(rate, &Channels::Discrete(1))).collect();
        Ok(Self { channels: resamplers?, buffer: Vec::new() })
    }

    /// Adds whole frames of interleaved samples, and appends the output of each channel, equally many samples.
    pub(super) fn push(&mut self, interleaved: &[f32], out: &mut [Vec<f32>]) {
        let count = self.channels.len();
        for (channel, (resampler, out)) in self.channels.iter_mut().zip(out).enumerate() {
            self.buffer.clear();
            self.buffer.extend(interleaved.iter().skip(channel).step_by(count));
            resampler.push(&self.buffer, out);
        }
    }

    /// Appends the remaining output of each channel.
    pub(super) fn finish(self, out: &mut [Vec<f32>]) {
        for (resampler, out) in self.channels.into_iter().zip(out) {
            resampler.finish(out);
        }
    }
}
