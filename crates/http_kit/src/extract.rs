use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, header};
use primitives::Id;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::body::BufferedBody;
use crate::codes::{INVALID_QUERY, NOT_FOUND, UNSUPPORTED_MEDIA_TYPE};
use crate::parse_json::{parse_json, reason};
use crate::request_id::RequestId;
use crate::{ContextFields, ErrorCode, Problem, RequestContext};

/// A JSON body, of a request or an answer; errors are problems with a pointer to the field.
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

/// A JSON body together with the context from headers and body.
#[derive(Clone, Debug)]
pub struct ContextJson<T>(pub RequestContext, pub T);

/// A JSON body with its context, read and not yet parsed: for bodies so large that parsing them belongs in a
/// [`WorkQueue`](scheduling::WorkQueue).
#[derive(Clone, Debug)]
pub struct UnparsedJson {
    headers: HeaderMap,
    request_id: String,
    body: BufferedBody,
}

/// Path parameters; a malformed one is 404, as it cannot name anything. Ids are better read as text and parsed by
/// [`path_id`]: then a malformed id gets the same answer as an unknown one.
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

/// The query of a route without parameters: any parameter is 422 `invalid_query`.
pub type NoQuery = Query<NoParameters>;

/// An empty set of parameters.
#[derive(Clone, Copy, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoParameters {}

/// Query parameters; a malformed or unknown one is 422 `invalid_query`.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send + 'static> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        require_json(request.headers())?;
        BufferedBody::read(request).await?.parse().await.map(Self)
    }
}

impl<S, T> FromRequest<S> for ContextJson<T>
where
    S: Send + Sync,
    T: DeserializeOwned + ContextFields + Send + 'static,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let UnparsedJson { headers, request_id, body } = UnparsedJson::from_request(request, state).await?;
        let body: T = body.parse().await?;
        let context = RequestContext::resolve(&headers, body.context_fields(), &request_id)?;
        Ok(Self(context, body))
    }
}

impl<S: Send + Sync> FromRequest<S> for UnparsedJson {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        require_json(request.headers())?;
        let headers = request.headers().clone();
        let request_id = RequestId::of(request.extensions()).to_owned();
        let body = BufferedBody::read(request).await?;
        Ok(Self { headers, request_id, body })
    }
}

impl UnparsedJson {
    /// Parses the body into what the extractor [`ContextJson`] yields.
    ///
    /// # Errors
    /// As [`ContextJson`].
    pub fn parse<T: DeserializeOwned + ContextFields>(&self) -> Result<ContextJson<T>, Problem> {
        let body: T = parse_json(&self.body.bytes)?;
        let context = RequestContext::resolve(&self.headers, body.context_fields(), &self.request_id)?;
        Ok(ContextJson(context, body))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
            Err(error) => Problem::internal(error).into_response(),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(_) => Err(Problem::new(NOT_FOUND, "nothing found: the path contains a malformed id")),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Query::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(invalid_query(&rejection.body_text())),
        }
    }
}

/// Parses an id of a path; a malformed one is answered with `code`, as an unknown one is.
///
/// # Errors
/// 404 `code`.
pub fn path_id(text: &str, code: ErrorCode) -> Result<Id, Problem> {
    text.parse().map_err(|_| Problem::new(code, "nothing found: malformed id"))
}

pub(crate) fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    if essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json")) {
        return Ok(());
    }
    Err(Problem::new(UNSUPPORTED_MEDIA_TYPE, "expected a body of type application/json"))
}

/// Turns axum's message into `limit: expected a whole number`, without its prefix.
fn invalid_query(message: &str) -> Problem {
    let message = message.strip_prefix("Failed to deserialize query string: ").unwrap_or(message);
    let message = reason(message);
    let problem = Problem::new(INVALID_QUERY, message.as_str());
    match message.split_once(": ") {
        Some((name, detail)) if !name.contains(' ') => problem.field(name, detail),
        _ => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_query_names_its_parameter() {
        let problem =
            invalid_query("Failed to deserialize query string: limit: invalid digit found in string");
        assert_eq!(problem.to_string(), "422 invalid_query: limit: expected a whole number");
        let unknown =
            invalid_query("Failed to deserialize query string: unknown field `x`, expected `limit`");
        assert_eq!(unknown.to_string(), "422 invalid_query: unknown field `x`, expected `limit`");
    }
}
