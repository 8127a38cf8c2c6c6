//! audiowaveform's data formats (`doc/DataFormat.md`), read by peaks.js, waveform-data.js and, as JSON, by wavesurfer.js.

use std::fmt::Write;

use super::{Waveform, WaveformParams};
use media_decode::AudioFormat;

/// Resolution of the written peaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaveformBits {
    /// 8-bit peaks, −128 to 127.
    Eight,
    /// 16-bit peaks, −32 768 to 32 767.
    Sixteen,
}

/// Bit 0 of the flags: peaks have 8 bits.
const EIGHT_BITS: u32 = 1;

impl WaveformBits {
    /// Number of bits: 8 or 16.
    #[must_use]
    pub const fn count(self) -> u8 {
        match self {
            Self::Eight => 8,
            Self::Sixteen => 16,
        }
    }

    /// The value of a 16-bit peak at this resolution.
    #[must_use]
    pub const fn of(self, peak: i16) -> i16 {
        match self {
            Self::Eight => peak / 256,
            Self::Sixteen => peak,
        }
    }
}

impl Waveform {
    /// Number of pixels, each with a pair of peaks for every channel.
    #[must_use]
    pub fn len(&self) -> usize {
        self.peaks.len() / (2 * self.channels.max(1))
    }

    /// Whether there are no pixels.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.peaks.is_empty()
    }

    /// Lowest and highest value of one channel (from 0), pixel by pixel; empty for a channel that does not exist.
    pub fn channel(&self, channel: usize) -> impl Iterator<Item = [i16; 2]> + '_ {
        let pixels = self.peaks.as_chunks::<2>().0;
        let from = if channel < self.channels { channel } else { pixels.len() };
        pixels.get(from..).unwrap_or_default().iter().step_by(self.channels.max(1)).copied()
    }

    /// The binary format, little-endian: version 1 for one channel, as audiowaveform writes it, version 2 for more.
    #[must_use]
    pub fn to_dat(&self, bits: WaveformBits) -> Vec<u8> {
        // The limits of formats and of decoding keep these numbers far below 2³¹.
        let version: i32 = if self.channels == 1 { 1 } else { 2 };
        let flags = if bits == WaveformBits::Eight { EIGHT_BITS } else { 0 };
        let mut bytes = Vec::with_capacity(24 + self.peaks.len() * usize::from(bits.count() / 8));
        bytes.extend_from_slice(&version.to_le_bytes());
        for field in [flags, self.rate, self.samples_per_pixel, self.len() as u32] {
            bytes.extend_from_slice(&field.to_le_bytes());
        }
        if version == 2 {
            bytes.extend_from_slice(&(self.channels as u32).to_le_bytes());
        }
        match bits {
            WaveformBits::Eight => bytes.extend(self.peaks.iter().map(|&peak| (peak / 256) as u8)),
            WaveformBits::Sixteen => bytes.extend(self.peaks.iter().flat_map(|peak| peak.to_le_bytes())),
        }
        bytes
    }

    /// Reads the output of [`Waveform::to_dat`] with 16 bits; `None` for any other data.
    #[must_use]
    pub fn from_dat(bytes: &[u8]) -> Option<Self> {
        let field = |index: usize| {
            let field = bytes.get(4 * index..)?.first_chunk::<4>()?;
            Some(u32::from_le_bytes(*field))
        };
        let (channels, header) = match field(0)? {
            1 => (1, 20),
            2 => (field(5)? as usize, 24),
            _ => return None,
        };
        let (rate, samples_per_pixel, length) = (field(2)?, field(3)?, field(4)? as usize);
        let is_supported =
            AudioFormat::RATES.contains(&rate) && (1..=AudioFormat::MAX_CHANNELS).contains(&channels);
        let is_waveform = field(1)? == 0 && WaveformParams::SAMPLES_PER_PIXEL.contains(&samples_per_pixel);
        let (peaks, rest) = bytes.get(header..)?.as_chunks::<2>();
        let is_whole = rest.is_empty() && Some(peaks.len()) == length.checked_mul(2 * channels);
        let peaks = peaks.iter().map(|peak| i16::from_le_bytes(*peak)).collect();
        (is_supported && is_waveform && is_whole).then_some(Self { rate, channels, samples_per_pixel, peaks })
    }

    /// The JSON format, version 2, with the members in audiowaveform's order and a line feed at the end.
    #[must_use]
    pub fn to_json(&self, bits: WaveformBits) -> String {
        let (Self { rate, channels, samples_per_pixel, .. }, length) = (self, self.len());
        let mut json = String::with_capacity(128 + self.peaks.len() * 5);
        // Writing to a String cannot fail.
        let _ = write!(
            json,
            r#"{{"version":2,"channels":{channels},"sample_rate":{rate},"samples_per_pixel":{samples_per_pixel},"#
        );
        let _ = write!(json, r#""bits":{},"length":{length},"data":["#, bits.count());
        for (index, &peak) in self.peaks.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let _ = write!(json, "{comma}{}", bits.of(peak));
        }
        json.push_str("]}\n");
        json
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stereo() -> Waveform {
        let peaks = vec![-256, 511, -255, 255, -32_768, 32_767, 0, 1];
        Waveform { rate: 48_000, channels: 2, samples_per_pixel: 512, peaks }
    }

    #[test]
    fn json_equals_audiowaveform() {
        assert_eq!(
            stereo().to_json(WaveformBits::Eight),
            "{\"version\":2,\"channels\":2,\"sample_rate\":48000,\"samples_per_pixel\":512,\"bits\":8,\"length\":2,\
             \"data\":[-1,1,0,0,-128,127,0,0]}\n"
        );
        assert!(stereo().to_json(WaveformBits::Sixteen).ends_with("[-256,511,-255,255,-32768,32767,0,1]}\n"));
    }

    #[test]
    fn binary_equals_audiowaveform() {
        let header = [2, 0, 0, 0, 1, 0, 0, 0, 0x80, 0xbb, 0, 0, 0, 2, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0];
        let data = [0xff, 1, 0, 0, 0x80, 0x7f, 0, 0];
        assert_eq!(stereo().to_dat(WaveformBits::Eight), [header.as_slice(), &data].concat());

        let mono = Waveform { rate: 8_000, channels: 1, samples_per_pixel: 256, peaks: vec![-2, 258] };
        let header = [1, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x1f, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0];
        assert_eq!(mono.to_dat(WaveformBits::Sixteen), [header.as_slice(), &[0xfe, 0xff, 2, 1]].concat());
    }

    #[test]
    fn binary_round_trips_and_truncation_is_rejected() {
        for waveform in [stereo(), Waveform { channels: 1, ..stereo() }] {
            let bytes = waveform.to_dat(WaveformBits::Sixteen);
            assert_eq!(Waveform::from_dat(&bytes).as_ref(), Some(&waveform));
            for cut in 0..bytes.len() {
                assert_eq!(Waveform::from_dat(&bytes[..cut]), None);
            }
        }
        assert_eq!(Waveform::from_dat(&stereo().to_dat(WaveformBits::Eight)), None);
    }

    #[test]
    fn channel_selects_the_peaks_of_one_channel() {
        assert_eq!(stereo().channel(1).collect::<Vec<_>>(), [[-255, 255], [0, 1]]);
        assert_eq!(stereo().channel(2).count(), 0);
    }
}
