use http::StatusCode;
use http_kit::{Id, Problem};

/// Why a job was not made, found or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such job of this owner.
    #[error("there is no job {0}")]
    NotFound(Id),
    /// It has ended.
    #[error("job {0} has ended: there is nothing to cancel")]
    Finished(Id),
    /// It has not ended, or has succeeded.
    #[error("job {0} has not failed: only failed and cancelled jobs are run again")]
    NotFailed(Id),
    /// It has not succeeded.
    #[error("job {0} has no result: it has not succeeded")]
    NoResult(Id),
    /// The tenant has too many jobs that wait.
    #[error("{0} jobs of this tenant wait already: send it again when some have run")]
    TooManyOfTenant(i64),
    /// All tenants have.
    #[error("{0} jobs wait already: send it again later")]
    TooMany(i64),
    /// The queue.
    #[error("the queue failed: {0}")]
    Queue(String),
    /// The request of a job.
    #[error("the request of a job cannot be read: {0}")]
    Request(String),
    /// The answer of a job.
    #[error("the answer of a job cannot be read: {0}")]
    Answer(String),
    /// Another process of this service has another store.
    #[error(
        "the blob store is not the one that the other processes of this service use: give all the same --storage-url"
    )]
    OtherStore,
    /// The store of large bodies.
    #[error("the blob store failed")]
    Blobs(#[from] blob_store::BlobError),
    /// The database.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

/// How long a caller waits before it asks a full queue again, in seconds.
const RETRY_AFTER_S: u32 = 30;

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::NotFound(_) => Self::not_found("job_not_found", detail),
            Error::Finished(_) => Self::new(StatusCode::CONFLICT, "job_finished", detail),
            Error::NotFailed(_) => Self::new(StatusCode::CONFLICT, "job_not_failed", detail),
            Error::NoResult(_) => Self::new(StatusCode::CONFLICT, "job_without_result", detail),
            Error::TooManyOfTenant(_) => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_jobs", detail).retry_after(RETRY_AFTER_S)
            }
            Error::TooMany(_) => Self::unavailable("queue_full", detail, RETRY_AFTER_S),
            Error::Queue(_) | Error::Request(_) | Error::Answer(_) | Error::OtherStore => {
                Self::internal(error)
            }
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
