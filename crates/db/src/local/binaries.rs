use std::path::{Path, PathBuf};

use super::ClusterError;

/// The directory with `initdb` and `postgres`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerBinaries {
    directory: PathBuf,
}

impl ServerBinaries {
    /// Finds the newest version under Debian's `/usr/lib/postgresql/*/bin`, else the first directory of `search_path`
    /// (directories, as in `PATH`) and of the usual ones that has both programs.
    ///
    /// # Errors
    /// [`ClusterError::NoServer`] when no directory has both.
    pub fn find(search_path: &[PathBuf]) -> Result<Self, ClusterError> {
        let debian = versions(Path::new("/usr/lib/postgresql"));
        let usual =
            ["/usr/local/pgsql/bin", "/opt/homebrew/bin", "/usr/local/bin", "/usr/bin"].map(PathBuf::from);
        debian
            .into_iter()
            .chain(search_path.iter().cloned())
            .chain(usual)
            .find(|directory| ["initdb", "postgres"].iter().all(|name| directory.join(name).is_file()))
            .map(|directory| Self { directory })
            .ok_or(ClusterError::NoServer)
    }

    /// Path of a program of the server, such as `postgres`.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

/// The `<root>/<version>/bin` directories, newest version first.
fn versions(root: &Path) -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    found.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    found.into_iter().map(|(_, directory)| directory).collect()
}
