//! Recordings in which each channel is one microphone: which of them has speech, and which of them leads.
//!
//! Speech is detected in each channel. A voice also reaches the other microphones (cross-talk), at a lower level: of
//! channels with speech at the same time, those that are much softer than the loudest one are attributed to it
//! ([`attribution`]). Two channels of similar level are two speakers at once, unless their samples are alike.

mod attribution;
mod lead;
mod resampler;

use std::collections::VecDeque;
use std::ops::Range;

use media_decode::{DecodeError, Decoder};
use media_time::{MediaTime, Window};

use self::attribution::{Attribution, FrameLevels};
pub use self::lead::LeadResampler;
use self::resampler::ChannelResampler;
use crate::speech::{GainControl, window_of};
use crate::{Control, Progress, SPEECH_FRAME, SPEECH_RATE, SignalError, SpeechDetector};

/// A continuous stretch of speech of one microphone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MicrophoneTurn {
    /// The channel, from 0.
    pub channel: usize,
    /// When it speaks.
    pub window: Window,
}

/// The speech of the microphones of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MicrophoneSpeech {
    /// Number of channels of the recording.
    pub channels: usize,
    /// The turns, by start and channel. Those of different channels may overlap.
    pub turns: Vec<MicrophoneTurn>,
    /// The channel that leads from each of these speech frames on; empty without speech.
    changes: Vec<LeadChange>,
}

/// From a frame on, another channel leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LeadChange {
    frame: usize,
    channel: usize,
}

impl MicrophoneSpeech {
    /// The channel that leads at `time`: the one that speaks, the louder one of several, and in pauses the last one.
    /// `None` without speech.
    #[must_use]
    pub fn leader_at(&self, time: MediaTime) -> Option<usize> {
        let frame = usize::try_from(time.to_samples(SPEECH_RATE)).unwrap_or(0) / SPEECH_FRAME;
        let next = self.changes.partition_point(|change| change.frame <= frame);
        Some(self.changes.get(next.saturating_sub(1))?.channel)
    }
}

/// Detects the speech of each channel. Blocking; decodes to the end.
///
/// Takes about 300 kB for each channel and 5 bytes per 32 ms, regardless of the sample rate.
///
/// # Errors
/// Those of [`Decoder::next_block`]; [`DecodeError::Cancelled`] when the caller cancels the detection.
pub fn microphone_speech(
    mut decoder: Decoder,
    control: &Control<'_>,
) -> Result<MicrophoneSpeech, SignalError> {
    let format = decoder.format();
    let channels = format.channels();
    let mut resampler = ChannelResampler::new(format.rate, channels)?;
    let mut frames = FrameDetector::new(channels)?;
    let expected_duration = decoder.expected_duration();
    while let Some(block) = decoder.next_block()? {
        if (control.cancelled)() {
            return Err(DecodeError::Cancelled.into());
        }
        resampler.push(block.samples, &mut frames.samples);
        frames.detect();
        (control.progress)(Progress { position: decoder.position(), expected_duration });
    }
    resampler.finish(&mut frames.samples);
    let attributed = frames.finish().finish();
    let duration = decoder.position();
    let turn = |(channel, frames): (usize, &Range<usize>)| {
        window_of(frames.clone(), duration).map(|window| MicrophoneTurn { channel, window })
    };
    let numbered = attributed.turns.iter().enumerate();
    let mut turns: Vec<MicrophoneTurn> = numbered
        .flat_map(|(channel, turns)| turns.iter().map(move |frames| (channel, frames)))
        .filter_map(turn)
        .collect();
    turns.sort_by_key(|turn| (turn.window.start(), turn.channel));
    Ok(MicrophoneSpeech { channels, turns, changes: attributed.changes })
}

/// Measures frames of all channels, and attributes them.
struct FrameDetector {
    /// Samples at 16 kHz of each channel that are not measured yet.
    samples: Vec<Vec<f32>>,
    channels: Vec<ChannelDetector>,
    /// Levels of frames whose probabilities are not complete: gain control and detector look ahead by 2 s.
    levels: VecDeque<FrameLevels>,
    attribution: Attribution,
}

/// The speech detector of a channel.
struct ChannelDetector {
    gain_control: GainControl,
    detector: SpeechDetector,
    /// Samples that are not a whole frame yet.
    rest: Vec<f32>,
    /// Probabilities of frames that were not attributed yet.
    speech: VecDeque<f32>,
}

impl ChannelDetector {
    fn new() -> Result<Self, SignalError> {
        Ok(Self {
            gain_control: GainControl::default(),
            detector: SpeechDetector::new()?,
            rest: Vec::new(),
            speech: VecDeque::new(),
        })
    }

    fn push(&mut self, samples: &[f32]) {
        let (mut amplified, mut speech) = (Vec::new(), Vec::new());
        self.rest.extend_from_slice(samples);
        self.gain_control.push(&mut self.rest, &mut amplified);
        self.detector.push(&amplified, &mut speech);
        self.speech.extend(speech);
    }

    /// The probabilities of all frames that were not attributed.
    fn finish(self) -> VecDeque<f32> {
        let Self { gain_control, mut detector, rest, mut speech } = self;
        let (mut amplified, mut last) = (Vec::new(), Vec::new());
        gain_control.finish(rest, &mut amplified);
        detector.push(&amplified, &mut last);
        detector.finish(&mut last);
        speech.extend(last);
        speech
    }
}

impl FrameDetector {
    fn new(channels: usize) -> Result<Self, SignalError> {
        let detectors: Result<Vec<_>, SignalError> = (0..channels).map(|_| ChannelDetector::new()).collect();
        Ok(Self {
            samples: vec![Vec::new(); channels],
            channels: detectors?,
            levels: VecDeque::new(),
            attribution: Attribution::new(channels),
        })
    }

    /// Takes whole frames from the samples.
    fn detect(&mut self) {
        let available = self.samples.iter().map(Vec::len).min().unwrap_or(0);
        let whole = available - available % SPEECH_FRAME;
        for start in (0..whole).step_by(SPEECH_FRAME) {
            let frame: Vec<&[f32]> =
                self.samples.iter().map(|samples| &samples[start..start + SPEECH_FRAME]).collect();
            self.levels.push_back(FrameLevels::of(&frame));
        }
        for (channel, samples) in self.channels.iter_mut().zip(&mut self.samples) {
            channel.push(&samples[..whole]);
            samples.drain(..whole);
        }
        self.attribute();
    }

    /// Attributes the frames whose probabilities are known.
    fn attribute(&mut self) {
        while self.channels.iter().all(|channel| !channel.speech.is_empty())
            && let Some(levels) = self.levels.pop_front()
        {
            let speech: Vec<f32> =
                self.channels.iter_mut().filter_map(|channel| channel.speech.pop_front()).collect();
            self.attribution.push(&speech, levels);
        }
    }

    /// Attributes the remaining frames; the last one may be incomplete.
    fn finish(mut self) -> Attribution {
        self.detect();
        let rest = self.samples.iter().map(Vec::len).min().unwrap_or(0);
        if rest > 0 {
            let frame: Vec<&[f32]> = self.samples.iter().map(|samples| &samples[..rest]).collect();
            self.levels.push_back(FrameLevels::of(&frame));
        }
        let Self { samples, channels, levels, mut attribution } = self;
        let finish = |(mut channel, samples): (ChannelDetector, Vec<f32>)| {
            channel.push(&samples);
            channel.finish()
        };
        let mut speech: Vec<VecDeque<f32>> = channels.into_iter().zip(samples).map(finish).collect();
        for levels in levels {
            let probabilities: Vec<f32> =
                speech.iter_mut().map(|speech| speech.pop_front().unwrap_or(0.0)).collect();
            attribution.push(&probabilities, levels);
        }
        attribution
    }
}
