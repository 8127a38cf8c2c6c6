use media_decode::DecodeError;

use crate::ModelError;

/// Why a recording cannot be analysed.
#[derive(Debug, thiserror::Error)]
pub enum SignalError {
    /// The recording cannot be decoded, or the caller cancelled the analysis.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The bundled model of the speech detector cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),
}

impl SignalError {
    /// Whether the recording itself is the cause, not its source, this installation or the caller. The same bytes will
    /// then fail again.
    #[must_use]
    pub const fn is_about_media(&self) -> bool {
        matches!(self, Self::Decode(error) if error.is_about_media())
    }
}

impl From<std::io::Error> for SignalError {
    fn from(error: std::io::Error) -> Self {
        Self::Decode(error.into())
    }
}
