mod details;
mod document;

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value};

use crate::codes::{INTERNAL, INVALID_BODY};
use crate::error_code::ErrorCode;
use crate::failure::Failure;
pub use details::{FieldError, describe, list_ids};
pub(crate) use document::ProblemDocument;

/// An error in the format of all answers: `application/problem+json` (RFC 9457).
///
/// `type` is `urn:harkback:problem:<code>`. `request_id` is added by [`crate::boundary`], which
/// also logs the [source](Problem::caused_by) of a 5xx; a source never reaches the caller.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: Box<str>,
    errors: Vec<FieldError>,
    headers: Option<Box<ProblemHeaders>>,
    extensions: Map<String, Value>,
    source: Option<Arc<dyn Error + Send + Sync>>,
    body: Option<fn(&Problem) -> Value>,
}

/// Further headers of an answer. In a box, because few problems have them.
#[derive(Clone, Debug, Default)]
struct ProblemHeaders {
    retry_after_s: Option<u32>,
    location: Option<String>,
}

impl Problem {
    /// A problem with the code and status of `code`; `detail` is the message for a person.
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self::stored(code.status(), code.code(), detail.into())
    }

    fn stored(status: StatusCode, code: &'static str, detail: String) -> Self {
        Self {
            status,
            code,
            detail: detail.into_boxed_str(),
            errors: Vec::new(),
            headers: None,
            extensions: Map::new(),
            source: None,
            body: None,
        }
    }

    /// 422 `invalid_body` for one field; `pointer` is a JSON pointer.
    pub fn invalid_field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        let (pointer, detail) = (pointer.into(), detail.into());
        // The body as a whole has the empty pointer.
        let text = if pointer.is_empty() { detail.clone() } else { format!("{pointer}: {detail}") };
        Self::new(INVALID_BODY, text).field(pointer, detail)
    }

    /// 500: a fault of the service, unless `source` shows that the database is unreachable (503) or a disk is full
    /// (507). `source` goes to the log, not to the caller.
    pub fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let source = source.into();
        if let Some(failure) = Failure::of(&*source) {
            return Self::failed(failure, source);
        }
        Self::new(INTERNAL, "something failed on our side; quote the request id when you report it")
            .caused_by(source)
    }

    /// As [`Problem::internal`] for an error of the database that did not come from sqlx: `sqlstate` is its SQLSTATE,
    /// `None` for a lost connection.
    pub fn of_sqlstate(sqlstate: Option<&str>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        match Failure::of_sqlstate(sqlstate) {
            Some(failure) => Self::failed(failure, source.into()),
            None => Self::internal(source),
        }
    }

    /// A blob store failed: 507 `storage_full` or 503 `storage_unavailable`.
    pub fn storage(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let source = source.into();
        Self::failed(Failure::of_storage(&*source), source)
    }

    fn failed(failure: Failure, source: Box<dyn Error + Send + Sync>) -> Self {
        let Failure { code, detail, retry_after_s } = failure;
        Self::new(code, detail).retry_after(retry_after_s).caused_by(source)
    }

    /// Adds an invalid field.
    #[must_use]
    pub fn field(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        self.errors.push(FieldError { pointer: pointer.into(), detail: detail.into() });
        self
    }

    /// Adds invalid fields.
    #[must_use]
    pub fn fields(mut self, errors: impl IntoIterator<Item = FieldError>) -> Self {
        self.errors.extend(errors);
        self
    }

    /// Names what the problem is about, before its detail: one of several things of a request.
    #[must_use]
    pub fn about(mut self, subject: &str) -> Self {
        self.detail = format!("{subject}: {}", self.detail).into_boxed_str();
        self
    }

    /// Adds an extension member, for example the missing `ids`.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.extensions.insert(name.to_owned(), value.into());
        self
    }

    /// Sets the cause, for the log.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// Adds `Retry-After`, in seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.headers.get_or_insert_default().retry_after_s = Some(seconds);
        self
    }

    /// Adds `Location`: the path of the resource that the problem is about.
    #[must_use]
    pub fn located_at(mut self, path: impl Into<String>) -> Self {
        self.headers.get_or_insert_default().location = Some(path.into());
        self
    }

    /// Replaces the HTTP status, and keeps everything else.
    #[must_use]
    pub fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// Replaces the problem document by a JSON body in another API's error format.
    #[must_use]
    pub fn with_body(self, body: fn(&Self) -> Value) -> Self {
        Self { body: Some(body), ..self }
    }

    /// HTTP status of the answer.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable code of the cause.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// The message for a person.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The invalid fields of the request.
    #[must_use]
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// The chain of causes as `outer: inner`.
    pub(crate) fn cause(&self) -> Option<String> {
        let mut next: Option<&dyn Error> = Some(self.source.as_deref()?);
        let mut chain = Vec::new();
        while let Some(error) = next {
            chain.push(error.to_string());
            next = error.source();
        }
        Some(chain.join(": "))
    }

    pub(crate) fn render(&self, request_id: &str) -> Response {
        let (media_type, body) = match self.body {
            Some(body) => ("application/json", body(self).to_string()),
            None => ("application/problem+json", self.document(request_id)),
        };
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"harkback\""));
        }
        let ProblemHeaders { retry_after_s, location } = self.headers.as_deref().cloned().unwrap_or_default();
        if let Some(seconds) = retry_after_s {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if let Some(path) = location.and_then(|path| HeaderValue::from_str(&path).ok()) {
            headers.insert(header::LOCATION, path);
        }
        response
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.status.as_u16(), self.code, self.detail)
    }
}

impl Error for Problem {}

/// The body is written by [`crate::boundary`], which knows the request id.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.render("");
        response.extensions_mut().insert(self);
        response
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        Self::internal(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_stays_out_of_the_body() {
        let problem = Problem::internal(std::io::Error::other("/secret/path"));
        assert_eq!(problem.cause().as_deref(), Some("/secret/path"));
        let text = format!("{:?}", problem.render("r1").into_body());
        assert!(!text.contains("secret"));
        assert!(!problem.to_string().contains("secret"));
    }
}
