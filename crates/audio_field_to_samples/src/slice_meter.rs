//! Measures slices while they are cut: the brightness and role of hits, the key of loops.

use std::ops::Range;

use audio_signal::{HitDescriptor, HitMeter, KeyEstimate, KeyMeter};

/// What to measure of a slice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SliceMeasure {
    /// Only its mean square, which is measured of all slices.
    #[default]
    Level,
    /// The hit that sounds in these frames of the recording.
    Hit(Range<u64>),
    /// The key of the whole slice.
    Key,
}

/// The measured properties of a slice; `None` for those that were not requested or are not clear.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SliceTraits {
    /// Brightness and role.
    pub hit: Option<HitDescriptor>,
    /// Key.
    pub key: Option<KeyEstimate>,
}

/// Measures the mix of the channels of a slice, in memory that does not depend on its length.
pub(crate) enum SliceMeter {
    Level,
    Hit { meter: Box<HitMeter>, frames: Range<u64>, mono: Vec<f32> },
    Key { meter: Box<KeyMeter>, mono: Vec<f32> },
}

impl SliceMeter {
    /// A meter for a recording of `rate` Hz.
    pub(crate) fn new(measure: &SliceMeasure, rate: u32) -> Self {
        match measure {
            SliceMeasure::Level => Self::Level,
            SliceMeasure::Hit(frames) => {
                Self::Hit { meter: Box::new(HitMeter::new(rate)), frames: frames.clone(), mono: Vec::new() }
            }
            SliceMeasure::Key => Self::Key { meter: Box::new(KeyMeter::new(rate)), mono: Vec::new() },
        }
    }

    /// Adds interleaved samples, of which the first frame is frame `first` of the recording.
    pub(crate) fn push(&mut self, first: u64, samples: &[f32], channels: usize) {
        match self {
            Self::Level => {}
            Self::Hit { meter, frames, mono } => {
                let count = (samples.len() / channels) as u64;
                let [start, end] =
                    [frames.start, frames.end].map(|frame| frame.clamp(first, first + count) - first);
                mix(&samples[start as usize * channels..end as usize * channels], channels, mono);
                meter.push(mono);
            }
            Self::Key { meter, mono } => {
                mix(samples, channels, mono);
                meter.push(mono);
            }
        }
    }

    pub(crate) fn finish(self) -> SliceTraits {
        match self {
            Self::Level => SliceTraits::default(),
            Self::Hit { meter, .. } => SliceTraits { hit: meter.finish(), key: None },
            Self::Key { meter, .. } => SliceTraits { hit: None, key: meter.finish() },
        }
    }
}

/// Replaces `mono` by the mix of interleaved samples.
pub(crate) fn mix(samples: &[f32], channels: usize, mono: &mut Vec<f32>) {
    let gain = 1.0 / channels as f32;
    mono.clear();
    mono.extend(samples.chunks_exact(channels).map(|frame| frame.iter().sum::<f32>() * gain));
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 44_100;

    fn tone(hertz: f32, frames: usize) -> Vec<f32> {
        (0..frames).map(|n| 0.5 * (std::f32::consts::TAU * hertz * n as f32 / RATE as f32).sin()).collect()
    }

    #[test]
    fn only_the_frames_of_the_hit_are_measured() {
        // Before the hit and after it, other sounds in two channels.
        let parts = [tone(8_000.0, 4_410), tone(600.0, 8_820), tone(9_000.0, 4_410)].concat();
        let stereo: Vec<f32> = parts.iter().flat_map(|sample| [*sample, *sample]).collect();
        let mut meter = SliceMeter::new(&SliceMeasure::Hit(1_004_410..1_013_230), RATE);
        for (index, part) in stereo.chunks(2 * 1_000).enumerate() {
            meter.push(1_000_000 + 1_000 * index as u64, part, 2);
        }
        let hit = meter.finish().hit.unwrap();
        assert!((hit.brightness_hz - 600.0).abs() < 60.0, "{}", hit.brightness_hz);
    }

    #[test]
    fn levels_are_not_measured_again() {
        let mut meter = SliceMeter::new(&SliceMeasure::Level, RATE);
        meter.push(0, &tone(440.0, 1_000), 1);
        assert_eq!(meter.finish(), SliceTraits::default());
    }
}
