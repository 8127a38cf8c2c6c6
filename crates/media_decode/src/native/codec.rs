//! Decodes packets into samples.

use std::sync::LazyLock;

use symphonia::core::audio::AudioSpec;
use symphonia::core::codecs::audio::well_known::{CODEC_ID_AAC, CODEC_ID_OPUS, CODEC_ID_VORBIS};
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::codecs::registry::CodecRegistry;
use symphonia::core::errors::Error;
use symphonia::core::packet::Packet;
use symphonia::core::units::Duration;

use super::aac::MultiElementDecoder;
use super::guard::{SymphoniaFailure, guarded};
use super::metered::Allowance;
use super::vorbis;
use crate::DecodeError;
use crate::samples::silence_bad_samples;

/// Registry of all codecs that are decoded in this process.
pub(super) static CODECS: LazyLock<CodecRegistry> = LazyLock::new(|| {
    let mut registry = CodecRegistry::new();
    symphonia::default::register_enabled_codecs(&mut registry);
    registry.register_audio_decoder::<symphonia_adapter_libopus::OpusDecoder>();
    registry
});

/// A decoder of one track.
pub(super) struct Codec {
    decoder: Box<dyn AudioDecoder>,
    params: AudioCodecParameters,
    pub(super) name: &'static str,
}

/// The result of decoding a packet.
pub(super) enum Decoded {
    /// `count` frames are in the buffer; `bad_samples` of their samples were set to zero.
    Frames { count: usize, spec: AudioSpec, bad_samples: u64 },
    /// The packet could not be decoded.
    Damaged,
}

impl Codec {
    /// # Errors
    /// [`DecodeError::Unsupported`] for a codec or profile that is not implemented,
    /// [`DecodeError::Undecodable`] for a corrupt codec header.
    pub(super) fn new(params: &AudioCodecParameters) -> Result<Self, DecodeError> {
        let params = without_pre_skip(params);
        let name = CODECS.get_audio_decoder(params.codec).map(|codec| codec.codec.info.short_name);
        let Some(name) = name else {
            return Err(DecodeError::Unsupported(format!("the codec {}", codec_name(&params))));
        };
        let decoder = guarded(|| make_decoder(&params))
            .map_err(|failure| failure.into_decode_error("its codec header", &Allowance::full()))?;
        Ok(Self { decoder, params, name })
    }

    /// Decodes `packet` into `samples` (interleaved). Samples are not trimmed here: the timeline trims them.
    pub(super) fn decode(&mut self, packet: &mut Packet, samples: &mut Vec<f32>) -> Decoded {
        samples.clear();
        packet.trim_start = Duration::ZERO;
        packet.trim_end = Duration::ZERO;
        let decoder = &mut self.decoder;
        let result = guarded(|| {
            let buffer = decoder.decode(packet)?;
            buffer.copy_to_vec_interleaved::<f32>(samples);
            Ok((buffer.frames(), buffer.spec().clone()))
        });
        match result {
            Ok((count, spec)) => Decoded::Frames { count, spec, bad_samples: silence_bad_samples(samples) },
            Err(failure) => {
                if matches!(failure, SymphoniaFailure::Panic) {
                    self.rebuild();
                }
                Decoded::Damaged
            }
        }
    }

    /// Replaces the decoder with a new one. If that fails, the old decoder stays: each call to it is guarded.
    pub(super) fn rebuild(&mut self) {
        if let Ok(fresh) = Self::new(&self.params) {
            *self = fresh;
        }
    }
}

/// Creates symphonia's decoder, or a replacement for codecs that symphonia does not support (AAC of more than two
/// channels) or decodes incorrectly (Vorbis of more than two channels).
fn make_decoder(params: &AudioCodecParameters) -> Result<Box<dyn AudioDecoder>, Error> {
    if params.codec == CODEC_ID_VORBIS && vorbis::channels(params) > 2 {
        return Ok(Box::new(vorbis::SurroundDecoder::new(params)?));
    }
    match CODECS.make_audio_decoder(params, &AudioDecoderOptions::default()) {
        Err(Error::Unsupported(_)) if params.codec == CODEC_ID_AAC => {
            Ok(Box::new(MultiElementDecoder::new(params)?))
        }
        result => result,
    }
}

/// The parameters with the pre-skip of an Opus header set to zero: the timeline drops those samples, so the decoder
/// must not.
fn without_pre_skip(params: &AudioCodecParameters) -> AudioCodecParameters {
    let mut params = params.clone();
    if params.codec == CODEC_ID_OPUS
        && let Some(skip) = params.extra_data.as_mut().and_then(|header| header.get_mut(10..12))
    {
        skip.fill(0);
    }
    params
}

/// The pre-skip of an Opus header (RFC 7845 §5.1), in samples at 48 kHz; 0 for other codecs.
pub(super) fn pre_skip(params: &AudioCodecParameters) -> u32 {
    match params.extra_data.as_deref().and_then(|header| header.get(10..12)) {
        Some(&[low, high]) if params.codec == CODEC_ID_OPUS => u32::from(u16::from_le_bytes([low, high])),
        _ => 0,
    }
}

/// Name of a codec without a known name.
pub(crate) const UNKNOWN: &str = "unknown";

/// Short name of a codec, whether or not it is implemented.
pub(crate) fn codec_name(params: &AudioCodecParameters) -> String {
    use symphonia::core::codecs::audio::well_known as id;
    if let Some(known) = CODECS.get_audio_decoder(params.codec) {
        return known.codec.info.short_name.to_owned();
    }
    let name = match params.codec {
        id::CODEC_ID_AC3 => "ac3",
        id::CODEC_ID_EAC3 => "eac3",
        id::CODEC_ID_AC4 => "ac4",
        id::CODEC_ID_DCA => "dts",
        id::CODEC_ID_TRUEHD => "truehd",
        id::CODEC_ID_WMA => "wma",
        id::CODEC_ID_SPEEX => "speex",
        id::CODEC_ID_WAVPACK => "wavpack",
        id::CODEC_ID_MUSEPACK => "musepack",
        id::CODEC_ID_TTA => "tta",
        id::CODEC_ID_MONKEYS_AUDIO => "ape",
        _ => UNKNOWN,
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opus_pre_skip_is_read_and_hidden() {
        let mut params = AudioCodecParameters::new();
        params
            .for_codec(CODEC_ID_OPUS)
            .with_extra_data(Box::from(*b"OpusHead\x01\x02\x38\x01\x80\xbb\0\0\0\0\0"));
        assert_eq!(pre_skip(&params), 312);
        assert_eq!(pre_skip(&without_pre_skip(&params)), 0);
    }
}
