use outbound::AddressRefused;

/// Why a file elsewhere is refused, or could not be fetched. Messages name no more of the URL than its host.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The configuration does not allow the address.
    #[error("{0}")]
    NotAllowed(String),
    /// Only an administrator may read the bucket.
    #[error("the bucket is not divided by tenants")]
    NeedsAdmin,
    /// The name resolves to an address, or the URL has one, that is neither public nor allowed.
    #[error("{0}: its address is neither public nor in a range of `--source-network`")]
    AddressRefused(String),
    /// A redirect to an address that is not allowed, or too many redirects.
    #[error("redirect refused: {0}")]
    RedirectRefused(String),
    /// The file does not exist, or its server does not give it.
    #[error("{0}")]
    Unreadable(String),
    /// The file is larger than allowed.
    #[error("the file exceeds the limit of {limit_bytes} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit_bytes: u64,
    },
    /// The file changed while it was fetched.
    #[error("the file changed while it was fetched; register it again")]
    Changed,
    /// The transfer ended before the declared end of the file, repeatedly.
    #[error("the transfer ended early, repeatedly: {0}")]
    Truncated(String),
    /// The answer is not one that HTTP allows here.
    #[error("{0}")]
    InvalidAnswer(String),
    /// The transfer was too slow.
    #[error("{0}")]
    TimedOut(String),
    /// The server cannot be reached, or is overloaded, repeatedly.
    #[error("{0}")]
    Unavailable(String),
    /// The client could not be made.
    #[error("the HTTP client cannot be made")]
    Client(#[source] std::io::Error),
}

/// How an attempt failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A further attempt would fail, too.
    Final(RemoteError),
    /// A further attempt may succeed.
    Transient {
        error: RemoteError,
        /// The pause before it, as the server asks for.
        pause: Option<std::time::Duration>,
    },
}

impl Failure {
    pub(crate) const fn transient(error: RemoteError) -> Self {
        Self::Transient { error, pause: None }
    }
}

impl From<RemoteError> for Failure {
    fn from(error: RemoteError) -> Self {
        Self::Final(error)
    }
}

/// The failure of a request that got no answer from `host`.
pub(crate) fn no_answer(error: &reqwest::Error, host: &str) -> Failure {
    if AddressRefused::caused(error) {
        return RemoteError::AddressRefused(host.to_owned()).into();
    }
    let is_malformed =
        causes(error).any(|cause| cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse));
    if is_malformed {
        return RemoteError::InvalidAnswer(format!("{host} does not answer as HTTP requires")).into();
    }
    Failure::transient(RemoteError::Unavailable(format!("{host} cannot be reached: {}", innermost(error))))
}

/// The innermost cause: "connection refused" rather than "error sending request".
pub(crate) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    causes(error).last().map_or_else(String::new, ToString::to_string)
}

/// The error and its causes.
fn causes<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}
