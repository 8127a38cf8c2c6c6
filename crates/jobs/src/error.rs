use graphile_worker::errors::GraphileWorkerError;
use http_kit::Problem;
use http_kit::codes::QUEUE_FULL;
use primitives::Id;

use crate::codes::{JOB_FINISHED, JOB_NOT_FAILED, JOB_NOT_FOUND, JOB_WITHOUT_RESULT, TOO_MANY_JOBS};

/// Why a job was not created, found or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The owner has no job of this id.
    #[error("there is no job {0}")]
    NotFound(Id),
    /// The job has ended.
    #[error("job {0} has ended and cannot be cancelled")]
    Finished(Id),
    /// The job has not ended, or has succeeded.
    #[error("job {0} has not failed: only failed and cancelled jobs can be retried")]
    NotFailed(Id),
    /// The job has not succeeded.
    #[error("job {0} has no result: it has not succeeded")]
    NoResult(Id),
    /// The tenant has too many queued jobs.
    #[error("{waiting} jobs of this tenant are queued already; send the request again when some have run")]
    TooManyOfTenant {
        /// Number of queued jobs of the tenant.
        waiting: i64,
        /// Estimated time until they have run, in seconds.
        retry_after_s: u32,
    },
    /// All tenants together have too many queued jobs.
    #[error("{waiting} jobs are queued already; send the request again later")]
    TooMany {
        /// Number of queued jobs.
        waiting: i64,
        /// Estimated time until they have run, in seconds.
        retry_after_s: u32,
    },
    /// An operation of the queue library failed.
    #[error("the queue failed: {0}")]
    Queue(String),
    /// The database failed in an operation of the queue library.
    #[error("the queue's database failed: {error}")]
    QueueDatabase {
        /// SQLSTATE of the error; `None` when the connection was lost.
        sqlstate: Option<String>,
        /// Message of the library.
        error: String,
    },
    /// The stored request of a job cannot be read.
    #[error("the request of a job cannot be read: {0}")]
    Request(String),
    /// The answer of a job cannot be read.
    #[error("the answer of a job cannot be read: {0}")]
    Answer(String),
    /// Another process of this service uses a different blob store.
    #[error(
        "the blob store is not the one that the other processes of this service use: give all the same --storage-url"
    )]
    OtherStore,
    /// The store of large bodies failed.
    #[error("the blob store failed")]
    Blobs(#[from] blob_store::BlobError),
    /// A query of the database failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl From<GraphileWorkerError> for Error {
    /// The library drops the driver's error, except its SQLSTATE.
    fn from(error: GraphileWorkerError) -> Self {
        let text = error.to_string();
        match error {
            GraphileWorkerError::SqlError(failed) => {
                Self::QueueDatabase { sqlstate: failed.code().map(str::to_owned), error: text }
            }
            _ => Self::Queue(text),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::NotFound(_) => Self::new(JOB_NOT_FOUND, detail),
            Error::Finished(_) => Self::new(JOB_FINISHED, detail),
            Error::NotFailed(_) => Self::new(JOB_NOT_FAILED, detail),
            Error::NoResult(_) => Self::new(JOB_WITHOUT_RESULT, detail),
            Error::TooManyOfTenant { retry_after_s, .. } => {
                Self::new(TOO_MANY_JOBS, detail).retry_after(retry_after_s)
            }
            Error::TooMany { retry_after_s, .. } => Self::new(QUEUE_FULL, detail).retry_after(retry_after_s),
            Error::Queue(_) | Error::Request(_) | Error::Answer(_) | Error::OtherStore => {
                Self::internal(error)
            }
            Error::QueueDatabase { sqlstate, .. } => Self::of_sqlstate(sqlstate.as_deref(), detail),
            Error::Blobs(error) => Self::storage(error),
            Error::Database(error) => error.into(),
        }
    }
}

impl axum::response::IntoResponse for Error {
    fn into_response(self) -> axum::response::Response {
        Problem::from(self).into_response()
    }
}

#[cfg(test)]
mod tests {
    use graphile_worker::DbError;

    use super::*;

    #[test]
    fn queue_errors_are_classified_by_sqlstate() {
        let code = |error: DbError| Problem::from(Error::from(GraphileWorkerError::from(error))).code();
        assert_eq!(code(DbError::new("connection closed")), "database_unavailable");
        for state in ["40001", "40P01", "25006", "55P03", "57P01"] {
            assert_eq!(code(DbError::with_code("failed", state)), "database_unavailable", "{state}");
        }
        assert_eq!(code(DbError::with_code("the disk is full", "53100")), "storage_full");
        assert_eq!(code(DbError::with_code("no such function", "42883")), "internal");
    }
}
