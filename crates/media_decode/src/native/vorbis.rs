//! Vorbis of more than two channels.
//!
//! Symphonia 0.6 undoes channel coupling in the order of the header, but the specification (§4.3.5) requires the
//! reverse order. With one coupled pair both are the same; with surround audio, whose couplings share channels, the
//! samples are wrong. `lewton` follows the specification.

use lewton::audio::{PreviousWindowRight, read_audio_packet_generic};
use lewton::header::{IdentHeader, SetupHeader, read_header_ident, read_header_setup};
use symphonia::core::audio::{
    AsGenericAudioBufferRef, AudioBuffer, AudioMut, AudioSpec, Channels, GenericAudioBufferRef, layouts,
};
use symphonia::core::codecs::CodecInfo;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, FinalizeResult};
use symphonia::core::errors::{Error, Result, decode_error};
use symphonia::core::packet::PacketRef;

/// Length of the identification header, in bytes (§4.2.2).
const IDENT_LENGTH: usize = 30;
/// Offset of the number of channels in that header.
const CHANNELS_AT: usize = 11;

static INFO: CodecInfo = CodecInfo { short_name: "vorbis", long_name: "Vorbis", profiles: &[] };

/// Decodes Vorbis of any number of channels.
pub(super) struct SurroundDecoder {
    params: AudioCodecParameters,
    ident: IdentHeader,
    setup: SetupHeader,
    overlap: PreviousWindowRight,
    /// The index of the stream's channel for each output channel; `None` when the order is the same.
    order: Option<&'static [usize]>,
    buffer: AudioBuffer<f32>,
}

/// The number of channels that a Vorbis header declares; 0 without a header.
pub(super) fn channels(params: &AudioCodecParameters) -> u8 {
    params.extra_data.as_ref().and_then(|header| header.get(CHANNELS_AT)).copied().unwrap_or(0)
}

impl SurroundDecoder {
    /// # Errors
    /// When a header is damaged.
    pub(super) fn new(params: &AudioCodecParameters) -> Result<Self> {
        let headers = params.extra_data.as_deref().unwrap_or_default();
        let (Some(ident), Some(setup)) = (headers.get(..IDENT_LENGTH), headers.get(IDENT_LENGTH..)) else {
            return decode_error("vorbis: truncated headers");
        };
        let damaged = |_| Error::DecodeError("vorbis: a damaged header");
        let ident = read_header_ident(ident).map_err(damaged)?;
        let sizes = (ident.blocksize_0, ident.blocksize_1);
        let setup = read_header_setup(setup, ident.audio_channels, sizes).map_err(damaged)?;
        let (layout, order) = layout(ident.audio_channels);
        let largest = 1 << ident.blocksize_1;
        let buffer = AudioBuffer::new(AudioSpec::new(ident.audio_sample_rate, layout), largest);
        let overlap = PreviousWindowRight::new();
        Ok(Self { params: params.clone(), ident, setup, overlap, order, buffer })
    }

    fn decode_planes(&mut self, packet: &[u8]) -> Result<()> {
        let planes: Vec<Vec<f32>> =
            read_audio_packet_generic(&self.ident, &self.setup, packet, &mut self.overlap)
                .map_err(|_| Error::DecodeError("vorbis: a damaged packet"))?;
        let frames = planes.first().map_or(0, Vec::len);
        if frames > self.buffer.capacity() {
            return decode_error("vorbis: a block that is too long");
        }
        self.buffer.render_silence(Some(frames));
        for channel in 0..planes.len() {
            let source = planes.get(self.order.map_or(channel, |order| order[channel]));
            match (source, self.buffer.plane_mut(channel)) {
                (Some(source), Some(target)) if source.len() == target.len() => {
                    target.copy_from_slice(source)
                }
                _ => return decode_error("vorbis: channels of different lengths"),
            }
        }
        Ok(())
    }
}

/// Speaker positions of the channels (§4.3.9), and the stream's channel for each.
fn layout(channels: u8) -> (Channels, Option<&'static [usize]>) {
    let (layout, order): (Channels, &[usize]) = match channels {
        1 => (layouts::CHANNEL_LAYOUT_MONO, &[0]),
        2 => (layouts::CHANNEL_LAYOUT_STEREO, &[0, 1]),
        3 => (layouts::CHANNEL_LAYOUT_3P0, &[0, 2, 1]),
        4 => (layouts::CHANNEL_LAYOUT_4P0_QUAD, &[0, 1, 2, 3]),
        5 => (layouts::CHANNEL_LAYOUT_5P0, &[0, 2, 1, 3, 4]),
        6 => (layouts::CHANNEL_LAYOUT_5P1, &[0, 2, 1, 5, 3, 4]),
        7 => (layouts::CHANNEL_LAYOUT_6P1, &[0, 2, 1, 6, 5, 3, 4]),
        8 => (layouts::CHANNEL_LAYOUT_7P1, &[0, 2, 1, 7, 5, 6, 3, 4]),
        more => return (Channels::Discrete(u16::from(more)), None),
    };
    (layout, Some(order))
}

impl AudioDecoder for SurroundDecoder {
    fn reset(&mut self) {
        self.overlap = PreviousWindowRight::new();
    }

    fn codec_info(&self) -> &CodecInfo {
        &INFO
    }

    fn codec_params(&self) -> &AudioCodecParameters {
        &self.params
    }

    fn decode_ref(&mut self, packet: &PacketRef<'_>) -> Result<GenericAudioBufferRef<'_>> {
        self.buffer.clear();
        if let Err(error) = self.decode_planes(packet.data) {
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
    fn every_layout_maps_each_channel_once() {
        for channels in 1..=12 {
            let (layout, order) = layout(channels);
            assert_eq!(layout.count(), usize::from(channels));
            if let Some(order) = order {
                let mut sorted = order.to_vec();
                sorted.sort_unstable();
                assert!(sorted.into_iter().eq(0..usize::from(channels)));
            }
        }
    }
}
