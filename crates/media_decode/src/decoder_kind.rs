//! Which decoder is in use.

use std::fmt;

/// The decoder of a recording.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DecoderKind {
    /// Symphonia, in this process.
    Native,
    /// ffmpeg, with its version, e.g. `5.1`.
    Ffmpeg(String),
}

impl fmt::Display for DecoderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Native => f.write_str(crate::NATIVE_DECODER),
            Self::Ffmpeg(version) => write!(f, "ffmpeg {version}"),
        }
    }
}
