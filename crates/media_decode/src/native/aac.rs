//! AAC of more than two channels, which symphonia's decoder does not support.
//!
//! Symphonia decodes AAC-LC frames with one channel element (one or two channels). So each element of a frame is
//! wrapped in a frame of its own for a separate decoder, and the decoded channels are merged. HE-AAC is left to ffmpeg:
//! without its upper band the audio would be wrong.

use oxideav_aac::asc::{AudioSpecificConfig, FrameLength};
use symphonia::core::audio::{
    AsGenericAudioBufferRef, Audio, AudioBuffer, AudioMut, AudioSpec, ChannelLabel, Channels,
    GenericAudioBufferRef, layouts,
};
use symphonia::core::codecs::CodecInfo;
use symphonia::core::codecs::audio::well_known::CODEC_ID_AAC;
use symphonia::core::codecs::audio::{
    AudioCodecParameters, AudioDecoder, AudioDecoderOptions, FinalizeResult,
};
use symphonia::core::errors::{Error, Result, decode_error, unsupported_error};
use symphonia::core::packet::PacketRef;
use symphonia::default::codecs::AacDecoder as ElementDecoder;

use super::aac_elements::{LOW_COMPLEXITY, channel_elements};

/// The index of a sampling frequency in [`RATES`]; `None` for other rates.
pub(super) fn rate_index(rate: u32) -> Option<u8> {
    RATES.iter().position(|known| *known == rate).and_then(|index| u8::try_from(index).ok())
}

/// Samples per channel in a frame.
const FRAME: usize = 1_024;
/// Sampling frequencies by index (ISO/IEC 14496-3, table 1.18), in Hz.
const RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];

static INFO: CodecInfo = CodecInfo { short_name: "aac", long_name: "Advanced Audio Coding", profiles: &[] };

/// Decodes AAC-LC of any channel configuration.
pub(super) struct MultiElementDecoder {
    params: AudioCodecParameters,
    rate_index: u8,
    /// One decoder for each channel element, in frame order, with its number of channels.
    decoders: Vec<(usize, ElementDecoder)>,
    /// The index of the frame's channel for each output channel.
    order: Vec<usize>,
    buffer: AudioBuffer<f32>,
}

impl MultiElementDecoder {
    /// # Errors
    /// `Unsupported` for other object types, frame lengths, and channels by program configuration.
    pub(super) fn new(params: &AudioCodecParameters) -> Result<Self> {
        let AacConfig { rate_index, rate, channels } = match &params.extra_data {
            Some(bytes) => from_config(bytes)?,
            // ADTS: symphonia has read the header of the first frame.
            None => from_header(params)?,
        };
        let (layout, order) = match channels {
            ChannelConfiguration::Usual(configuration) => usual_layout(configuration)?,
            ChannelConfiguration::Listed(count) => listed_layout(count)?,
        };
        let buffer = AudioBuffer::new(AudioSpec::new(rate, layout), FRAME);
        Ok(Self { params: params.clone(), rate_index, decoders: Vec::new(), order, buffer })
    }

    fn decode_elements(&mut self, packet: &PacketRef<'_>) -> Result<()> {
        let elements = channel_elements(packet.data, self.rate_index)
            .map_err(|_| Error::DecodeError("aac: a damaged frame"))?;
        let channels: usize = elements.iter().map(|element| element.channels).sum();
        if channels != self.order.len() {
            return decode_error("aac: a frame of another number of channels");
        }
        self.buffer.render_silence(Some(FRAME));
        let mut first = 0;
        for (index, element) in elements.iter().enumerate() {
            let decoder = element_decoder(&mut self.decoders, index, element.channels, self.rate_index)?;
            let frame = element.alone(packet.data);
            let decoded =
                decoder.decode_ref(&PacketRef::new(packet.track_id, packet.pts, packet.dur, &frame))?;
            copy_planes(&decoded, &mut self.buffer, |channel| {
                self.order.iter().position(|of| *of == first + channel)
            })?;
            first += element.channels;
        }
        Ok(())
    }
}

/// The decoder of the element at `index`, created when the first frame has an element at that index.
fn element_decoder(
    decoders: &mut Vec<(usize, ElementDecoder)>,
    index: usize,
    channels: usize,
    rate_index: u8,
) -> Result<&mut ElementDecoder> {
    if index == decoders.len() {
        let mut params = AudioCodecParameters::new();
        let config = u16::from(LOW_COMPLEXITY) << 11 | u16::from(rate_index) << 7 | (channels as u16) << 3;
        params.for_codec(CODEC_ID_AAC).with_extra_data(Box::new(config.to_be_bytes()));
        decoders.push((channels, ElementDecoder::try_new(&params, &AudioDecoderOptions::default())?));
    }
    match decoders.get_mut(index) {
        Some((known, decoder)) if *known == channels => Ok(decoder),
        _ => decode_error("aac: the elements of a frame changed"),
    }
}

/// Stream parameters that frames do not contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct AacConfig {
    rate_index: u8,
    /// Sample rate in Hz.
    rate: u32,
    channels: ChannelConfiguration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ChannelConfiguration {
    /// A configuration of table 1.19, 1 to 7.
    Usual(u8),
    /// The number of channels listed in a program configuration element.
    Listed(usize),
}

fn from_config(bytes: &[u8]) -> Result<AacConfig> {
    let (config, _) = AudioSpecificConfig::parse(bytes)
        .map_err(|_| Error::DecodeError("aac: the audio specific config is malformed"))?;
    if config.aot != LOW_COMPLEXITY
        || config.sbr_present
        || config.ga_body.frame_length == FrameLength::Long960
    {
        return unsupported_error("aac: an object type other than AAC-LC");
    }
    if usize::from(config.sampling_frequency_index) >= RATES.len() {
        return unsupported_error("aac: a sample rate without index");
    }
    let channels = match config.channel_configuration {
        0 => ChannelConfiguration::Listed(config.channel_count()),
        usual => ChannelConfiguration::Usual(usual),
    };
    Ok(AacConfig { rate_index: config.sampling_frequency_index, rate: config.sample_rate, channels })
}

fn from_header(params: &AudioCodecParameters) -> Result<AacConfig> {
    let rate = params.sample_rate.unwrap_or(0);
    let configuration = match params.channels.as_ref().map_or(0, Channels::count) {
        8 => Some(7),
        channels @ 1..=6 => Some(channels as u8),
        _ => None,
    };
    match (rate_index(rate), configuration) {
        (Some(rate_index), Some(usual)) => {
            Ok(AacConfig { rate_index, rate, channels: ChannelConfiguration::Usual(usual) })
        }
        _ => unsupported_error("aac: its rate or number of channels"),
    }
}

/// Speaker positions of a channel configuration (table 1.19), and the frame's channel for each: frames begin with the
/// centre channel and end with the low-frequency channel.
fn usual_layout(configuration: u8) -> Result<(Channels, Vec<usize>)> {
    let (layout, order): (Channels, &[usize]) = match configuration {
        1 => (layouts::CHANNEL_LAYOUT_MONO, &[0]),
        2 => (layouts::CHANNEL_LAYOUT_STEREO, &[0, 1]),
        3 => (layouts::CHANNEL_LAYOUT_3P0, &[1, 2, 0]),
        4 => (layouts::CHANNEL_LAYOUT_4P0, &[1, 2, 0, 3]),
        5 => (layouts::CHANNEL_LAYOUT_5P0, &[1, 2, 0, 3, 4]),
        6 => (layouts::CHANNEL_LAYOUT_5P1, &[1, 2, 0, 5, 3, 4]),
        7 => (layouts::CHANNEL_LAYOUT_7P1_WIDE_SIDE, &[3, 4, 0, 7, 1, 2, 5, 6]),
        _ => return unsupported_error("aac: this channel configuration"),
    };
    Ok((layout, order.to_vec()))
}

/// Layout of the channels of a program configuration element: in its order, without speaker positions.
fn listed_layout(count: usize) -> Result<(Channels, Vec<usize>)> {
    if count == 0 {
        return unsupported_error("aac: channels that are declared only in the frames");
    }
    let label = |index: usize| ChannelLabel::Discrete(u16::try_from(index).unwrap_or(u16::MAX));
    Ok((Channels::Custom((0..count).map(label).collect()), (0..count).collect()))
}

/// Copies each channel of `from` to the channel of `to` that `target` returns.
fn copy_planes(
    from: &GenericAudioBufferRef<'_>,
    to: &mut AudioBuffer<f32>,
    target: impl Fn(usize) -> Option<usize>,
) -> Result<()> {
    let GenericAudioBufferRef::F32(from) = from else {
        return decode_error("aac: samples of another kind");
    };
    for channel in 0..from.num_planes() {
        let source = from.plane(channel);
        let target = target(channel).and_then(|channel| to.plane_mut(channel));
        match (source, target) {
            (Some(source), Some(target)) if source.len() == target.len() => target.copy_from_slice(source),
            _ => return decode_error("aac: a frame of another length"),
        }
    }
    Ok(())
}

impl AudioDecoder for MultiElementDecoder {
    fn reset(&mut self) {
        self.decoders.clear();
    }

    fn codec_info(&self) -> &CodecInfo {
        &INFO
    }

    fn codec_params(&self) -> &AudioCodecParameters {
        &self.params
    }

    fn decode_ref(&mut self, packet: &PacketRef<'_>) -> Result<GenericAudioBufferRef<'_>> {
        self.buffer.clear();
        if let Err(error) = self.decode_elements(packet) {
            self.buffer.clear();
            return Err(error);
        }
        Ok(self.buffer.as_generic_audio_buffer_ref())
    }

    fn finalize(&mut self) -> FinalizeResult {
        FinalizeResult::default()
    }

    fn last_decoded(&self) -> GenericAudioBufferRef<'_> {
        self.buffer.as_generic_audio_buffer_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_configuration_maps_each_channel_once() {
        for configuration in 1..=7 {
            let (layout, order) = usual_layout(configuration).unwrap();
            assert_eq!(layout.count(), order.len());
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert!(sorted.iter().copied().eq(0..order.len()));
        }
    }

    #[test]
    fn he_aac_is_refused() {
        // Object type 5 (SBR), core index 7 (22.05 kHz), stereo, extension index 4 (44.1 kHz), core AAC-LC.
        let bits: u32 = 5 << 27 | 7 << 23 | 2 << 19 | 4 << 15 | 2 << 10;
        assert!(matches!(from_config(&bits.to_be_bytes()), Err(Error::Unsupported(_))));
    }
}
