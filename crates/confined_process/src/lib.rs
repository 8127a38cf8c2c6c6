//! Runs other programs on hostile input: without a shell, with an empty environment, in a process group of their own,
//! and with limits on memory, time and output. A program never outlives its caller.
//!
//! - [`Process`] and [`output`] for async callers;
//! - [`BlockingProcess`] and [`blocking_output`] for worker threads.

mod async_process;
mod blocking_process;
mod command;
mod error;

pub use async_process::{Process, output};
pub use blocking_process::{BlockingProcess, TimedPipe, blocking_output};
pub use command::{ProcessLimits, die_with_parent};
pub use error::ToolError;
