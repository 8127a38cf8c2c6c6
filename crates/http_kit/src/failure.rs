//! Failures of dependencies (a full disk, an unreachable database), as distinct from failures of the service itself.

use std::error::Error;
use std::io;

use crate::codes;
use crate::error_code::ErrorCode;

/// The answer in place of 500 when a dependency fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) code: ErrorCode,
    pub(crate) detail: &'static str,
    pub(crate) retry_after_s: u32,
}

const STORAGE_FULL: Failure = Failure::new(codes::STORAGE_FULL, "the service's storage is full", 60);
const STORAGE_UNAVAILABLE: Failure = Failure::new(
    codes::STORAGE_UNAVAILABLE,
    "the service's storage cannot be read or written at the moment",
    10,
);
const DATABASE_UNAVAILABLE: Failure =
    Failure::new(codes::DATABASE_UNAVAILABLE, "the database is unreachable or refuses this at the moment", 5);
const BUSY: Failure =
    Failure::new(codes::BUSY, "the service has no file descriptors or memory left for this at the moment", 5);

impl Failure {
    const fn new(code: ErrorCode, detail: &'static str, retry_after_s: u32) -> Self {
        Self { code, detail, retry_after_s }
    }

    /// Classifies `error` by itself or its sources; `None` when no dependency has failed.
    pub(crate) fn of(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            let of_database = error.downcast_ref().and_then(of_sqlx);
            let found = of_database.or_else(|| error.downcast_ref().and_then(of_io));
            if found.is_some() {
                return found;
            }
            next = error.source();
        }
        None
    }

    /// Classifies an error of the database by its SQLSTATE; one without a state is a lost connection.
    pub(crate) fn of_sqlstate(sqlstate: Option<&str>) -> Option<Self> {
        sqlstate.map_or(Some(DATABASE_UNAVAILABLE), of_sqlstate)
    }

    /// The failure of a blob store; `storage_unavailable` where `error` has no known cause.
    pub(crate) fn of_storage(error: &(dyn Error + 'static)) -> Self {
        Self::of(error).unwrap_or(STORAGE_UNAVAILABLE)
    }
}

fn of_io(error: &io::Error) -> Option<Failure> {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    match error.kind() {
        // Out of disk space or of inodes.
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(STORAGE_FULL),
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::StaleNetworkFileHandle => {
            Some(STORAGE_UNAVAILABLE)
        }
        io::ErrorKind::OutOfMemory => Some(BUSY),
        _ if matches!(error.raw_os_error(), Some(ENFILE | EMFILE)) => Some(BUSY),
        _ => None,
    }
}

fn of_sqlx(error: &sqlx::Error) -> Option<Failure> {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => Some(DATABASE_UNAVAILABLE),
        sqlx::Error::Database(error) => of_sqlstate(error.code().as_deref().unwrap_or_default()),
        _ => None,
    }
}

/// Classifies by SQLSTATE (Postgres documentation, appendix A).
fn of_sqlstate(code: &str) -> Option<Failure> {
    match code {
        "53100" => Some(STORAGE_FULL),
        // Serialisation failure, deadlock; read-only transaction, as on a standby; a table locked for long; a statement
        // that timed out or was cancelled.
        "40001" | "40P01" | "25006" | "55P03" | "57014" => Some(DATABASE_UNAVAILABLE),
        // Connection exceptions; insufficient resources; operator intervention (shutting down, starting up); system
        // errors.
        _ if ["08", "53", "57", "58"].iter().any(|class| code.starts_with(class)) => {
            Some(DATABASE_UNAVAILABLE)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Problem;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] io::Error);

    fn answer(error: impl Error + Send + Sync + 'static) -> (u16, &'static str) {
        let problem = Problem::internal(error);
        (problem.status().as_u16(), problem.code())
    }

    #[test]
    fn nested_errors_of_disk_and_database_are_not_internal() {
        for (errno, expected) in [
            (28, (507, "storage_full")),
            (122, (507, "storage_full")),
            (30, (503, "storage_unavailable")),
            (24, (503, "busy")),
            (22, (500, "internal")),
        ] {
            assert_eq!(answer(Outer(io::Error::from_raw_os_error(errno))), expected, "{errno}");
        }
        let lost = sqlx::Error::Io(io::ErrorKind::ConnectionReset.into());
        assert_eq!(answer(lost), (503, "database_unavailable"));
        assert_eq!(answer(sqlx::Error::RowNotFound), (500, "internal"));
        let unreachable = Problem::storage(Outer(io::ErrorKind::ConnectionRefused.into()));
        assert_eq!(unreachable.code(), "storage_unavailable");
    }

    #[test]
    fn states_of_the_database_are_not_statement_errors() {
        for code in ["57P01", "57P02", "57P03", "53300", "08006", "25006", "55P03", "57014", "58030"] {
            assert_eq!(of_sqlstate(code), Some(DATABASE_UNAVAILABLE), "{code}");
        }
        assert_eq!(of_sqlstate("53100"), Some(STORAGE_FULL));
        for code in ["42P01", "23505", "22P02", "XX000", ""] {
            assert_eq!(of_sqlstate(code), None, "{code}");
        }
    }
}
