use std::io;
use std::process::ExitStatus;
use std::time::Duration;

/// Why a program did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// It is not there, or is not a program.
    #[error("{program} cannot be run: {source}")]
    Unavailable {
        /// Its path.
        program: String,
        /// Why not.
        source: io::Error,
    },
    /// It ran longer than it may.
    #[error("{program} was stopped after {limit:?}")]
    TimedOut {
        /// Its path.
        program: String,
        /// How long it may run.
        limit: Duration,
    },
    /// It made no progress for too long.
    #[error("{program} made no progress for {limit:?} and was stopped")]
    Stalled {
        /// Its path.
        program: String,
        /// How long it may be silent.
        limit: Duration,
    },
    /// It wrote more than it may.
    #[error("{program} wrote more than {limit_bytes} bytes")]
    TooMuchOutput {
        /// Its path.
        program: String,
        /// How much it may write.
        limit_bytes: u64,
    },
    /// It ended with a failure.
    #[error("{program} ended with {status}: {errors}")]
    Failed {
        /// Its path.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// The end of what it wrote to standard error.
        errors: String,
    },
    /// Waiting for it, or reading from it, failed.
    #[error("talking to {program} failed")]
    Broken {
        /// Its path.
        program: String,
        /// Why.
        source: io::Error,
    },
}
