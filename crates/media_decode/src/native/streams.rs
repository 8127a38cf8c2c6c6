//! The audio streams of a container, and the decoder of each.

use symphonia::core::codecs::audio::well_known as codecs;
use symphonia::core::codecs::audio::{AudioCodecId, AudioCodecParameters};
use symphonia::core::formats::Track;

use super::aac_elements;
use super::audio_track::AudioTrack;
use super::codec::{CODECS, codec_name};
use super::matroska_tracks::MatroskaTrack;
use super::mp4::MovieTrack;

/// One audio stream of a container.
#[derive(Clone, Debug)]
pub(crate) struct AudioStream {
    /// Whether the stream is marked as the default one.
    pub(crate) is_default: bool,
    /// Short name of the codec.
    pub(crate) codec: String,
    /// Language as the container declares it, if it does.
    pub(crate) language: Option<String>,
    /// The track as symphonia reads it; `None` when symphonia does not know the codec.
    pub(crate) track: Option<AudioTrack>,
    /// The codec or format that needs ffmpeg; `None` when the stream is decoded in this process.
    pub(crate) ffmpeg_only: Option<String>,
    /// Whether the stream is decoded differently than by symphonia alone.
    pub(crate) is_repaired: bool,
}

impl AudioStream {
    pub(super) fn new(track: Option<&Track>) -> Self {
        let language = track.and_then(|track| declared_language(track.language.as_deref()?));
        let track = track.and_then(AudioTrack::from_track);
        let codec = track.as_ref().map_or_else(|| "unknown".to_owned(), |track| codec_name(&track.params));
        let ffmpeg_only = match &track {
            Some(track) => ffmpeg_only(&track.params, &codec),
            None => Some(codec.clone()),
        };
        let is_repaired = track.as_ref().is_some_and(|track| track.is_repaired);
        Self { is_default: false, codec, language, track, ffmpeg_only, is_repaired }
    }

    pub(super) fn of_movie(entry: &MovieTrack, track: Option<&Track>) -> Self {
        let mut stream = Self { is_default: entry.is_enabled, ..Self::new(track) };
        if let Some(pcm) = pcm_codec(&entry.codec, entry.is_little_endian)
            && let Some(track) = &mut stream.track
        {
            stream.is_repaired |= track.params.codec != pcm;
            track.params.codec = pcm;
            stream.codec = codec_name(&track.params);
        }
        stream.language = entry.language.as_deref().and_then(declared_language).or(stream.language);
        stream.name_after(&String::from_utf8_lossy(&entry.codec));
        stream
    }

    pub(super) fn of_matroska(entry: &MatroskaTrack, track: Option<&Track>) -> Self {
        let mut stream = Self { is_default: entry.is_default, ..Self::new(track) };
        stream.name_after(&entry.codec_id);
        if entry.is_encoded {
            stream.ffmpeg_only = Some(format!("Matroska with compressed frames ({})", stream.codec));
        }
        stream
    }

    /// Names a codec that symphonia does not know after the container's own name for it.
    fn name_after(&mut self, name: &str) {
        let is_known = self
            .track
            .as_ref()
            .is_some_and(|track| track.params.codec != symphonia::core::codecs::audio::CODEC_ID_NULL_AUDIO);
        if !is_known || self.codec == super::codec::UNKNOWN {
            let printable = |c: &char| c.is_ascii_graphic();
            let name: String = name.chars().filter(printable).collect();
            self.codec = container_codec(&name).map_or(name.to_lowercase(), str::to_owned);
            self.ffmpeg_only = Some(self.codec.clone());
        }
    }
}

/// Common names of codecs by their names in MP4, QuickTime and Matroska.
fn container_codec(name: &str) -> Option<&'static str> {
    Some(match name {
        "samr" => "amr_nb",
        "sawb" => "amr_wb",
        "ac-3" | "A_AC3" => "ac3",
        "ec-3" | "A_EAC3" => "eac3",
        "ima4" => "adpcm_ima_qt",
        "dtsc" | "dtse" | "dtsh" | "dtsl" | "A_DTS" => "dts",
        "A_TTA1" => "tta",
        "A_WAVPACK4" => "wavpack",
        "A_MS/ACM" => "acm",
        _ => return None,
    })
}

/// The name of a codec that is not decoded in this process, because no decoder supports it or only a part of it.
fn ffmpeg_only(params: &AudioCodecParameters, name: &str) -> Option<String> {
    if params.codec == codecs::CODEC_ID_AAC {
        let config = params.extra_data.as_deref();
        return config.is_some_and(aac_elements::config_has_sbr).then(|| "HE-AAC".to_owned());
    }
    CODECS.get_audio_decoder(params.codec).is_none().then(|| name.to_owned())
}

/// The codec of QuickTime PCM whose byte order is declared by an `enda` box, which symphonia does not read.
const fn pcm_codec(entry: &[u8; 4], is_little_endian: bool) -> Option<AudioCodecId> {
    Some(match (entry, is_little_endian) {
        (b"in24", false) => codecs::CODEC_ID_PCM_S24BE,
        (b"in24", true) => codecs::CODEC_ID_PCM_S24LE,
        (b"in32", false) => codecs::CODEC_ID_PCM_S32BE,
        (b"in32", true) => codecs::CODEC_ID_PCM_S32LE,
        (b"fl32", false) => codecs::CODEC_ID_PCM_F32BE,
        (b"fl32", true) => codecs::CODEC_ID_PCM_F32LE,
        (b"fl64", false) => codecs::CODEC_ID_PCM_F64BE,
        (b"fl64", true) => codecs::CODEC_ID_PCM_F64LE,
        _ => return None,
    })
}

/// A language code (ISO 639-2 or BCP 47) that a file declares; `None` if it is undetermined or no code.
pub(crate) fn declared_language(code: &str) -> Option<String> {
    /// The longest tag that BCP 47 requires to be supported.
    const MAX_LENGTH: usize = 35;
    let is_code = code.len() >= 2
        && code.len() <= MAX_LENGTH
        && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (is_code && !code.eq_ignore_ascii_case("und")).then(|| code.to_owned())
}

/// Index of the stream that is used: `wanted`, else the first that is marked as default, else the first.
pub(crate) fn choose(defaults: impl ExactSizeIterator<Item = bool>, wanted: Option<usize>) -> Option<usize> {
    let count = defaults.len();
    let first_default = || defaults.enumerate().find(|(_, is_default)| *is_default).map(|(index, _)| index);
    wanted.or_else(|| first_default().or(Some(0))).filter(|index| *index < count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undetermined_and_malformed_languages_are_none() {
        for (code, expected) in [("eng", true), ("pt-BR", true), ("und", false), ("", false), ("a\0b", false)]
        {
            assert_eq!(declared_language(code).is_some(), expected, "{code:?}");
        }
        assert_eq!(declared_language(&"x".repeat(36)), None);
    }

    #[test]
    fn default_stream_is_chosen_before_the_first() {
        let chosen = |defaults: &[bool], wanted| choose(defaults.iter().copied(), wanted);
        assert_eq!(chosen(&[], None), None);
        assert_eq!(chosen(&[false, false], None), Some(0));
        assert_eq!(chosen(&[false, true, true], None), Some(1));
        assert_eq!(chosen(&[true, false], Some(1)), Some(1));
        assert_eq!(chosen(&[true], Some(1)), None);
    }
}
