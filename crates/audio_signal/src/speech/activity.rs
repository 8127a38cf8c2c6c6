//! Wherever a voice may be, however softly: what a transcriber should hear.
//!
//! Apart from the analysis, which tells what dominates: here soft, reverberant and noisy speech counts too, since the
//! words decide later.

use std::collections::VecDeque;

use media_decode::{DecodeError, Decoder};
use media_time::Window;

use super::{SPEECH_FRAME, SPEECH_RATE, SpeechDetector};
use crate::analysis::window_of;
use crate::scene::speech_regions;
use crate::{Control, Progress, Resampler, SignalError, Thresholds};

/// Speech begins and ends at these probabilities: lower than where it is told from everything else.
const ON: f64 = 0.3;
const OFF: f64 = 0.15;

/// Changes whenever the same recording may give other regions.
pub const ACTIVITY_VERSION: u32 = 1;

/// Where somebody may be speaking, whatever else there is: sorted, without overlap. The level of the recording, and of its
/// parts, makes no difference down to 60 dB under full scale.
///
/// Blocking; decodes to the end. Takes a few bytes per 32 ms.
///
/// # Errors
/// Those of [`Decoder::next_block`]; [`DecodeError::Cancelled`] when the caller asked to stop.
pub fn speech_activity(mut decoder: Decoder, control: &Control<'_>) -> Result<Vec<Window>, SignalError> {
    let format = decoder.format();
    let mut resampler = Resampler::new(format.rate, &format.layout)?;
    let mut leveller = Leveller::default();
    let mut detector = SpeechDetector::new()?;
    let (mut samples, mut levelled, mut voice) = (Vec::new(), Vec::new(), Vec::new());
    let expected_duration = decoder.expected_duration();
    while let Some(block) = decoder.next_block()? {
        if (control.cancelled)() {
            return Err(DecodeError::Cancelled.into());
        }
        resampler.push(block.samples, &mut samples);
        leveller.push(&mut samples, &mut levelled);
        detector.push(&levelled, &mut voice);
        levelled.clear();
        (control.progress)(Progress { position: decoder.position(), expected_duration });
    }
    resampler.finish(&mut samples);
    leveller.push(&mut samples, &mut levelled);
    leveller.finish(samples, &mut levelled);
    detector.push(&levelled, &mut voice);
    detector.finish(&mut voice);
    let thresholds = Thresholds { speech_on: ON, speech_off: OFF, ..Thresholds::DEFAULT };
    let regions = speech_regions(&voice, &thresholds).into_iter();
    Ok(regions.filter_map(|frames| window_of(frames, decoder.position())).collect())
}

/// How far the level of a frame is looked for either way, in frames: 1 s.
const REACH: usize = SPEECH_RATE as usize / SPEECH_FRAME;
/// The peak that sound is brought to, and the most that it is raised by: 60 dB.
const PEAK: f32 = 0.5;
const MOST_GAIN: f32 = 1_000.0;

/// Brings soft sound to the level that the detector was trained at, frame by frame.
#[derive(Debug, Default)]
struct Leveller {
    /// Frames that are not decided yet, and their peaks with those of up to [`REACH`] decided ones before them.
    frames: VecDeque<Vec<f32>>,
    peaks: VecDeque<f32>,
    /// How many peaks are of decided frames.
    decided: usize,
    /// The gain at the end of the last decided frame.
    gain: Option<f32>,
}

impl Leveller {
    /// Takes whole frames off `samples`, and appends those whose surroundings are known.
    fn push(&mut self, samples: &mut Vec<f32>, out: &mut Vec<f32>) {
        let whole = samples.len() - samples.len() % SPEECH_FRAME;
        for frame in samples[..whole].chunks_exact(SPEECH_FRAME) {
            self.take(frame.to_vec());
            if self.frames.len() > REACH {
                self.decide(out);
            }
        }
        samples.drain(..whole);
    }

    /// Appends what is left.
    fn finish(mut self, rest: Vec<f32>, out: &mut Vec<f32>) {
        if !rest.is_empty() {
            self.take(rest);
        }
        while !self.frames.is_empty() {
            self.decide(out);
        }
    }

    fn take(&mut self, frame: Vec<f32>) {
        self.peaks.push_back(frame.iter().fold(0.0, |peak, sample| peak.max(sample.abs())));
        self.frames.push_back(frame);
    }

    fn decide(&mut self, out: &mut Vec<f32>) {
        let Some(frame) = self.frames.pop_front() else { return };
        let peak =
            self.peaks.iter().take(self.decided + REACH + 1).fold(0.0, |peak: f32, own| peak.max(*own));
        let gain = if peak > 0.0 { (PEAK / peak).clamp(1.0, MOST_GAIN) } else { 1.0 };
        let before = self.gain.replace(gain).unwrap_or(gain);
        let step = (gain - before) / frame.len() as f32;
        out.extend(frame.iter().enumerate().map(|(index, sample)| sample * (before + step * index as f32)));
        if self.decided == REACH {
            self.peaks.pop_front();
        } else {
            self.decided += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levelled(samples: &[f32], chunk: usize) -> Vec<f32> {
        let (mut leveller, mut pending, mut out) = (Leveller::default(), Vec::new(), Vec::new());
        for part in samples.chunks(chunk) {
            pending.extend_from_slice(part);
            leveller.push(&mut pending, &mut out);
        }
        leveller.finish(pending, &mut out);
        out
    }

    #[test]
    fn soft_sound_is_raised_and_loud_sound_stays() {
        let wave = |index: usize, peak: f32| if index.is_multiple_of(2) { peak } else { -peak };
        let samples: Vec<f32> =
            (0..160_000).map(|at| wave(at, if at < 80_000 { 0.0005 } else { 0.5 })).collect();
        let out = levelled(&samples, 1_000);
        assert_eq!(out.len(), samples.len());
        assert!((out[20_000].abs() - 0.5).abs() < 1e-3, "{}", out[20_000]);
        assert_eq!(out[120_000], samples[120_000]);
        assert!(out.iter().all(|sample| sample.abs() <= 0.51));
        assert_eq!(out, levelled(&samples, 77), "however it comes");
    }

    #[test]
    fn silence_stays_silence() {
        assert_eq!(levelled(&[0.0; 5_000], 512), [0.0; 5_000]);
    }
}
