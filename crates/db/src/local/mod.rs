//! A private Postgres cluster, for a first run without any set-up.
//!
//! The server binaries come from the system (Debian: `apt-get install postgresql`). The cluster is stored in harkback's
//! data directory, listens on a unix socket that only its owner can reach, and stops with the process that started it.
//! Postgres refuses to run as root: when started as root, the cluster belongs to an unprivileged user, `postgres` if it
//! exists.

mod binaries;
mod cluster;
mod keeper;
mod owner;
mod predecessor;

pub use binaries::ServerBinaries;
pub use cluster::{Cluster, Durability};

use std::path::PathBuf;

/// Why a private cluster cannot run.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The machine has no Postgres server binaries.
    #[error(
        "no Postgres server on this machine: install one (Debian: apt-get install postgresql), or set DATABASE_URL"
    )]
    NoServer,
    /// Started as root, and no unprivileged user exists.
    #[error(
        "Postgres refuses to run as root and there is neither a user `postgres` nor `nobody`: start as another user, or set DATABASE_URL"
    )]
    NoUnprivilegedUser,
    /// The cluster's user cannot access the data directory.
    #[error(
        "{0} is closed to the unprivileged user that Postgres runs as: choose a data directory that every user may pass into (for root: under /var/lib), or set DATABASE_URL"
    )]
    Unreachable(PathBuf),
    /// Another harkback process uses the data directory.
    #[error("{0} is in use by another harkback: stop it, choose another data directory, or set DATABASE_URL")]
    InUse(PathBuf),
    /// `initdb` failed, with its error output.
    #[error("initdb failed: {0}")]
    Init(String),
    /// The server did not start, with the last lines of its log.
    #[error("the private Postgres did not start, its log says: {0}")]
    Start(String),
    /// A file or process operation failed.
    #[error("{what}: {source}")]
    Io {
        /// The failed operation, with the path.
        what: String,
        /// The operating system's error.
        source: std::io::Error,
    },
}

impl ClusterError {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        |source| Self::Io { what, source }
    }
}
