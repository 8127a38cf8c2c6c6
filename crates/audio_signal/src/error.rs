use media_decode::DecodeError;

use crate::ModelError;

/// Why a recording was not analysed.
#[derive(Debug, thiserror::Error)]
pub enum SignalError {
    /// It cannot be decoded, or the caller asked to stop.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The speech detector's model, part of this program, cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),
}

impl SignalError {
    /// Is the recording itself the reason (and not the source it is read from, this installation or the caller)? The
    /// same bytes will then fail again.
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
