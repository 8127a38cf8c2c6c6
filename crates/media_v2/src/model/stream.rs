use media_decode::AudioInfo;
use serde::{Deserialize, Serialize};

/// An audio stream of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AudioStream {
    /// Index among the audio streams of the file: the value of `audio_stream` in requests.
    pub index: u32,
    /// Short name of the codec, e.g. `aac`.
    pub codec: String,
    /// Number of channels; null if not declared.
    pub channels: Option<u32>,
    /// Sample rate in Hz; null if not declared.
    pub sample_rate: Option<u32>,
    /// Language as the file declares it (ISO 639-2 or BCP 47); null if it declares none.
    pub language: Option<String>,
    /// Whether it is used by requests without `audio_stream`.
    pub is_default: bool,
}

/// Maximum length of a codec's name, in characters: names of unknown codecs are copied from the file.
const MAX_CODEC_CHARS: usize = 64;

impl AudioStream {
    /// Maximum number of streams that are listed.
    pub const MAX: usize = 256;

    /// The only audio stream of a file that this service made.
    #[must_use]
    pub fn only(codec: &str, channels: u32, sample_rate: u32) -> Self {
        Self {
            index: 0,
            codec: codec.to_owned(),
            channels: Some(channels),
            sample_rate: Some(sample_rate),
            language: None,
            is_default: true,
        }
    }

    /// The first [`MAX`](Self::MAX) streams that a probe found.
    pub(crate) fn of_probe(streams: &[AudioInfo]) -> Vec<Self> {
        let stream = |(index, info): (u32, &AudioInfo)| Self {
            index,
            codec: info.codec.chars().filter(|c| !c.is_control()).take(MAX_CODEC_CHARS).collect(),
            channels: info.channels.map(u32::from),
            sample_rate: info.rate,
            language: info.language.clone(),
            is_default: info.is_default,
        };
        (0..).zip(streams).take(Self::MAX).map(stream).collect()
    }
}
