//! Shared test helpers: ffmpeg as the reference, and recordings made with it.

#![expect(clippy::expect_used, clippy::panic, reason = "a failed step fails the test")]

use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// Runs `program` and returns its standard output.
///
/// # Panics
/// When the program is not installed (with the package to install) or fails (with its standard error).
fn run(program: &str, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| {
        panic!(
            "{program} does not start ({error}): these tests compare with it; install the package `ffmpeg`"
        )
    });
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?} failed: {errors}");
    output.stdout
}

/// Runs ffmpeg quietly; paths in `arguments` are used unchanged.
pub(crate) fn ffmpeg(arguments: &[&str]) -> Vec<u8> {
    run("ffmpeg", &[&["-v", "error", "-y"], arguments].concat())
}

/// A temporary folder of recordings, deleted with the test.
pub(crate) struct Studio(TempDir);

impl Studio {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder for recordings"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Makes the recording `name` with ffmpeg: `arguments` precede its path; `{x}` is replaced by the path of `x`.
    pub(crate) fn make(&self, name: &str, arguments: &str) -> PathBuf {
        let path = self.path(name);
        let expand = |argument: &str| match argument.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'))
        {
            Some(other) => self.path(other).to_str().expect("a printable path").to_owned(),
            None => argument.to_owned(),
        };
        let mut arguments: Vec<String> = arguments.split_whitespace().map(expand).collect();
        arguments.push(path.to_str().expect("a printable path").to_owned());
        ffmpeg(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        path
    }
}
