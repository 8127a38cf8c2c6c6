use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A word that names no kind of asset or artifact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown kind `{found}`: expected one of {expected}")]
pub struct UnknownKind {
    /// What was given.
    pub found: String,
    /// The kinds there are.
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
            /// Every kind.
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
    /// What an asset is.
    AssetKind {
        /// Pictures, with or without sound.
        Video = "video",
        /// Sound alone.
        Audio = "audio",
        /// A still picture.
        Image = "image",
        /// Anything else, or bytes that tell nothing.
        Other = "other",
    }
}

kinds! {
    /// How the audio of an asset is decoded, where version 1 of the prober decoded it wrongly or not at all.
    AssetDecoder {
        /// By ffmpeg.
        Ffmpeg = "ffmpeg",
        /// In this process, with other samples than version 1 gave.
        Decode2 = "decode2",
    }
}

kinds! {
    /// What an artifact is.
    ArtifactKind {
        /// Events and beats of a recording (JSON).
        AudioSemanticTimeline = "audio_semantic_timeline",
        /// Words with their times (JSON).
        AsrTranscript = "asr_transcript",
        /// One struck sound, cut out.
        AudioHit = "audio_hit",
        /// A repeating bar or more, cut out.
        AudioLoop = "audio_loop",
        /// A spoken phrase, cut out.
        AudioPhrase = "audio_phrase",
        /// A sample brought to a common level.
        AudioSampleNorm = "audio_sample_norm",
        /// A sample with an effect.
        AudioSampleFx = "audio_sample_fx",
        /// A sample at another rate.
        AudioResampled = "audio_resampled",
        /// Which video windows accompany a sequence of sounds (JSON).
        VideoShotList = "video_shot_list",
        /// A rendered file.
        Render = "render",
        /// A part of a render.
        RenderSegment = "render_segment",
        /// A rendered window of one source.
        RenderSnippet = "render_snippet",
    }
}

impl ArtifactKind {
    /// Is it the result of measuring a recording, whose meta must say how? See [`crate::NewArtifact`].
    #[must_use]
    pub const fn is_measurement(self) -> bool {
        matches!(self, Self::AsrTranscript | Self::AudioSemanticTimeline)
    }

    /// The usual type of its bytes, where the artifact does not say.
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
    fn words_are_the_same_everywhere() {
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
