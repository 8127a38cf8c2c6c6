//! Media to test with.

use std::path::{Path, PathBuf};

use crate::binary::workspace_root;

/// A generated file: `fixtures/media/NAME`.
///
/// # Panics
/// When it is not there.
#[must_use]
pub fn fixture(name: &str) -> PathBuf {
    let path = workspace_root().join("fixtures/media").join(name);
    assert!(path.is_file(), "{} is missing: `make fixtures` makes it", path.display());
    path
}

/// A recording of the corpus, or `None` (said on standard error) where the corpus is not there: it
/// is not part of this repository. `HARKBACK_CORPUS` says where it is, else `../shared/corpus`.
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

/// A model of this repository: `fixtures/models/NAME`.
#[must_use]
pub fn model(name: &str) -> PathBuf {
    workspace_root().join("fixtures/models").join(name)
}
