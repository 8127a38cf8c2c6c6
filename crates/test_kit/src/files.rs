//! Files that tests read, and notices of absent ones.

use std::io::Write as _;
use std::path::{Path, PathBuf};

fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Path of a generated file: `fixtures/media/NAME`.
///
/// # Panics
/// When the file does not exist.
#[must_use]
pub fn fixture(name: &str) -> PathBuf {
    let path = workspace_root().join("fixtures/media").join(name);
    assert!(path.is_file(), "{} is missing: `make fixtures` makes it", path.display());
    path
}

/// Path of a model of this repository: `fixtures/models/NAME`.
#[must_use]
pub fn model(name: &str) -> PathBuf {
    workspace_root().join("fixtures/models").join(name)
}

/// Path of a file or directory of the corpus, or `None` (reported on standard error) where it is absent, as it is not
/// part of this repository. `HARKBACK_CORPUS` is its directory, by default `../shared/corpus`.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "tests alone use the corpus")]
pub fn corpus(name: &str) -> Option<PathBuf> {
    let beside = || workspace_root().join("../shared/corpus").into_os_string();
    let path = PathBuf::from(std::env::var_os("HARKBACK_CORPUS").unwrap_or_else(beside)).join(name);
    if !path.exists() {
        skipped(&format!("corpus absent ({})", path.display()));
        return None;
    }
    Some(path)
}

/// The directory of real models, `HARKBACK_MODELS`, if it has all of `files`, or else `None` (reported on standard
/// error): they are not part of this repository.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "tests alone use the models")]
pub fn models_directory(files: &[&str]) -> Option<PathBuf> {
    let directory = PathBuf::from(std::env::var_os("HARKBACK_MODELS").unwrap_or_default());
    if let Some(missing) = files.iter().find(|file| !directory.join(file).is_file()) {
        skipped(&format!("HARKBACK_MODELS has no {missing}"));
        return None;
    }
    Some(directory)
}

/// Reports on standard error that a test, or a part of one, was skipped. Not by `eprintln!`, which is shown for failed
/// tests only.
pub fn skipped(reason: &str) {
    // Ignores a closed standard error.
    let _ = writeln!(std::io::stderr(), "skipped: {reason}");
}

/// Number of files in a directory and the directories below it.
///
/// # Panics
/// When a directory cannot be read.
#[must_use]
pub fn count_files(directory: &Path) -> usize {
    let entries = std::fs::read_dir(directory).expect("a readable directory");
    let paths = entries.map(|entry| entry.expect("a readable entry").path());
    paths.map(|path| if path.is_dir() { count_files(&path) } else { 1 }).sum()
}
