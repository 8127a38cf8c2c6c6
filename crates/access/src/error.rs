use http_kit::codes::{CONTEXT_MISMATCH, SCOPE_INSUFFICIENT};
use http_kit::{ErrorCode, Problem};
use primitives::NoRandomBytes;

use crate::codes::{CROSS_SITE_REQUEST, HOST_NOT_ALLOWED, ISSUER_UNAVAILABLE, LINK_INVALID, UNAUTHORIZED};

/// Errors of [`enforce`](crate::enforce), which any call can answer with.
pub const ERRORS: [ErrorCode; 7] = [
    UNAUTHORIZED,
    CONTEXT_MISMATCH,
    SCOPE_INSUFFICIENT,
    LINK_INVALID,
    HOST_NOT_ALLOWED,
    CROSS_SITE_REQUEST,
    ISSUER_UNAVAILABLE,
];

/// Why a call is refused, or why managing credentials failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Credentials are missing or invalid.
    #[error("{0}")]
    Unauthorized(String),
    /// The credentials do not allow this call.
    #[error("these credentials have the scope `{has}`; the call needs `{needs}`")]
    ScopeInsufficient {
        /// Scope of the credentials: `read`, `write` or `admin`.
        has: &'static str,
        /// Scope that the call needs.
        needs: &'static str,
    },
    /// A link whose signature does not verify, or which has expired.
    #[error("{0}: request a new link")]
    LinkInvalid(&'static str),
    /// A path for which no link can be signed.
    #[error(
        "cannot sign {0}: give the path of content, a waveform, a plot, a transcript, an export or a job's events"
    )]
    LinkPath(String),
    /// A request whose `Host` is not one of the service's.
    #[error("the host `{0}` is not served here: use localhost, or set `--public-url`")]
    HostNotAllowed(String),
    /// A write that a browser sends for a page of another site.
    #[error("pages of `{0}` may not write here: allow the origin by `--cors-origin`")]
    CrossSite(String),
    /// The issuer's keys are unavailable.
    #[error("the keys of the token issuer cannot be read: {0}")]
    IssuerUnavailable(String),
    /// No secret can be generated.
    #[error(transparent)]
    Random(#[from] NoRandomBytes),
    /// A query of the database failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::Unauthorized(_) => Self::new(UNAUTHORIZED, detail),
            Error::ScopeInsufficient { .. } => Self::new(SCOPE_INSUFFICIENT, detail),
            Error::LinkInvalid(_) => Self::new(LINK_INVALID, detail),
            Error::LinkPath(_) => Self::invalid_field("/path", detail),
            Error::HostNotAllowed(_) => Self::new(HOST_NOT_ALLOWED, detail),
            Error::CrossSite(_) => Self::new(CROSS_SITE_REQUEST, detail),
            Error::IssuerUnavailable(_) => Self::new(ISSUER_UNAVAILABLE, detail).retry_after(30),
            Error::Random(error) => Self::internal(error),
            Error::Database(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failing_random_bytes_are_internal() {
        assert_eq!(Problem::from(Error::from(NoRandomBytes)).code(), "internal");
    }
}
