//! Audio codecs as ffmpeg encodes them.

use super::source::Layout;

const STUDIO: Layout = Layout { rate: 48_000, channels: 2 };
const DISC: Layout = Layout { rate: 44_100, channels: 2 };
const WIDEBAND: Layout = Layout { rate: 16_000, channels: 1 };
const TELEPHONE: Layout = Layout { rate: 8_000, channels: 1 };

/// An audio codec with its encoder settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Codec {
    pub(crate) name: &'static str,
    /// ffmpeg's encoder and its options.
    pub(crate) encoder: &'static str,
    pub(crate) layout: Layout,
    /// Samples per codec frame, the precision of a length. 1 where the codec encodes any length.
    pub(crate) frame: u32,
    /// Number of samples that encoder and decoder insert before the first one of the source.
    pub(crate) delay: u32,
    pub(crate) handling: DelayHandling,
    /// Maximum deviation of the integrated loudness caused by the encoder, in LU.
    pub(crate) loudness_lu: f64,
}

/// How a container signals the delay of its codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DelayHandling {
    /// The delay is declared, or there is none: instants are as coded.
    Stated,
    /// The delay is not declared, but the audio's timestamps begin earlier by the delay: audio and video are in sync,
    /// and all instants later than coded.
    Presented,
    /// The delay is not declared, and the audio's timestamps ignore it: the audio is late.
    AudioLate,
    /// The delay is declared, and the timestamps include it a second time: the video is late. ffmpeg writes Opus in
    /// Matroska this way.
    VideoLate,
}

impl Codec {
    pub(crate) const fn at(self, rate: u32, channels: u16) -> Self {
        Self { layout: Layout { rate, channels }, ..self }
    }

    pub(crate) const fn presented(self) -> Self {
        Self { handling: DelayHandling::Presented, ..self }
    }

    pub(crate) const fn audio_late(self) -> Self {
        Self { handling: DelayHandling::AudioLate, ..self }
    }

    pub(crate) const fn video_late(self) -> Self {
        Self { handling: DelayHandling::VideoLate, ..self }
    }

    const fn loses(self, loudness_lu: f64) -> Self {
        Self { loudness_lu, ..self }
    }

    /// Delays of the presented audio and video relative to the coded source, in ms.
    pub(crate) fn lateness_ms(&self) -> (f64, f64) {
        let delay = self.samples_ms(f64::from(self.delay));
        match self.handling {
            DelayHandling::Stated => (0.0, 0.0),
            DelayHandling::Presented => (delay, delay),
            DelayHandling::AudioLate => (delay, 0.0),
            DelayHandling::VideoLate => (0.0, delay),
        }
    }

    pub(crate) fn samples_ms(&self, samples: f64) -> f64 {
        samples * 1_000.0 / f64::from(self.layout.rate)
    }
}

const fn exact(name: &'static str, encoder: &'static str) -> Codec {
    framed(name, encoder, 1, 0)
}

const fn framed(name: &'static str, encoder: &'static str, frame: u32, delay: u32) -> Codec {
    let handling = DelayHandling::Stated;
    Codec { name, encoder, layout: STUDIO, frame, delay, handling, loudness_lu: 0.1 }
}

pub(crate) const AAC: Codec = framed("AAC", "aac -b:a 320k", 1_024, 1_024);
pub(crate) const AAC_44: Codec = Codec { name: "AAC, 44.1 kHz", layout: DISC, ..AAC };
pub(crate) const AC3: Codec = framed("AC-3", "ac3 -b:a 448k", 1_536, 256);
pub(crate) const EAC3: Codec = framed("E-AC-3", "eac3 -b:a 448k", 1_536, 256);
pub(crate) const DTS: Codec = framed("DTS", "dca -strict -2 -b:a 1411k", 512, 512);
pub(crate) const MP2: Codec = framed("MP2", "mp2 -b:a 384k", 1_152, 481);
pub(crate) const MP3: Codec = framed("MP3", "libmp3lame -b:a 256k", 1_152, 1_105);
pub(crate) const MP3_VBR: Codec =
    Codec { name: "MP3, VBR", encoder: "libmp3lame -q:a 2", layout: DISC, ..MP3 };
/// Two files: delay, padding and LAME tag of the second add up to at most four frames.
pub(crate) const MP3_JOINED: Codec = Codec { frame: 4 * 1_152, ..MP3 };
/// MPEG-2 layer 3. LAME attenuates it by 5 %.
pub(crate) const MP3_16: Codec =
    Codec { name: "MP3, 16 kHz", layout: WIDEBAND, ..framed("", "libmp3lame -b:a 128k", 576, 1_105) }
        .loses(0.6);
pub(crate) const OPUS: Codec = framed("Opus", "libopus -b:a 192k", 960, 312);
pub(crate) const VORBIS: Codec = framed("Vorbis", "libvorbis -q:a 9", 1_024, 0);
pub(crate) const WMA1: Codec = Codec { layout: DISC, ..framed("WMA 1", "wmav1 -b:a 192k", 2_048, 2_048) };
pub(crate) const WMA2: Codec = Codec { layout: DISC, ..framed("WMA 2", "wmav2 -b:a 192k", 2_048, 2_048) };
/// The decoder adds [`SPEEX_DECODER_MS`] to this delay of the encoder.
pub(crate) const SPEEX: Codec = framed("Speex", "libspeex -b:a 28k", 320, 143).at(16_000, 1).loses(1.5);
pub(crate) const SPEEX_DECODER_MS: f64 = 5.0;
/// The encoder appends a frame.
pub(crate) const NELLYMOSER: Codec = framed("Nellymoser", "nellymoser", 512, 128).at(22_050, 1).loses(0.2);
pub(crate) const GSM_MS: Codec =
    Codec { layout: TELEPHONE, ..framed("GSM 06.10", "libgsm_ms", 320, 0) }.loses(1.2);
pub(crate) const G722: Codec = Codec { layout: WIDEBAND, ..framed("G.722", "g722", 24, 22) };
pub(crate) const G726: Codec = Codec { layout: TELEPHONE, ..exact("G.726", "g726 -b:a 32k") }.loses(0.2);

pub(crate) const FLAC: Codec = exact("FLAC", "flac -strict -2");
pub(crate) const ALAC: Codec = exact("ALAC", "alac");
pub(crate) const WAVPACK: Codec = exact("WavPack", "wavpack");
pub(crate) const TTA: Codec = exact("TTA", "tta");
pub(crate) const TRUEHD: Codec = framed("TrueHD", "truehd -strict -2", 40, 0);
pub(crate) const MLP: Codec = framed("MLP", "mlp -strict -2", 40, 0);

pub(crate) const ADPCM_MS: Codec = framed("ADPCM, Microsoft", "adpcm_ms", 2_036, 0);
pub(crate) const ADPCM_IMA_WAV: Codec = framed("ADPCM, IMA", "adpcm_ima_wav", 2_041, 0);
pub(crate) const ADPCM_IMA_QT: Codec = framed("ADPCM, IMA", "adpcm_ima_qt", 64, 0);
pub(crate) const ADPCM_SWF: Codec = framed("ADPCM, Flash", "adpcm_swf", 4_096, 0).at(44_100, 2);
pub(crate) const ADPCM_YAMAHA: Codec = framed("ADPCM, Yamaha", "adpcm_yamaha", 2_048, 0);

pub(crate) const ALAW: Codec = exact("A-law", "pcm_alaw");
pub(crate) const MULAW: Codec = exact("µ-law", "pcm_mulaw");
pub(crate) const ALAW_8: Codec = Codec { name: "A-law, 8 kHz", layout: TELEPHONE, ..ALAW };
pub(crate) const MULAW_8: Codec = Codec { name: "µ-law, 8 kHz", layout: TELEPHONE, ..MULAW };
pub(crate) const U8: Codec = exact("PCM u8", "pcm_u8");
pub(crate) const S8: Codec = exact("PCM s8", "pcm_s8");
pub(crate) const S16LE: Codec = exact("PCM s16le", "pcm_s16le");
pub(crate) const S16LE_44: Codec = Codec { name: "PCM s16le, 44.1 kHz", layout: DISC, ..S16LE };
pub(crate) const S16LE_MONO: Codec = S16LE.at(48_000, 1);
pub(crate) const S16BE: Codec = exact("PCM s16be", "pcm_s16be");
pub(crate) const S24LE: Codec = exact("PCM s24le", "pcm_s24le");
pub(crate) const S24BE: Codec = exact("PCM s24be", "pcm_s24be");
pub(crate) const S32LE: Codec = exact("PCM s32le", "pcm_s32le");
pub(crate) const S32BE: Codec = exact("PCM s32be", "pcm_s32be");
pub(crate) const F32LE: Codec = exact("PCM f32le", "pcm_f32le");
pub(crate) const F32BE: Codec = exact("PCM f32be", "pcm_f32be");
pub(crate) const F64LE: Codec = exact("PCM f64le", "pcm_f64le");
pub(crate) const F64BE: Codec = exact("PCM f64be", "pcm_f64be");
pub(crate) const DVD: Codec = exact("PCM, DVD", "pcm_dvd");
pub(crate) const BLURAY: Codec = exact("PCM, Blu-ray", "pcm_bluray");
pub(crate) const S302M: Codec = exact("PCM, SMPTE 302M", "s302m -strict -2");
