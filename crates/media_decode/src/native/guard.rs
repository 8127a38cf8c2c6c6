//! Keeps what goes wrong inside symphonia inside.

use std::panic::{AssertUnwindSafe, catch_unwind};

use symphonia::core::errors::Error;

use super::metered::Allowance;
use crate::DecodeError;

/// What a call into symphonia came to.
pub(super) enum Failure {
    /// It returned an error.
    Error(Error),
    /// It panicked: an index or an arithmetic overflow that hostile bytes found. Its state is not to be used
    /// again.
    Panic,
}

/// Calls into symphonia, or a codec under it.
///
/// Demuxers and decoders of some twenty formats run here on bytes that strangers upload. They are safe Rust
/// (and libopus), so a bug in them is a panic and not memory corruption; caught here, it costs one file and
/// not the worker thread. Whoever gets [`Failure::Panic`] drops the object that panicked.
pub(super) fn guarded<T>(call: impl FnOnce() -> Result<T, Error>) -> Result<T, Failure> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(Failure::Error),
        Err(_) => Err(Failure::Panic),
    }
}

impl Failure {
    /// As an error of the whole recording, found while doing `what`.
    pub(super) fn into_decode_error(self, what: &str, allowance: &Allowance) -> DecodeError {
        let error = match self {
            Self::Panic => return DecodeError::Undecodable(format!("{what}: its content makes no sense")),
            Self::Error(error) => error,
        };
        match error {
            Error::IoError(_) if allowance.is_spent() => DecodeError::LimitExceeded {
                what: "what must be read at once",
                found: "larger".to_owned(),
                limit: format!("{} MiB", super::demux::READ_LIMIT >> 20),
            },
            Error::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                DecodeError::Undecodable(format!("{what}: it ends too early"))
            }
            Error::IoError(error) if allowance.source_failed() => DecodeError::Io(error),
            Error::IoError(error) => DecodeError::Undecodable(format!("{what}: {error}")),
            Error::Unsupported(feature) if feature.contains("probe") => {
                DecodeError::Unrecognised("no known container was found".to_owned())
            }
            // What symphonia calls unsupported here is an index that is not where it must be.
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
