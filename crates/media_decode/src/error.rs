use std::io;

/// Why a recording could not be read. Tells malformed from unsupported from over a limit, and names the remedy.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The bytes are of no media container that is known.
    #[error("not a recording: {0}; convert it to WAV, FLAC, MP3, M4A, MP4, Ogg or WebM")]
    Unrecognised(String),
    /// A media file without audio.
    #[error("the {container} file has no audio stream; give a recording with audio")]
    NoAudioStream {
        /// The container, e.g. `isomp4`.
        container: String,
    },
    /// The audio stream asked for does not exist.
    #[error("there is no audio stream {wanted}: the recording has {count}, numbered from 0")]
    NoSuchStream {
        /// The index asked for.
        wanted: usize,
        /// How many audio streams there are.
        count: usize,
    },
    /// Malformed: the container is known, its content is broken.
    #[error("the recording is damaged: {0}; export it again from its source")]
    Undecodable(String),
    /// Well-formed perhaps, but of a kind that no decoder here reads.
    #[error("not supported: {0}; convert the audio to AAC-LC, MP3, Opus, Vorbis, FLAC or PCM")]
    Unsupported(String),
    /// Only ffmpeg reads it, and ffmpeg cannot be run.
    #[error(
        "{what} is decoded with ffmpeg, which cannot be run here ({reason}): install ffmpeg, or convert the audio to AAC-LC, MP3, Opus, Vorbis, FLAC or PCM"
    )]
    FfmpegUnavailable {
        /// The container, or the codec in it.
        what: String,
        /// Why ffmpeg cannot be run.
        reason: String,
    },
    /// Larger than what is accepted.
    #[error("{what} is {found}, the limit is {limit}; cut or resample the recording")]
    LimitExceeded {
        /// What is too large, e.g. `sample rate`.
        what: &'static str,
        /// How large it is, with its unit.
        found: String,
        /// What is accepted, with its unit.
        limit: String,
    },
    /// The source of the bytes failed; the recording may be intact.
    #[error("reading the recording failed: {0}")]
    Io(#[from] io::Error),
    /// The caller asked to stop.
    #[error("cancelled")]
    Cancelled,
}

impl DecodeError {
    /// Why none of `count` audio streams of a container is `wanted`.
    pub(crate) fn missing_audio_stream(container: &str, wanted: Option<usize>, count: usize) -> Self {
        match wanted {
            Some(wanted) if count > 0 => Self::NoSuchStream { wanted, count },
            _ => Self::NoAudioStream { container: container.to_owned() },
        }
    }

    /// Is the recording itself the reason (and not the source it is read from, this installation or the caller)? The
    /// same bytes will then fail again.
    #[must_use]
    pub const fn is_about_media(&self) -> bool {
        !matches!(self, Self::Io(_) | Self::FfmpegUnavailable { .. } | Self::Cancelled)
    }
}
