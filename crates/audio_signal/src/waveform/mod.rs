//! Peaks for drawing a recording, as computed by BBC audiowaveform.
//!
//! # Rule
//!
//! Every sample is converted to a 16-bit integer. The channels of a frame are mixed to one value (their sum divided by
//! their number, truncated towards zero) or kept separate, and the lowest and the highest value of each
//! `samples_per_pixel` frames are kept; the last pixel may cover fewer frames. This is `WaveformGenerator::process` of
//! audiowaveform 1.10.
//!
//! A sample of an integer codec (PCM, FLAC, ALAC, ADPCM) is converted to its 16 highest bits, as libsndfile reads them:
//! 16-bit audio gives exactly audiowaveform's values. A sample of a floating-point codec is multiplied by 32 767,
//! truncated towards zero and limited to 16 bits, as in audiowaveform for floating-point PCM; for lossy codecs its
//! decoders round differently, so that values may differ by one or two.
//!
//! 8-bit values are the 16-bit values divided by 256, truncated towards zero (`WaveformBuffer::save`).

mod format;
mod pyramid;

use media_time::MediaTime;

pub use self::format::WaveformBits;
pub use self::pyramid::{PyramidLayout, PyramidMeter, PyramidSelection, WaveformPyramid, WaveformWindow};
use media_decode::{AudioFormat, DecodeError, Decoder, MediaInput};

use crate::SignalError;

/// Peaks of a recording, pixel by pixel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waveform {
    /// Sample rate of the recording in Hz.
    pub rate: u32,
    /// Number of channels of the peaks: 1 for a mix.
    pub channels: usize,
    /// Number of frames covered by each pixel.
    pub samples_per_pixel: u32,
    /// The lowest and the highest 16-bit value of each channel, pixel by pixel: `2 × channels` values per pixel.
    pub peaks: Vec<i16>,
}

/// Resolution of a waveform in time, and its channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaveformParams {
    /// Number of frames per pixel; clamped to [`WaveformParams::SAMPLES_PER_PIXEL`].
    pub samples_per_pixel: u32,
    /// Whether to compute peaks for each channel instead of for their mix.
    pub split_channels: bool,
}

impl WaveformParams {
    /// Supported range of frames per pixel; audiowaveform's own minimum is 2.
    pub const SAMPLES_PER_PIXEL: std::ops::RangeInclusive<u32> = 2..=1 << 24;
    /// Maximum number of pairs of peaks of all channels: three hours at 48 kHz, mixed, with 256 frames per pixel.
    pub const MAX_PAIRS: usize = 1 << 21;
}

impl Default for WaveformParams {
    fn default() -> Self {
        Self { samples_per_pixel: 256, split_channels: false }
    }
}

/// Why peaks cannot be computed.
#[derive(Debug, thiserror::Error)]
pub enum WaveformError {
    /// The recording cannot be decoded.
    #[error(transparent)]
    Signal(#[from] SignalError),
    /// There would be more peaks than [`WaveformParams::MAX_PAIRS`].
    #[error(
        "{samples_per_pixel} samples per pixel give more than {} pairs of peaks, the maximum of a waveform; use at \
         least {enough} samples per pixel",
        WaveformParams::MAX_PAIRS
    )]
    TooDetailed {
        /// The requested number of samples per pixel.
        samples_per_pixel: u32,
        /// The lowest number that is known to be accepted.
        enough: u32,
    },
}

impl From<DecodeError> for WaveformError {
    fn from(error: DecodeError) -> Self {
        Self::Signal(error.into())
    }
}

/// Decodes a recording once and computes its peaks: at most 8 MiB, regardless of its duration. `cancelled` is polled
/// after each block of audio.
///
/// # Examples
///
/// ```
/// use std::io::Cursor;
///
/// use audio_signal::{WaveformParams, waveform};
/// use media_decode::MediaInput;
///
/// # /// A WAVE file of mono samples, 16 bit.
/// # fn wav(rate: u32, samples: &[i16]) -> Vec<u8> {
/// #     let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
/// #     let [length, rate, bytes_a_second] = [data.len() as u32, rate, 2 * rate].map(u32::to_le_bytes);
/// #     let riff = (36 + data.len() as u32).to_le_bytes();
/// #     let format = b"WAVEfmt \x10\0\0\0\x01\0\x01\0";
/// #     [b"RIFF".as_slice(), &riff, format, &rate, &bytes_a_second, b"\x02\0\x10\0data", &length, &data].concat()
/// # }
/// let recording = MediaInput::from(Cursor::new(wav(8_000, &[0, 100, -50, 7, 8, 9])));
/// let params = WaveformParams { samples_per_pixel: 4, split_channels: false };
/// let peaks = waveform(&recording, &params, &|| false)?;
/// assert_eq!(peaks.channel(0).collect::<Vec<_>>(), [[-50, 100], [8, 9]], "the last pixel has two frames");
/// # Ok::<(), audio_signal::WaveformError>(())
/// ```
///
/// # Errors
/// [`WaveformError::TooDetailed`], before decoding if the container declares a duration; those of
/// [`MediaInput::decoder`] and [`Decoder::next_block`]; [`DecodeError::Cancelled`].
pub fn waveform(
    input: &MediaInput,
    params: &WaveformParams,
    cancelled: &dyn Fn() -> bool,
) -> Result<Waveform, WaveformError> {
    let mut decoder = input.decoder()?;
    let mut meter = WaveformMeter::new(decoder.format(), params);
    if let Some(expected) = decoder.expected_duration() {
        meter.check_length(expected)?;
    }
    while let Some(block) = decoder.next_block()? {
        if cancelled() {
            return Err(DecodeError::Cancelled.into());
        }
        meter.push(block.samples);
        if meter.pairs() > WaveformParams::MAX_PAIRS {
            return Err(meter.too_detailed(Decoder::MAX_DURATION));
        }
    }
    Ok(meter.finish())
}

/// Decodes a recording once and computes its peaks and levels at several resolutions, of each channel or of their mix: at
/// most 8 MiB, regardless of its duration. `cancelled` is polled after each block of audio.
///
/// # Errors
/// Those of [`MediaInput::decoder`] and [`Decoder::next_block`]; [`DecodeError::Undecodable`] when there are no samples;
/// [`DecodeError::Cancelled`].
pub fn waveform_pyramid(
    input: &MediaInput,
    split_channels: bool,
    cancelled: &dyn Fn() -> bool,
) -> Result<WaveformPyramid, WaveformError> {
    let mut decoder = input.decoder()?;
    let mut meter = PyramidMeter::new(decoder.format(), split_channels);
    while let Some(block) = decoder.next_block()? {
        if cancelled() {
            return Err(DecodeError::Cancelled.into());
        }
        meter.push(block.samples);
    }
    let empty = || DecodeError::Undecodable("it contains no audio samples".to_owned());
    Ok(meter.finish().ok_or_else(empty)?)
}

/// Computes the peaks of a stream of interleaved samples.
#[derive(Clone, Debug)]
pub struct WaveformMeter {
    waveform: Waveform,
    /// Number of channels of the stream.
    inputs: usize,
    is_integer: bool,
    /// Lowest and highest value of each channel in the incomplete pixel, and its number of frames.
    pixel: Vec<[f32; 2]>,
    frames: u32,
}

/// Initial peaks of a pixel: higher and lower than any sample.
const UNTOUCHED: [f32; 2] = [f32::INFINITY, f32::NEG_INFINITY];

impl WaveformMeter {
    /// A meter at the start of a stream with this format.
    #[must_use]
    pub fn new(format: &AudioFormat, params: &WaveformParams) -> Self {
        let (low, high) = WaveformParams::SAMPLES_PER_PIXEL.into_inner();
        let inputs = format.channels();
        let channels = if params.split_channels { inputs } else { 1 };
        let samples_per_pixel = params.samples_per_pixel.clamp(low, high);
        let waveform = Waveform { rate: format.rate, channels, samples_per_pixel, peaks: Vec::new() };
        let is_integer = format.is_integer();
        Self { waveform, inputs, is_integer, pixel: vec![UNTOUCHED; channels], frames: 0 }
    }

    /// Adds whole frames of interleaved, finite samples; the result does not depend on how they are split into calls.
    pub fn push(&mut self, mut interleaved: &[f32]) {
        while !interleaved.is_empty() {
            let missing = (self.waveform.samples_per_pixel - self.frames) as usize;
            let frames = missing.min(interleaved.len() / self.inputs);
            let (now, rest) = interleaved.split_at(frames * self.inputs);
            if now.is_empty() {
                return;
            }
            match self.is_integer {
                true => self.extend(now, of_integer),
                false => self.extend(now, of_float),
            }
            // At most `samples_per_pixel`.
            self.frames += frames as u32;
            if self.frames == self.waveform.samples_per_pixel {
                self.complete();
            }
            interleaved = rest;
        }
    }

    /// Ends the stream, including an incomplete last pixel.
    #[must_use]
    pub fn finish(mut self) -> Waveform {
        if self.frames > 0 {
            self.complete();
        }
        self.waveform
    }

    /// Number of pairs of peaks so far, of all channels.
    fn pairs(&self) -> usize {
        self.waveform.peaks.len() / 2
    }

    fn extend(&mut self, interleaved: &[f32], integer: impl Fn(f32) -> f32) {
        let frames = interleaved.chunks_exact(self.inputs);
        if let [mix] = self.pixel.as_mut_slice() {
            for frame in frames {
                touch(mix, mean(frame.iter().map(|&sample| integer(sample)).sum(), self.inputs));
            }
        } else {
            for frame in frames {
                self.pixel.iter_mut().zip(frame).for_each(|(pixel, &sample)| touch(pixel, integer(sample)));
            }
        }
    }

    fn complete(&mut self) {
        // Every value has 16 bits or is a mean of such values.
        self.waveform.peaks.extend(self.pixel.iter().flatten().map(|&peak| peak as i16));
        self.pixel.fill(UNTOUCHED);
        self.frames = 0;
    }

    fn check_length(&self, duration: MediaTime) -> Result<(), WaveformError> {
        let enough = self.enough(duration);
        if self.waveform.samples_per_pixel >= enough { Ok(()) } else { Err(self.too_detailed(duration)) }
    }

    fn too_detailed(&self, duration: MediaTime) -> WaveformError {
        let samples_per_pixel = self.waveform.samples_per_pixel;
        WaveformError::TooDetailed { samples_per_pixel, enough: self.enough(duration) }
    }

    /// The minimum number of samples per pixel for a recording of this duration.
    fn enough(&self, duration: MediaTime) -> u32 {
        let frames = duration.to_samples(self.waveform.rate).max(0).unsigned_abs();
        let pixels = (WaveformParams::MAX_PAIRS / self.waveform.channels) as u64;
        u32::try_from(frames.div_ceil(pixels)).unwrap_or(u32::MAX)
    }
}

fn touch([low, high]: &mut [f32; 2], value: f32) {
    *low = value.min(*low);
    *high = value.max(*high);
}

/// The 16 highest bits as a whole number: rounded down, as by a shift.
#[inline(always)]
fn of_integer(sample: f32) -> f32 {
    (sample * 32_768.0).floor().clamp(-32_768.0, 32_767.0)
}

/// Scales floating-point samples to whole numbers of 16 bits as audiowaveform does.
#[inline(always)]
fn of_float(sample: f32) -> f32 {
    (sample * 32_767.0).trunc().clamp(-32_768.0, 32_767.0)
}

/// The mean of whole numbers of 16 bits, rounded towards zero. Exact: their sum has at most 21 bits.
#[inline(always)]
fn mean(sum: f32, count: usize) -> f32 {
    (sum / count as f32).trunc()
}

#[cfg(test)]
mod tests {
    use symphonia::core::audio::Channels;

    use super::*;

    fn meter(codec: &str, channels: u16, params: WaveformParams) -> WaveformMeter {
        let format =
            AudioFormat { rate: 8_000, layout: Channels::Discrete(channels), codec: codec.to_owned() };
        WaveformMeter::new(&format, &params)
    }

    fn samples(values: &[i32]) -> Vec<f32> {
        values.iter().map(|&value| value as f32 / 32_768.0).collect()
    }

    #[test]
    fn the_last_pixel_may_be_short() {
        let params = WaveformParams { samples_per_pixel: 3, split_channels: false };
        let mut meter = meter("pcm_s16le", 1, params);
        meter.push(&samples(&[1, -2, 3, 400, 500, 600, -32_768]));
        assert_eq!(meter.finish().peaks, [-2, 3, 400, 600, -32_768, -32_768]);
    }

    #[test]
    fn a_mix_is_cut_towards_zero() {
        let params = WaveformParams { samples_per_pixel: 2, split_channels: false };
        let mut meter = meter("flac", 2, params);
        // Sums −3 and 5: −1 and 2, where rounding down would give −2.
        meter.push(&samples(&[-1, -2, 2, 3]));
        assert_eq!(meter.finish().peaks, [-1, 2]);
    }

    #[test]
    fn channels_stay_apart_when_asked() {
        let params = WaveformParams { samples_per_pixel: 2, split_channels: true };
        let mut meter = meter("pcm_s16le", 2, params);
        meter.push(&samples(&[10, -10, 20, -20, 7, 8]));
        let waveform = meter.finish();
        assert_eq!((waveform.channels, waveform.peaks), (2, vec![10, 20, -20, -10, 7, 7, 8, 8]));
    }

    #[test]
    fn samples_become_integers_by_their_codec() {
        let step = 1.0 / 32_768.0;
        assert_eq!(
            [0.5, 1.5, -0.5, -1.0, -1.5].map(|steps| of_integer(steps * step)),
            [0.0, 1.0, -1.0, -1.0, -2.0]
        );
        assert_eq!([1.0, -1.0, 7.5, -7.5].map(of_integer), [32_767.0, -32_768.0, 32_767.0, -32_768.0]);
        // 0.5 × 32 767 = 16 383.5.
        assert_eq!(
            [0.5, -0.5, 1.0, -1.0, 9.0, -9.0].map(of_float),
            [16_383.0, -16_383.0, 32_767.0, -32_767.0, 32_767.0, -32_768.0]
        );
    }

    #[test]
    fn enough_samples_per_pixel_are_accepted() {
        for (channels, split_channels) in [(1, false), (2, false), (2, true), (32, true)] {
            let params = |samples_per_pixel| WaveformParams { samples_per_pixel, split_channels };
            let length = Decoder::MAX_DURATION;
            let enough = meter("flac", channels, params(2)).enough(length);
            assert!(meter("flac", channels, params(enough)).check_length(length).is_ok());
            let error = meter("flac", channels, params(enough - 1)).check_length(length).unwrap_err();
            assert!(matches!(error, WaveformError::TooDetailed { enough: least, .. } if least == enough));
        }
    }
}
