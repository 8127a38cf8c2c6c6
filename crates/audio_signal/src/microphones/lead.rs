//! The audio of the channel that leads.

use super::resampler::ChannelResampler;
use super::{LeadChange, MicrophoneSpeech};
use crate::{SPEECH_FRAME, SignalError};

/// Length of the cross-fade at a change of the leading channel, in samples at 16 kHz: 10 ms.
const FADE: usize = 160;

/// Converts a stream to the audio of the leading channel at 16 kHz, in constant memory: without the cross-talk and the
/// noise of the other microphones.
pub struct LeadResampler {
    resampler: ChannelResampler,
    /// Converted samples of each channel that were not mixed yet.
    pending: Vec<Vec<f32>>,
    mixer: LeadMixer,
}

impl LeadResampler {
    /// A converter at the start of the stream, with this sample rate (Hz), that `speech` was detected in; `None` if it has
    /// no speech, because no channel leads then.
    ///
    /// # Errors
    /// [`media_decode::DecodeError::LimitExceeded`] for an unsupported sample rate or channel count.
    pub fn new(rate: u32, speech: &MicrophoneSpeech) -> Result<Option<Self>, SignalError> {
        let Some(mixer) = LeadMixer::new(&speech.changes) else { return Ok(None) };
        let resampler = ChannelResampler::new(rate, speech.channels)?;
        Ok(Some(Self { resampler, pending: vec![Vec::new(); speech.channels], mixer }))
    }

    /// Adds whole frames of interleaved, finite samples and appends all complete output.
    pub fn push(&mut self, interleaved: &[f32], out: &mut Vec<f32>) {
        self.resampler.push(interleaved, &mut self.pending);
        self.mixer.mix(&mut self.pending, out);
    }

    /// Appends the remaining output.
    pub fn finish(self, out: &mut Vec<f32>) {
        let Self { resampler, mut pending, mut mixer } = self;
        resampler.finish(&mut pending);
        mixer.mix(&mut pending, out);
    }
}

/// Selects the samples of the leading channel.
struct LeadMixer {
    /// The changes that follow, the next one last.
    changes: Vec<LeadChange>,
    /// The leading channel, and the one before it.
    current: usize,
    previous: usize,
    /// Number of samples since the last change, and since the start.
    since_change: usize,
    position: usize,
}

impl LeadMixer {
    /// The first channel leads from the start. `None` without changes.
    fn new(changes: &[LeadChange]) -> Option<Self> {
        let (first, following) = changes.split_first()?;
        let changes = following.iter().rev().copied().collect();
        let (current, previous) = (first.channel, first.channel);
        Some(Self { changes, current, previous, since_change: FADE, position: 0 })
    }

    /// Takes the samples of all channels, and appends those of the leading one.
    fn mix(&mut self, channels: &mut [Vec<f32>], out: &mut Vec<f32>) {
        let count = channels.iter().map(Vec::len).min().unwrap_or(0);
        out.extend((0..count).map(|index| self.next(|channel| channels[channel][index])));
        for channel in channels {
            channel.drain(..count);
        }
    }

    /// The next sample; `at` has those of all channels at its position.
    fn next(&mut self, at: impl Fn(usize) -> f32) -> f32 {
        while let Some(change) = self.changes.pop_if(|change| change.frame * SPEECH_FRAME <= self.position) {
            self.previous = self.current;
            self.current = change.channel;
            self.since_change = 0;
        }
        let share = (self.since_change as f32 / FADE as f32).min(1.0);
        let sample = at(self.current);
        let mixed = if share < 1.0 { at(self.previous) * (1.0 - share) + sample * share } else { sample };
        self.since_change += 1;
        self.position += 1;
        mixed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_channel_is_selected_and_faded() {
        let changes = [(0, 1), (2, 0)].map(|(frame, channel)| LeadChange { frame, channel });
        let mixed = |chunk: usize| {
            let mut mixer = LeadMixer::new(&changes).unwrap();
            let mut out = Vec::new();
            for start in (0..3 * SPEECH_FRAME).step_by(chunk) {
                let length = chunk.min(3 * SPEECH_FRAME - start);
                let mut channels = [vec![1.0; length], vec![-1.0; length]];
                mixer.mix(&mut channels, &mut out);
                assert!(channels.iter().all(Vec::is_empty));
            }
            out
        };
        let out = mixed(SPEECH_FRAME);
        let change = 2 * SPEECH_FRAME;
        assert!(out[..change].iter().all(|sample| *sample == -1.0));
        assert_eq!((out[change], out[change + FADE / 2]), (-1.0, 0.0));
        assert!(out[change + FADE..].iter().all(|sample| *sample == 1.0));
        assert_eq!(out.len(), 3 * SPEECH_FRAME);
        assert_eq!(out, mixed(77), "independent of the block size");
        assert!(LeadMixer::new(&[]).is_none());
    }
}
