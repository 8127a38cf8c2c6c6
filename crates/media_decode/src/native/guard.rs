//! Contains errors and panics of symphonia.

use std::panic::{AssertUnwindSafe, catch_unwind};

use symphonia::core::errors::Error;

use super::metered::{Allowance, READ_LIMIT};
use crate::DecodeError;

/// The failure of a call into symphonia.
pub(super) enum SymphoniaFailure {
    /// The call returned an error.
    Error(Error),
    /// The call panicked: hostile bytes caused an out-of-range index or an arithmetic overflow. The state of the called
    /// object must not be used again.
    Panic,
}

/// Calls symphonia, or a codec used by it, and catches panics.
///
/// Demuxers and decoders of about twenty formats run here on uploaded, untrusted bytes. They are safe Rust (and
/// libopus), so a bug in them is a panic and not memory corruption. Catching it costs one file and not the worker
/// thread. On [`SymphoniaFailure::Panic`] the caller must drop the object that panicked.
pub(super) fn guarded<T>(call: impl FnOnce() -> Result<T, Error>) -> Result<T, SymphoniaFailure> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(SymphoniaFailure::Error),
        Err(_) => Err(SymphoniaFailure::Panic),
    }
}

impl SymphoniaFailure {
    /// Converts the failure into an error of the recording; `what` names the part that was read.
    pub(super) fn into_decode_error(self, what: &str, allowance: &Allowance) -> DecodeError {
        let error = match self {
            Self::Panic => return DecodeError::Undecodable(format!("{what}: its content is malformed")),
            Self::Error(error) => error,
        };
        match error {
            Error::IoError(_) if allowance.is_spent() => DecodeError::LimitExceeded {
                what: "a header or packet",
                found: "larger".to_owned(),
                limit: format!("{} MiB", READ_LIMIT >> 20),
            },
            Error::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                DecodeError::Undecodable(format!("{what}: it ends too early"))
            }
            Error::IoError(error) if allowance.source_failed() => DecodeError::Io(error),
            Error::IoError(error) => DecodeError::Undecodable(format!("{what}: {error}")),
            Error::Unsupported(feature) if feature.contains("probe") => {
                DecodeError::Unrecognised("no known container was found".to_owned())
            }
            // Symphonia reports a missing index as unsupported; the file is malformed.
            Error::Unsupported(feature) if feature.contains("missing") => {
                DecodeError::Undecodable(format!("{what}: {feature}"))
            }
            Error::Unsupported(feature) => DecodeError::Unsupported(feature.to_owned()),
            Error::LimitError(limit) => DecodeError::LimitExceeded {
                what: "a part of the file",
                found: "larger".to_owned(),
                limit: limit.to_owned(),
            },
            other => DecodeError::Undecodable(format!("{what}: {other}")),
        }
    }
}
