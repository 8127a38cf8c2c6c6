//! What decoded sound is like: rate, channels, where they play.

use symphonia::core::audio::{AudioSpec, Channels, layouts};

use crate::DecodeError;

/// What the samples of a recording are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioFormat {
    /// Samples per second and channel, in Hz; within [`AudioFormat::RATES`].
    pub rate: u32,
    /// Where each channel plays, in the order of the interleaved samples; a recording that only counts
    /// its channels is taken to mean mono, stereo, 5.1 or 7.1.
    pub layout: Channels,
    /// Short name of the codec, e.g. `aac`, `mp3`, `pcm_s16le`.
    pub codec: String,
}

impl AudioFormat {
    /// Sample rates that are accepted, in Hz.
    pub const RATES: std::ops::RangeInclusive<u32> = 1_000..=384_000;
    /// The most channels that are accepted.
    pub const MAX_CHANNELS: usize = 32;

    /// The number of channels, 1 to [`AudioFormat::MAX_CHANNELS`].
    #[must_use]
    pub fn channels(&self) -> usize {
        self.layout.count()
    }

    /// The channels as a WAVE file names them (`dwChannelMask`), in whose order the samples are; 0 where it has no name
    /// for one of them.
    #[must_use]
    pub fn speaker_mask(&self) -> u32 {
        /// `SPEAKER_FRONT_LEFT` to `SPEAKER_TOP_BACK_RIGHT`; symphonia counts the same way.
        const NAMED: u64 = (1 << 18) - 1;
        match &self.layout {
            Channels::Positioned(set) if set.bits() & !NAMED == 0 => set.bits() as u32,
            _ => 0,
        }
    }

    /// Are the coded samples integers? They are then multiples of 2⁻²³ or coarser, exact as `f32`.
    #[must_use]
    pub fn is_integer(&self) -> bool {
        const INTEGER: [&str; 8] = ["pcm_", "flac", "alac", "adpcm", "wavpack", "ape", "tak", "tta"];
        !self.codec.starts_with("pcm_f") && INTEGER.iter().any(|name| self.codec.starts_with(name))
    }

    /// From what a decoder says of its output.
    pub(crate) fn new(spec: &AudioSpec, codec: &str) -> Result<Self, DecodeError> {
        check_limits(spec.rate(), spec.channels().count())?;
        Ok(Self { rate: spec.rate(), layout: layout(spec.channels()), codec: codec.to_owned() })
    }
}

/// Rejects sample rates and channel counts that no recording has.
///
/// # Errors
/// [`DecodeError::LimitExceeded`].
pub fn check_limits(rate: u32, channels: usize) -> Result<(), DecodeError> {
    if !AudioFormat::RATES.contains(&rate) {
        let (low, high) = (AudioFormat::RATES.start(), AudioFormat::RATES.end());
        let limit = format!("{low} to {high} Hz");
        return Err(DecodeError::LimitExceeded {
            what: "the sample rate",
            found: format!("{rate} Hz"),
            limit,
        });
    }
    if !(1..=AudioFormat::MAX_CHANNELS).contains(&channels) {
        let limit = format!("1 to {}", AudioFormat::MAX_CHANNELS);
        let found = channels.to_string();
        return Err(DecodeError::LimitExceeded { what: "the number of channels", found, limit });
    }
    Ok(())
}

/// Containers that only count channels mean the usual layout, where there is one.
fn layout(channels: &Channels) -> Channels {
    match channels {
        Channels::Discrete(1) => layouts::CHANNEL_LAYOUT_MONO,
        Channels::Discrete(2) => layouts::CHANNEL_LAYOUT_STEREO,
        Channels::Discrete(6) => layouts::CHANNEL_LAYOUT_5P1,
        Channels::Discrete(8) => layouts::CHANNEL_LAYOUT_7P1,
        told => told.clone(),
    }
}

#[cfg(test)]
mod tests {
    use symphonia::core::audio::Position;

    use super::*;

    #[test]
    fn speakers_are_named_as_in_wave_files() {
        let mask =
            |channels| AudioFormat::new(&AudioSpec::new(48_000, channels), "flac").unwrap().speaker_mask();
        assert_eq!(mask(Channels::Discrete(2)), 0x3);
        assert_eq!(mask(Channels::Discrete(6)), 0x3f);
        assert_eq!(mask(Channels::Discrete(5)), 0);
    }

    #[test]
    fn integer_codecs_are_known_by_name() {
        let is_integer = |codec: &str| {
            let spec = AudioSpec::new(48_000, Channels::Discrete(1));
            AudioFormat::new(&spec, codec).unwrap().is_integer()
        };
        let kinds = ["pcm_s24le", "pcm_f32le", "flac", "alac", "mp3", "aac", "vorbis", "opus"];
        assert_eq!(kinds.map(is_integer), [true, false, true, true, false, false, false, false]);
    }

    #[test]
    fn five_point_one_has_its_low_frequency_channel() {
        let spec = AudioSpec::new(48_000, Channels::Discrete(6));
        let format = AudioFormat::new(&spec, "pcm_s16le").unwrap();
        assert!(matches!(format.layout, Channels::Positioned(set) if set.contains(Position::LFE1)));
        assert_eq!(format.channels(), 6);
    }

    #[test]
    fn absurd_formats_are_over_the_limit() {
        for (rate, channels) in [(0, 2), (999, 2), (1_000_000, 2), (48_000, 0), (48_000, 33)] {
            let error = check_limits(rate, channels).unwrap_err();
            assert!(matches!(error, DecodeError::LimitExceeded { .. }), "{rate} Hz, {channels} channels");
        }
    }
}
