use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::boundary::RequestId;
use crate::{ContextFields, Problem, RequestContext};

/// A JSON body, read or written; refusals are problems with a pointer to the field.
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

/// A JSON body together with the context that headers and body give.
#[derive(Clone, Debug)]
pub struct ContextJson<T>(pub RequestContext, pub T);

/// A JSON body with its context, read and not yet parsed: for bodies so large that parsing them is work for a
/// [`WorkQueue`](crate::WorkQueue).
#[derive(Clone, Debug)]
pub struct UnparsedJson {
    headers: HeaderMap,
    request_id: String,
    body: Bytes,
}

/// Path parameters; a malformed one is 404, as no such thing can exist.
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

/// Query parameters; a malformed or unknown one is 422 `invalid_query`.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        require_json(request.headers())?;
        let body = Bytes::from_request(request, state).await.map_err(unreadable)?;
        parse_json(&body).map(Self)
    }
}

impl<S, T> FromRequest<S> for ContextJson<T>
where
    S: Send + Sync,
    T: DeserializeOwned + ContextFields,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        UnparsedJson::from_request(request, state).await?.parse()
    }
}

impl<S: Send + Sync> FromRequest<S> for UnparsedJson {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        require_json(request.headers())?;
        let headers = request.headers().clone();
        let request_id = RequestId::of(request.extensions()).to_owned();
        let body = Bytes::from_request(request, state).await.map_err(unreadable)?;
        Ok(Self { headers, request_id, body })
    }
}

impl UnparsedJson {
    /// What [`ContextJson`] would have been.
    ///
    /// # Errors
    /// Those of [`ContextJson`].
    pub fn parse<T: DeserializeOwned + ContextFields>(&self) -> Result<ContextJson<T>, Problem> {
        let body: T = parse_json(&self.body)?;
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
            Err(_) => Err(Problem::not_found("not_found", "nothing is here: the path holds a malformed id")),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Query::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(Problem::unprocessable("invalid_query", rejection.body_text())),
        }
    }
}

pub(crate) fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    if essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json")) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        "expected a body of type application/json",
    ))
}

fn unreadable(rejection: BytesRejection) -> Problem {
    if let BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) = rejection {
        return body_too_large();
    }
    Problem::new(rejection.status(), "unreadable_body", rejection.body_text())
}

pub(crate) fn body_too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        "the body is larger than this route accepts; send it in parts",
    )
}

fn parse_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let pointer = pointer_of(error.path());
        let inner = error.into_inner();
        if inner.is_data() { Problem::invalid_field(pointer, inner.to_string()) } else { malformed(&inner) }
    })?;
    reader.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

fn malformed(error: &serde_json::Error) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "malformed_json", format!("the body is not JSON: {error}"))
}

/// RFC 6901: `/items/0/padding_ms`; the whole body is the empty pointer.
fn pointer_of(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                format!("/{}", key.replace('~', "~0").replace('/', "~1"))
            }
            Segment::Unknown => "/?".to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        #[expect(dead_code, reason = "only its parsing is under test")]
        items: Vec<u32>,
    }

    fn refusal(body: &str) -> String {
        parse_json::<Body>(body.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn refusals_point_at_the_field() {
        assert!(refusal(r#"{"items":[1,"x"]}"#).starts_with("422 invalid_body: /items/1:"));
        assert!(refusal(r#"{"items":[],"more":1}"#).starts_with("422 invalid_body"));
        assert!(refusal(r#"{"items":[1"#).starts_with("400 malformed_json"));
        assert!(refusal(r#"{"items":[]} trailing"#).starts_with("400 malformed_json"));
    }
}
