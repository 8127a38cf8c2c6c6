//! Directories of the demo.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use tempfile::TempDir;

/// The directory that stays, in the current one.
pub(super) const DEMO_DIRECTORY: &str = ".demo";
/// User and group id that Debian gives to no files: of the account without privileges.
const UNPRIVILEGED: u32 = 65_534;

/// A temporary directory, which is removed at the end, and the data directory of the service.
pub(super) struct Folders {
    scratch: TempDir,
    data: PathBuf,
    current: PathBuf,
}

impl Folders {
    /// The data directory is `.demo`, or temporary if Postgres could not reach that: root's Postgres runs as an
    /// unprivileged user.
    pub(super) fn new() -> anyhow::Result<Self> {
        let scratch = tempfile::Builder::new().prefix("harkback-demo.").tempdir();
        let scratch = scratch.context("no temporary directory can be created")?;
        let current = std::env::current_dir().context("the current directory cannot be read")?;
        let data = if !rustix::process::geteuid().is_root() || is_reachable_unprivileged(&current)? {
            current.join(DEMO_DIRECTORY)
        } else {
            fs::set_permissions(scratch.path(), Permissions::from_mode(0o755))?;
            scratch.path().join("data")
        };
        Ok(Self { scratch, data, current })
    }

    /// The data directory of the service.
    pub(super) fn data(&self) -> &Path {
        &self.data
    }

    /// The data directory, relative to the current one if it is below that.
    pub(super) fn shown_data(&self) -> String {
        self.data.strip_prefix(&self.current).unwrap_or(&self.data).display().to_string()
    }

    /// Creates the file of the service's log.
    pub(super) fn create_log(&self) -> anyhow::Result<File> {
        File::create(self.log_path()).context("the service's log cannot be written")
    }

    /// The service's log so far.
    pub(super) fn log(&self) -> String {
        fs::read(self.log_path()).map(|log| String::from_utf8_lossy(&log).into_owned()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.scratch.path().join("service.log")
    }
}

/// Whether an account without privileges may enter the directory and its parents. Call it as root.
fn is_reachable_unprivileged(directory: &Path) -> anyhow::Result<bool> {
    let status = Command::new("/usr/bin/test")
        .arg("-x")
        .arg(directory)
        .current_dir("/")
        .uid(UNPRIVILEGED)
        .gid(UNPRIVILEGED)
        .status()
        .context("/usr/bin/test cannot be run")?;
    Ok(status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_reachable_if_every_parent_is() {
        if !rustix::process::geteuid().is_root() {
            // Only root has a Postgres of another user.
            return;
        }
        let outer = tempfile::tempdir().unwrap();
        let inner = outer.path().join("inner");
        fs::create_dir(&inner).unwrap();
        fs::set_permissions(&inner, Permissions::from_mode(0o755)).unwrap();
        for (mode, expected) in [(0o755, true), (0o700, false)] {
            fs::set_permissions(outer.path(), Permissions::from_mode(mode)).unwrap();
            assert_eq!(is_reachable_unprivileged(&inner).unwrap(), expected, "{mode:o}");
        }
    }

    #[test]
    fn scratch_directory_is_removed() {
        let folders = Folders::new().unwrap();
        std::io::Write::write_all(&mut folders.create_log().unwrap(), b"a line\n").unwrap();
        assert_eq!(folders.log(), "a line\n");
        let scratch = folders.scratch.path().to_owned();
        drop(folders);
        assert!(!scratch.exists());
    }
}
