use std::io;

/// Why a recording could not be read: malformed, unsupported or over a limit. Each message names a remedy.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The bytes are not of a known media container.
    #[error("not a recording: {0}; convert it to WAV, FLAC, MP3, M4A, MP4, Ogg or WebM")]
    Unrecognised(String),
    /// The media file has no audio stream.
    #[error("the {container} file has no audio stream; give a recording with audio")]
    NoAudioStream {
        /// The container, e.g. `isomp4`.
        container: String,
    },
    /// The requested audio stream does not exist.
    #[error("there is no audio stream {wanted}: the recording has {count}, numbered from 0")]
    NoSuchStream {
        /// The requested index among the audio streams.
        wanted: usize,
        /// Number of audio streams in the file.
        count: usize,
    },
    /// Malformed: the container is known, but its content is corrupt.
    #[error("the recording is damaged: {0}; export it again from its source")]
    Undecodable(String),
    /// The format or codec is not read by any decoder here; the file may be well-formed.
    #[error("not supported: {0}; convert the audio to AAC-LC, MP3, Opus, Vorbis, FLAC or PCM")]
    Unsupported(String),
    /// Only ffmpeg decodes the recording, and ffmpeg cannot be run.
    #[error(
        "{what} is decoded with ffmpeg, which cannot be run here ({reason}): install ffmpeg, or convert the audio to AAC-LC, MP3, Opus, Vorbis, FLAC or PCM"
    )]
    FfmpegUnavailable {
        /// The container or codec that needs ffmpeg.
        what: String,
        /// Why ffmpeg cannot be run.
        reason: String,
    },
    /// A property of the recording is over its limit.
    #[error("{what} is {found}, the limit is {limit}; cut or resample the recording")]
    LimitExceeded {
        /// The property that is too large, e.g. `the sample rate`.
        what: &'static str,
        /// The value found, with its unit.
        found: String,
        /// The accepted limit or range, with its unit.
        limit: String,
    },
    /// The source of the bytes failed; the recording may be intact.
    #[error("reading the recording failed: {0}")]
    Io(#[from] io::Error),
    /// The caller cancelled the operation.
    #[error("cancelled")]
    Cancelled,
}

impl DecodeError {
    /// The error for a container whose `count` audio streams do not include `wanted`.
    pub(crate) fn missing_audio_stream(container: &str, wanted: Option<usize>, count: usize) -> Self {
        match wanted {
            Some(wanted) if count > 0 => Self::NoSuchStream { wanted, count },
            _ => Self::NoAudioStream { container: container.to_owned() },
        }
    }

    /// Whether the cause is the recording itself, and not its source, this installation or the caller. The same bytes
    /// then fail again.
    #[must_use]
    pub const fn is_about_media(&self) -> bool {
        !matches!(self, Self::Io(_) | Self::FfmpegUnavailable { .. } | Self::Cancelled)
    }
}
