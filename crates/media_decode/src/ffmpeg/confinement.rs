//! Limits of ffmpeg and ffprobe, and the errors of reaching them.

use std::time::Duration;

use confined_process::{ProcessLimits, ToolError};

use crate::DecodeError;

/// Resource limits of decoding or probing one file.
pub(super) const LIMITS: ProcessLimits = ProcessLimits { memory_bytes: 4 << 30 };
/// Longest time that ffmpeg may write no output, or run after its output has ended.
pub(super) const OUTPUT_TIMEOUT: Duration = Duration::from_secs(60);

/// Options that limit ffmpeg and ffprobe to one file and one demuxer.
pub(super) fn confined_to(demuxer: &str) -> [&str; 6] {
    ["-protocol_whitelist", "file,pipe", "-format_whitelist", demuxer, "-f", demuxer]
}

/// The decode error for an ffmpeg that cannot be run.
pub(super) fn unavailable(what: &str, error: &ToolError) -> DecodeError {
    DecodeError::FfmpegUnavailable { what: what.to_owned(), reason: error.to_string() }
}

/// The decode error for a failure of ffmpeg or ffprobe.
pub(super) fn tool_error(what: &str, error: ToolError) -> DecodeError {
    match error {
        ToolError::Unavailable { .. } => unavailable(what, &error),
        ToolError::Failed { errors, .. } if errors.contains("Input/output error") => {
            DecodeError::Io(std::io::Error::other("ffmpeg could not read the file"))
        }
        ToolError::Failed { errors, status, .. } => {
            tracing::debug!(errors, %status, "ffmpeg refused a file");
            DecodeError::Undecodable(format!("ffmpeg cannot decode the {what} file"))
        }
        ToolError::TimedOut { .. } | ToolError::Stalled { .. } => {
            DecodeError::Undecodable(format!("decoding the {what} file makes no progress"))
        }
        ToolError::TooMuchOutput { limit_bytes, .. } => DecodeError::LimitExceeded {
            what: "the index of the file",
            found: "larger".to_owned(),
            limit: format!("{} MiB", limit_bytes >> 20),
        },
        ToolError::Broken { source, .. } => DecodeError::Io(source),
    }
}
