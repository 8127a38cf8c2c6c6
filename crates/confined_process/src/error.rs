use std::io;
use std::process::ExitStatus;
use std::time::Duration;

/// Errors of running a program.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// The program does not exist or is not executable.
    #[error("{program} cannot be run: {source}")]
    Unavailable {
        /// Path of the program.
        program: String,
        /// Error of starting the program.
        source: io::Error,
    },
    /// The program exceeded its time limit.
    #[error("{program} was stopped after {limit:?}")]
    TimedOut {
        /// Path of the program.
        program: String,
        /// The time limit of the whole run.
        limit: Duration,
    },
    /// The program made no progress for too long.
    #[error("{program} made no progress for {limit:?} and was stopped")]
    Stalled {
        /// Path of the program.
        program: String,
        /// The time limit of each wait for output, and for the end of the program after it.
        limit: Duration,
    },
    /// The program wrote more output than allowed.
    #[error("{program} wrote more than {limit_bytes} bytes")]
    TooMuchOutput {
        /// Path of the program.
        program: String,
        /// Most output allowed, in bytes.
        limit_bytes: u64,
    },
    /// The program exited with a failure status.
    #[error("{program} ended with {status}: {errors}")]
    Failed {
        /// Path of the program.
        program: String,
        /// Exit status, or the signal that killed the program.
        status: ExitStatus,
        /// The end of its standard error.
        errors: String,
    },
    /// Waiting for the program or reading its output failed.
    #[error("communication with {program} failed")]
    Broken {
        /// Path of the program.
        program: String,
        /// Error of the read or wait.
        source: io::Error,
    },
}
