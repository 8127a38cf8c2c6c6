//! Speech activity at a low threshold and independent of the level: the input of a transcriber.
//!
//! Unlike the scene analysis, which classifies the dominant source, this includes soft, reverberant and noisy speech; the
//! transcript decides later.

use std::collections::VecDeque;

use media_decode::{DecodeError, Decoder};
use media_time::Window;

use super::{SPEECH_FRAME, SPEECH_RATE, SpeechDetector, window_of};
use crate::scene::speech_regions;
use crate::{Control, Progress, Resampler, SignalError, Thresholds};

/// Speech starts and ends at these probabilities, below those of the scene analysis.
const ON: f64 = 0.3;
const OFF: f64 = 0.15;

/// Must change when the same recording may give other regions.
pub const ACTIVITY_VERSION: u32 = 1;

/// Regions of possible speech, sorted and without overlap. Peaks from 0 to −66 dBFS are normalized, so that the result
/// does not depend on the level.
///
/// Blocking; decodes to the end. Takes a few bytes per 32 ms.
///
/// # Errors
/// Those of [`Decoder::next_block`]; [`DecodeError::Cancelled`] when the caller cancels the detection.
pub fn speech_activity(mut decoder: Decoder, control: &Control<'_>) -> Result<Vec<Window>, SignalError> {
    let format = decoder.format();
    let mut resampler = Resampler::new(format.rate, &format.layout)?;
    let mut gain_control = GainControl::default();
    let mut detector = SpeechDetector::new()?;
    let (mut samples, mut amplified, mut voice) = (Vec::new(), Vec::new(), Vec::new());
    let expected_duration = decoder.expected_duration();
    while let Some(block) = decoder.next_block()? {
        if (control.cancelled)() {
            return Err(DecodeError::Cancelled.into());
        }
        resampler.push(block.samples, &mut samples);
        gain_control.push(&mut samples, &mut amplified);
        detector.push(&amplified, &mut voice);
        amplified.clear();
        (control.progress)(Progress { position: decoder.position(), expected_duration });
    }
    resampler.finish(&mut samples);
    gain_control.push(&mut samples, &mut amplified);
    gain_control.finish(samples, &mut amplified);
    detector.push(&amplified, &mut voice);
    detector.finish(&mut voice);
    let thresholds = Thresholds { speech_on: ON, speech_off: OFF, ..Thresholds::DEFAULT };
    let regions = speech_regions(&voice, &thresholds).into_iter();
    Ok(regions.filter_map(|frames| window_of(frames, decoder.position())).collect())
}

/// Number of frames before and after a frame whose peak limits its gain: 1 s each.
const REACH: usize = SPEECH_RATE as usize / SPEECH_FRAME;
/// Target peak, and maximum gain: 60 dB.
const PEAK: f32 = 0.5;
const MAX_GAIN: f32 = 1_000.0;

/// Automatic gain control with look-ahead: amplifies soft audio to the level that the detector was trained on.
#[derive(Debug, Default)]
pub(crate) struct GainControl {
    /// Pending frames, and their peaks preceded by those of up to [`REACH`] processed frames.
    frames: VecDeque<Vec<f32>>,
    peaks: VecDeque<f32>,
    /// Number of peaks that belong to processed frames.
    processed: usize,
    /// Gain at the end of the last processed frame.
    gain: Option<f32>,
}

impl GainControl {
    /// Takes whole frames from `samples` and appends those whose look-ahead is complete.
    pub(crate) fn push(&mut self, samples: &mut Vec<f32>, out: &mut Vec<f32>) {
        let whole = samples.len() - samples.len() % SPEECH_FRAME;
        for frame in samples[..whole].chunks_exact(SPEECH_FRAME) {
            self.take(frame.to_vec());
            if self.frames.len() > REACH {
                self.process(out);
            }
        }
        samples.drain(..whole);
    }

    /// Appends the remaining frames.
    pub(crate) fn finish(mut self, rest: Vec<f32>, out: &mut Vec<f32>) {
        if !rest.is_empty() {
            self.take(rest);
        }
        while !self.frames.is_empty() {
            self.process(out);
        }
    }

    fn take(&mut self, frame: Vec<f32>) {
        self.peaks.push_back(frame.iter().fold(0.0, |peak, sample| peak.max(sample.abs())));
        self.frames.push_back(frame);
    }

    fn process(&mut self, out: &mut Vec<f32>) {
        let Some(frame) = self.frames.pop_front() else { return };
        let peak =
            self.peaks.iter().take(self.processed + REACH + 1).fold(0.0, |peak: f32, own| peak.max(*own));
        let gain = if peak > 0.0 { (PEAK / peak).clamp(1.0, MAX_GAIN) } else { 1.0 };
        let before = self.gain.replace(gain).unwrap_or(gain);
        let step = (gain - before) / frame.len() as f32;
        out.extend(frame.iter().enumerate().map(|(index, sample)| sample * (before + step * index as f32)));
        if self.processed == REACH {
            self.peaks.pop_front();
        } else {
            self.processed += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amplified(samples: &[f32], chunk: usize) -> Vec<f32> {
        let (mut gain_control, mut pending, mut out) = (GainControl::default(), Vec::new(), Vec::new());
        for part in samples.chunks(chunk) {
            pending.extend_from_slice(part);
            gain_control.push(&mut pending, &mut out);
        }
        gain_control.finish(pending, &mut out);
        out
    }

    #[test]
    fn soft_audio_is_amplified_and_loud_audio_is_unchanged() {
        let wave = |index: usize, peak: f32| if index.is_multiple_of(2) { peak } else { -peak };
        let samples: Vec<f32> =
            (0..160_000).map(|at| wave(at, if at < 80_000 { 0.0005 } else { 0.5 })).collect();
        let out = amplified(&samples, 1_000);
        assert_eq!(out.len(), samples.len());
        assert!((out[20_000].abs() - 0.5).abs() < 1e-3, "{}", out[20_000]);
        assert_eq!(out[120_000], samples[120_000]);
        assert!(out.iter().all(|sample| sample.abs() <= 0.51));
        assert_eq!(out, amplified(&samples, 77), "independent of the block size");
    }

    #[test]
    fn silence_stays_silence() {
        assert_eq!(amplified(&[0.0; 5_000], 512), [0.0; 5_000]);
    }
}
