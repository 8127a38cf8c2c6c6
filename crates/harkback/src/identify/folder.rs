//! The files of a directory and of those below it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// Maximum number of files.
const MAX_FILES: usize = 100_000;
/// Maximum number of directories within one another.
const MAX_DEPTH: usize = 64;

/// The files of a directory.
#[derive(Debug, Default)]
pub(super) struct FolderListing {
    /// In order of their paths.
    pub(super) files: Vec<PathBuf>,
    /// Directories below it that cannot be read.
    pub(super) errors: Vec<anyhow::Error>,
}

/// Lists the regular files of `directory`, without `excluded`. Links to files are followed, links to directories are not:
/// they can form cycles.
///
/// # Errors
/// When the directory cannot be read, or has too many files or levels.
pub(super) fn list(directory: &Path, excluded: &Path) -> anyhow::Result<FolderListing> {
    let excluded = fs::metadata(excluded).map(|metadata| (metadata.dev(), metadata.ino())).ok();
    let mut listing = FolderListing::default();
    let mut waiting = vec![(directory.to_path_buf(), 0)];
    while let Some((directory, depth)) = waiting.pop() {
        let entries = match entries(&directory).with_context(|| directory.display().to_string()) {
            Ok(entries) => entries,
            Err(error) if depth == 0 => return Err(error),
            Err(error) => {
                listing.errors.push(error);
                continue;
            }
        };
        for path in entries {
            let is_directory = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_dir());
            if is_directory {
                anyhow::ensure!(depth < MAX_DEPTH, "{}: more than {MAX_DEPTH} levels", path.display());
                waiting.push((path, depth + 1));
                continue;
            }
            let Ok(metadata) = fs::metadata(&path) else { continue };
            if metadata.is_file() && Some((metadata.dev(), metadata.ino())) != excluded {
                listing.files.push(path);
            }
        }
        let (found, limit) = (listing.files.len(), MAX_FILES);
        anyhow::ensure!(found <= limit, "more than {limit} files; search the directories below one by one");
    }
    listing.files.sort();
    Ok(listing)
}

fn entries(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn folder_listing_has_files_below_and_no_cycles() {
        let directory = tempfile::tempdir().unwrap();
        let within = |name: &str| directory.path().join(name);
        fs::create_dir_all(within("b/c")).unwrap();
        for name in ["z.wav", "b/query.wav", "b/c/a.wav"] {
            fs::write(within(name), b"").unwrap();
        }
        symlink(directory.path(), within("b/cycle")).unwrap();
        symlink(within("z.wav"), within("a link")).unwrap();
        symlink("nowhere", within("broken link")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, within("pipe"), rustix::fs::Mode::from_raw_mode(0o600))
            .unwrap();

        let listing = list(directory.path(), &within("b/query.wav")).unwrap();
        assert_eq!(listing.files, [within("a link"), within("b/c/a.wav"), within("z.wav")]);
        assert!(listing.errors.is_empty());
        assert!(list(&within("nowhere"), &within("z.wav")).is_err());
    }
}
