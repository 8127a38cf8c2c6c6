//! Paths of media for tests.

use std::path::{Path, PathBuf};

use crate::binary::workspace_root;

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

/// Path of a recording of the corpus, or `None` (reported on standard error) where the corpus is absent, as it
/// is not part of this repository. `HARKBACK_CORPUS` is its directory, by default `../shared/corpus`.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "tests alone use the corpus")]
pub fn corpus(name: &str) -> Option<PathBuf> {
    let beside = || workspace_root().join("../shared/corpus").into_os_string();
    let root = std::env::var_os("HARKBACK_CORPUS").unwrap_or_else(beside);
    let path = Path::new(&root).join(name);
    if !path.exists() {
        crate::skipped(&format!("corpus absent ({})", path.display()));
        return None;
    }
    Some(path)
}

/// Path of a model of this repository: `fixtures/models/NAME`.
#[must_use]
pub fn model(name: &str) -> PathBuf {
    workspace_root().join("fixtures/models").join(name)
}
