use std::fs::{self, File};
use std::path::Path;

use sqlx::postgres::PgConnectOptions;
use tempfile::TempDir;

use crate::local::{Cluster, ClusterError, Durability, ServerBinaries};

/// Not `TMPDIR`: the path of a unix socket must be short, and the cluster's user must be able to traverse it.
const PARENT: &str = "/tmp";
const PREFIX: &str = "harkback-postgres.";

/// A running cluster without fsync in a temporary directory. Dropping it stops the server, then removes the directory.
///
/// If the process ends without dropping it, as on SIGKILL, the kernel stops the server, and the next
/// [`ThrowawayCluster::start`] removes the directory.
#[derive(Debug)]
pub struct ThrowawayCluster {
    // The order of the fields is that of dropping.
    cluster: Cluster,
    _directory: TempDir,
}

impl ThrowawayCluster {
    /// Starts the cluster. Blocks until the server accepts connections, which takes some seconds.
    ///
    /// # Errors
    /// See [`ClusterError`]: no server binaries, or they do not run.
    pub fn start() -> Result<Self, ClusterError> {
        let binaries = ServerBinaries::find(&[])?;
        remove_abandoned(Path::new(PARENT));
        let directory = tempfile::Builder::new().prefix(PREFIX).tempdir_in(PARENT);
        let directory = directory.map_err(ClusterError::io(format!("making a directory in {PARENT}")))?;
        let cluster = Cluster::start(&binaries, directory.path(), Durability::None)?;
        Ok(Self { cluster, _directory: directory })
    }

    /// Connection options of a superuser for the database `postgres`.
    #[must_use]
    pub fn connect_options(&self) -> PgConnectOptions {
        self.cluster.connect_options("postgres")
    }
}

/// Removes the directories in `parent` of clusters whose process has ended and whose server has stopped.
fn remove_abandoned(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX)) {
            let directory = entry.path();
            if is_abandoned(&directory) {
                // On an error, the next start tries again.
                let _ = fs::remove_dir_all(directory);
            }
        }
    }
}

/// A cluster that is still being created is not abandoned: it has no data, and its process may be about to lock it.
fn is_abandoned(directory: &Path) -> bool {
    directory.join("data/PG_VERSION").is_file()
        && !Cluster::is_running(directory)
        && File::open(directory.join("lock")).is_ok_and(|lock| lock.try_lock().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory as [`Cluster::start`] leaves it.
    fn cluster_directory(parent: &Path, name: &str) -> std::path::PathBuf {
        let directory = parent.join(name);
        fs::create_dir_all(directory.join("data")).unwrap();
        fs::write(directory.join("data/PG_VERSION"), "17\n").unwrap();
        fs::write(directory.join("lock"), "").unwrap();
        directory
    }

    #[test]
    fn only_abandoned_directories_are_removed() {
        let parent = tempfile::tempdir().unwrap();
        let abandoned = cluster_directory(parent.path(), "harkback-postgres.abandoned");
        let locked = cluster_directory(parent.path(), "harkback-postgres.locked");
        let lock = File::open(locked.join("lock")).unwrap();
        lock.lock().unwrap();
        let other = cluster_directory(parent.path(), "another-program");
        let incomplete = parent.path().join("harkback-postgres.incomplete");
        fs::create_dir(&incomplete).unwrap();

        remove_abandoned(parent.path());
        assert!(!abandoned.exists());
        assert!(locked.exists() && other.exists() && incomplete.exists());
    }

    #[tokio::test]
    async fn drop_stops_the_server_and_removes_the_directory() {
        use sqlx::Connection as _;
        let throwaway = tokio::task::spawn_blocking(ThrowawayCluster::start).await.unwrap().unwrap();
        let (options, directory) = (throwaway.connect_options(), throwaway._directory.path().to_owned());
        let mut connection = sqlx::PgConnection::connect_with(&options).await.unwrap();
        let setting = "SELECT current_setting('fsync') || ' ' || current_setting('max_connections')";
        let settings: String = sqlx::query_scalar(setting).fetch_one(&mut connection).await.unwrap();
        assert_eq!(settings, "off 300");
        tokio::task::spawn_blocking(move || drop(throwaway)).await.unwrap();
        assert!(!directory.exists());
        assert!(sqlx::PgConnection::connect_with(&options).await.is_err());
    }
}
