//! What decoded sound is like: rate, channels, where they play.

use symphonia::core::audio::{AudioSpec, Channels, Position};

use crate::SignalError;

/// What the samples of a recording are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioFormat {
    /// Samples per second and channel, in Hz; within [`AudioFormat::RATES`].
    pub rate: u32,
    /// Where each channel plays, in the order of the interleaved samples; 1 to [`AudioFormat::MAX_CHANNELS`].
    pub speakers: Vec<Speaker>,
    /// Short name of the codec, e.g. `aac`, `mp3`, `pcm_s16le`.
    pub codec: String,
}

/// Where a channel plays, as far as loudness weighting asks (ITU-R BS.1770-4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// Front left, or the left of two.
    FrontLeft,
    /// Front right, or the right of two.
    FrontRight,
    /// Front centre, or the only one.
    FrontCenter,
    /// Low-frequency effects: not part of loudness.
    LowFrequency,
    /// Behind the listener, left.
    RearLeft,
    /// Behind the listener, right.
    RearRight,
    /// Behind the listener, in the middle.
    RearCenter,
    /// Beside the listener, left.
    SideLeft,
    /// Beside the listener, right.
    SideRight,
    /// Anywhere else, or not told.
    Other,
}

impl AudioFormat {
    /// Sample rates that are accepted, in Hz.
    pub const RATES: std::ops::RangeInclusive<u32> = 1_000..=384_000;
    /// The most channels that are accepted.
    pub const MAX_CHANNELS: usize = 32;

    /// The number of channels, at least 1.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.speakers.len()
    }

    /// From what a decoder says of its output.
    pub(super) fn new(spec: &AudioSpec, codec: &str) -> Result<Self, SignalError> {
        check_limits(spec.rate(), spec.channels().count())?;
        Ok(Self { rate: spec.rate(), speakers: speakers(spec.channels()), codec: codec.to_owned() })
    }
}

/// Rejects rates and channel counts no recording has.
pub(crate) fn check_limits(rate: u32, channels: usize) -> Result<(), SignalError> {
    if !AudioFormat::RATES.contains(&rate) {
        let (low, high) = (AudioFormat::RATES.start(), AudioFormat::RATES.end());
        let limit = format!("{low} to {high} Hz");
        return Err(SignalError::LimitExceeded {
            what: "the sample rate",
            found: format!("{rate} Hz"),
            limit,
        });
    }
    if !(1..=AudioFormat::MAX_CHANNELS).contains(&channels) {
        let limit = format!("1 to {}", AudioFormat::MAX_CHANNELS);
        let found = channels.to_string();
        return Err(SignalError::LimitExceeded { what: "the number of channels", found, limit });
    }
    Ok(())
}

fn speakers(channels: &Channels) -> Vec<Speaker> {
    let count = channels.count();
    let positions = match channels {
        Channels::Positioned(positions) => Some(*positions),
        // Containers that only count channels mean the usual order of WAVE.
        Channels::Discrete(count) => Position::from_wave_channel_count(u32::from(*count)),
        _ => None,
    };
    match positions {
        Some(positions) if positions.iter().count() == count => positions.iter().map(speaker).collect(),
        _ => vec![Speaker::Other; count],
    }
}

fn speaker(position: Position) -> Speaker {
    match position {
        Position::FRONT_LEFT => Speaker::FrontLeft,
        Position::FRONT_RIGHT => Speaker::FrontRight,
        Position::FRONT_CENTER => Speaker::FrontCenter,
        Position::LFE1 | Position::LFE2 => Speaker::LowFrequency,
        Position::REAR_LEFT => Speaker::RearLeft,
        Position::REAR_RIGHT => Speaker::RearRight,
        Position::REAR_CENTER => Speaker::RearCenter,
        Position::SIDE_LEFT => Speaker::SideLeft,
        Position::SIDE_RIGHT => Speaker::SideRight,
        _ => Speaker::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_point_one_has_its_low_frequency_channel() {
        let spec = AudioSpec::new(48_000, Channels::Discrete(6));
        let format = AudioFormat::new(&spec, "pcm_s16le").unwrap();
        assert_eq!(format.speakers[3], Speaker::LowFrequency);
        assert_eq!(format.channels(), 6);
    }

    #[test]
    fn absurd_formats_are_over_the_limit() {
        for (rate, channels) in [(0, 2), (999, 2), (1_000_000, 2), (48_000, 0), (48_000, 33)] {
            let error = check_limits(rate, channels).unwrap_err();
            assert!(matches!(error, SignalError::LimitExceeded { .. }), "{rate} Hz, {channels} channels");
        }
    }
}
