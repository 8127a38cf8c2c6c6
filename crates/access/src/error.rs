use http::StatusCode;
use http_kit::Problem;

/// Why a call is refused, or credentials cannot be managed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No credentials, or none that are valid.
    #[error("{0}")]
    Unauthorized(String),
    /// The credentials do not allow this call.
    #[error("these credentials have the scope `{has}`; the call needs `{needs}`")]
    ScopeInsufficient {
        /// The scope of the credentials.
        has: &'static str,
        /// The scope that is needed.
        needs: &'static str,
    },
    /// A link whose signature does not verify, or whose time is over.
    #[error("{0}: ask for a new link")]
    LinkInvalid(&'static str),
    /// A path that no link may have.
    #[error(
        "no link can lead to {0}: give the path of content, a waveform, a plot, a transcript, an export or a job's events"
    )]
    LinkPath(String),
    /// A request with a `Host` that is not this service's.
    #[error("the host `{0}` is not served here: use localhost, or set `--public-url`")]
    HostNotAllowed(String),
    /// A browser sends a page of another site.
    #[error("pages of `{0}` may not write here: allow the origin by `--cors-origin`")]
    CrossSite(String),
    /// The issuer's keys cannot be had.
    #[error("the keys of the token issuer cannot be read: {0}")]
    IssuerUnavailable(String),
    /// The database.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::Unauthorized(_) => Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail),
            Error::ScopeInsufficient { .. } => Self::new(StatusCode::FORBIDDEN, "scope_insufficient", detail),
            Error::LinkInvalid(_) => Self::new(StatusCode::FORBIDDEN, "link_invalid", detail),
            Error::LinkPath(_) => Self::invalid_field("/path", detail),
            Error::HostNotAllowed(_) => Self::new(StatusCode::FORBIDDEN, "host_not_allowed", detail),
            Error::CrossSite(_) => Self::new(StatusCode::FORBIDDEN, "cross_site_request", detail),
            Error::IssuerUnavailable(_) => Self::unavailable("issuer_unavailable", detail, 30),
            Error::Database(error) => error.into(),
        }
    }
}
