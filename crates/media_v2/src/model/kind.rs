use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An unknown kind of asset or artifact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown kind `{found}`: expected one of {expected}")]
pub struct UnknownKind {
    /// The given kind, truncated to 64 characters.
    pub found: String,
    /// The known kinds, separated by commas.
    pub expected: String,
}

/// An enum whose variants are words on the wire and in the database.
macro_rules! kinds {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// All kinds, in the order of their declaration.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word on the wire and in the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownKind;

            fn from_str(text: &str) -> Result<Self, UnknownKind> {
                Self::ALL.iter().copied().find(|kind| kind.as_str() == text).ok_or_else(|| UnknownKind {
                    found: text.chars().take(64).collect(),
                    expected: [$($word),+].join(", "),
                })
            }
        }
    };
}

kinds! {
    /// The kind of an asset.
    AssetKind {
        /// Video, with or without audio.
        Video = "video",
        /// A recording with audio only.
        Audio = "audio",
        /// A still image, without audio.
        Image = "image",
        /// Any other file, or unrecognised bytes.
        Other = "other",
    }
}

kinds! {
    /// The decoder of an asset's audio, if version 1 of the prober decoded it incorrectly or not at all.
    AssetDecoder {
        /// ffmpeg, as a separate process.
        Ffmpeg = "ffmpeg",
        /// The native decoder, whose samples differ from those of version 1.
        Decode2 = "decode2",
    }
}

kinds! {
    /// The kind of an artifact.
    ArtifactKind {
        /// Events and beats of a recording (JSON).
        AudioSemanticTimeline = "audio_semantic_timeline",
        /// Words with their times (JSON).
        AsrTranscript = "asr_transcript",
        /// A single percussive hit, cut from a recording.
        AudioHit = "audio_hit",
        /// One or more repeating bars, cut from a recording.
        AudioLoop = "audio_loop",
        /// A spoken phrase, cut from a recording.
        AudioPhrase = "audio_phrase",
        /// A sample normalised to a common level.
        AudioSampleNorm = "audio_sample_norm",
        /// A sample with an effect applied.
        AudioSampleFx = "audio_sample_fx",
        /// A sample at another sample rate.
        AudioResampled = "audio_resampled",
        /// The video windows for a sequence of audio clips (JSON).
        VideoShotList = "video_shot_list",
        /// A rendered window or timeline.
        Render = "render",
        /// The part of a rendered timeline that comes from one clip.
        RenderSegment = "render_segment",
        /// A rendered window of one source.
        RenderSnippet = "render_snippet",
    }
}

impl ArtifactKind {
    /// Whether it is a measurement of a recording, whose meta must declare how it was made. See
    /// [`crate::NewArtifact::violations`].
    #[must_use]
    pub const fn is_measurement(self) -> bool {
        matches!(self, Self::AsrTranscript | Self::AudioSemanticTimeline)
    }

    /// The usual media type of the bytes, used when the artifact's meta has none.
    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::AudioSemanticTimeline | Self::AsrTranscript | Self::VideoShotList => "application/json",
            Self::AudioHit
            | Self::AudioLoop
            | Self::AudioPhrase
            | Self::AudioSampleNorm
            | Self::AudioSampleFx
            | Self::AudioResampled => "audio/wav",
            Self::Render | Self::RenderSegment | Self::RenderSnippet => "video/mp4",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_the_same_name_in_json_and_text() {
        for kind in ArtifactKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            assert_eq!(kind.as_str().parse(), Ok(*kind));
        }
        for kind in AssetKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        assert!("Video".parse::<AssetKind>().is_err());
    }
}
