//! The format of decoded audio: sample rate, channels and speaker positions.

use symphonia::core::audio::{AudioSpec, Channels, layouts};

use crate::DecodeError;

/// The format of a recording's samples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioFormat {
    /// Sample rate in Hz; within [`AudioFormat::RATES`].
    pub rate: u32,
    /// Speaker position of each channel, in the order of the interleaved samples. A recording that declares only the
    /// number of its channels is treated as mono, stereo, 5.1 or 7.1.
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

    /// The channels as the `dwChannelMask` of a WAVE file, in whose order the samples are; 0 when one of them has no
    /// bit in the mask.
    #[must_use]
    pub fn speaker_mask(&self) -> u32 {
        /// `SPEAKER_FRONT_LEFT` to `SPEAKER_TOP_BACK_RIGHT`; symphonia uses the same bits.
        const NAMED: u64 = (1 << 18) - 1;
        match &self.layout {
            Channels::Positioned(set) if set.bits() & !NAMED == 0 => set.bits() as u32,
            _ => 0,
        }
    }

    /// Whether the coded samples are integers. They are then multiples of 2⁻²³ or coarser, and exact as `f32`.
    #[must_use]
    pub fn is_integer(&self) -> bool {
        const INTEGER: [&str; 8] = ["pcm_", "flac", "alac", "adpcm", "wavpack", "ape", "tak", "tta"];
        !self.codec.starts_with("pcm_f") && INTEGER.iter().any(|name| self.codec.starts_with(name))
    }

    /// The format from a decoder's output specification.
    pub(crate) fn new(spec: &AudioSpec, codec: &str) -> Result<Self, DecodeError> {
        check_limits(spec.rate(), spec.channels().count())?;
        Ok(Self { rate: spec.rate(), layout: layout(spec.channels()), codec: codec.to_owned() })
    }
}

/// Rejects sample rates and channel counts outside the accepted ranges.
///
/// # Errors
/// [`DecodeError::LimitExceeded`] outside [`AudioFormat::RATES`] or 1 to [`AudioFormat::MAX_CHANNELS`].
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

/// The layout of `channels`; a bare channel count becomes the usual layout of that count, if there is one.
fn layout(channels: &Channels) -> Channels {
    match channels {
        Channels::Discrete(1) => layouts::CHANNEL_LAYOUT_MONO,
        Channels::Discrete(2) => layouts::CHANNEL_LAYOUT_STEREO,
        Channels::Discrete(6) => layouts::CHANNEL_LAYOUT_5P1,
        Channels::Discrete(8) => layouts::CHANNEL_LAYOUT_7P1,
        declared => declared.clone(),
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
