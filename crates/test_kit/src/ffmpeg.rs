use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// Runs ffmpeg with errors as its only log, and returns its standard output. It replaces existing files.
///
/// # Panics
/// When it is not installed (the message names the package) or fails (with its standard error).
pub fn ffmpeg(arguments: &[&str]) -> Vec<u8> {
    run("ffmpeg", &[&["-nostdin", "-v", "error", "-y"], arguments].concat())
}

/// Runs ffprobe; returns the lines of its report as comma-separated values, without empty ones.
///
/// # Panics
/// As [`ffmpeg`].
#[must_use]
pub fn ffprobe(arguments: &[&str]) -> Vec<String> {
    let output = run("ffprobe", &[&["-v", "error", "-of", "csv=p=0"], arguments].concat());
    let text = String::from_utf8(output).expect("text");
    text.lines().map(|line| line.trim_end_matches(',').to_owned()).filter(|line| !line.is_empty()).collect()
}

/// Absolute path of an installed program.
///
/// # Panics
/// When `PATH` does not lead to it.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let found = run("/bin/sh", &["-c", &format!("command -v {name}")]);
    PathBuf::from(String::from_utf8(found).expect("a path").trim())
}

fn run(program: &str, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| {
        panic!("{program} does not start ({error}): these tests need it; install the package `ffmpeg`")
    });
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?} failed: {errors}");
    output.stdout
}

/// A temporary folder of recordings, removed when dropped.
#[derive(Debug)]
pub struct Recordings(TempDir);

impl Recordings {
    /// An empty folder.
    ///
    /// # Panics
    /// When there is no temporary directory.
    #[expect(clippy::new_without_default, reason = "it has an effect")]
    #[must_use]
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder for recordings"))
    }

    /// Path of the recording `name`, which need not exist.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Makes the recording `name` with ffmpeg: `arguments`, separated by spaces, come before its path; `{x}` expands
    /// to the path of `x`.
    ///
    /// # Panics
    /// As [`ffmpeg`].
    pub fn make(&self, name: &str, arguments: &str) -> PathBuf {
        let path = self.path(name);
        let expand = |argument: &str| {
            let name = argument.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            name.map_or_else(|| argument.to_owned(), |name| self.printable(name))
        };
        let mut arguments: Vec<String> = arguments.split_whitespace().map(expand).collect();
        arguments.push(self.printable(name));
        ffmpeg(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        path
    }

    fn printable(&self, name: &str) -> String {
        self.path(name).to_str().expect("a printable path").to_owned()
    }
}
