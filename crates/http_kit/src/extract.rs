use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, header};
use primitives::Id;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::body::BufferedBody;
use crate::boundary::RequestId;
use crate::codes::{INVALID_QUERY, MALFORMED_JSON, NOT_FOUND, UNSUPPORTED_MEDIA_TYPE};
use crate::strict::{Strict, Usage};
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

/// Reads one JSON value within the limits of [`Strict`].
pub(crate) fn parse_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let usage = Usage::default();
    let value = serde_path_to_error::deserialize(Strict::new(&mut reader, &usage)).map_err(|error| {
        let pointer = pointer_of(error.path());
        let inner = error.into_inner();
        let message = inner.to_string();
        // The text is JSON, but holds a wrong type or a number out of range.
        if inner.is_data() || message.starts_with("number out of range") {
            Problem::invalid_field(pointer, reason(&message))
        } else {
            malformed(&inner)
        }
    })?;
    reader.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

/// Parses a JSON text that is a part of a form, within the limits of a JSON body.
///
/// # Errors
/// A message that states the first error in the text.
pub fn parse_json_text<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    parse_json(text.as_bytes()).map_err(|problem| problem.detail().to_owned())
}

fn malformed(error: &serde_json::Error) -> Problem {
    Problem::new(MALFORMED_JSON, format!("the body is not JSON: {error}"))
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

/// Rewrites a parser's message in terms of JSON instead of Rust, without the parser's position (the pointer gives the
/// field), truncated to `LONGEST` characters.
fn reason(message: &str) -> String {
    const LONGEST: usize = 300;
    const WORDS: [(&str, &str); 16] = [
        ("invalid digit found in string", "expected a whole number"),
        ("number too large to fit in target type", "the number is too large"),
        ("number out of range", "the number is out of range"),
        ("expected a sequence", "expected a list"),
        ("expected a map", "expected an object"),
        ("invalid type: sequence", "invalid type: list"),
        ("invalid type: map", "invalid type: object"),
        ("expected struct ", "expected an object "),
        ("expected usize", "expected a whole number, not negative"),
        ("expected u64", "expected a whole number, not negative"),
        ("expected u32", "expected a whole number from 0 to 4294967295"),
        ("expected u16", "expected a whole number from 0 to 65535"),
        ("expected i64", "expected a whole number"),
        ("expected i32", "expected a whole number from -2147483648 to 2147483647"),
        ("expected f64", "expected a number"),
        ("expected f32", "expected a number"),
    ];
    let message = message.rsplit_once(" at line ").map_or(message, |(message, _)| message);
    let mut message = WORDS.iter().fold(message.to_owned(), |text, (rust, json)| text.replace(rust, json));
    // Names of Rust types mean nothing to a caller.
    if let Some((before, _)) = message.split_once("expected an object ") {
        message = format!("{before}expected an object");
    }
    if message.chars().count() > LONGEST {
        message = message.chars().take(LONGEST).chain(['…']).collect();
    }
    message
}

/// JSON pointer (RFC 6901), such as `/items/0/padding_ms`; the empty pointer is the whole body.
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

    #[test]
    fn refusals_are_short_and_in_terms_of_json() {
        let whole = "expected a whole number from 0 to 4294967295";
        assert_eq!(
            refusal(r#"{"items":[1,"x"]}"#),
            format!("422 invalid_body: /items/1: invalid type: string \"x\", {whole}")
        );
        let float = refusal(r#"{"items":[1e300]}"#);
        assert!(float.ends_with(whole) && float.len() < 150, "{float}");
        assert_eq!(refusal(r#"{"items":[1e999]}"#), "422 invalid_body: /items/0: the number is out of range");
        assert_eq!(refusal("[]"), "422 invalid_body: invalid type: list, expected an object");
        assert_eq!(refusal("7"), "422 invalid_body: invalid type: integer `7`, expected an object");
        let long = refusal(&format!(r#"{{"items":[],"{}":1}}"#, "x".repeat(10_000)));
        assert!(
            long.len() < 11_000 && long.ends_with('…'),
            "the pointer is the caller's own, the reason is short"
        );
    }

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
