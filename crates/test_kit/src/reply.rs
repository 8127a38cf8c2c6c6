use axum::response::Response;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt as _;
use serde_json::Value;

/// An answer, read completely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status of the answer.
    pub status: u16,
    /// HTTP headers of the answer.
    pub headers: HeaderMap,
    /// Body of the answer.
    pub body: Vec<u8>,
}

impl Reply {
    /// Reads the whole answer of a router.
    ///
    /// # Panics
    /// When its body fails.
    pub async fn read(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a whole answer").to_bytes().to_vec();
        Self { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// The body as text, with replacement characters for invalid UTF-8.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The value of a header; `None` if it is missing or not text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not JSON.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> Value {
        let Ok(value) = serde_json::from_slice(&self.body) else {
            panic!("{} with no JSON: {}", self.status, self.text())
        };
        value
    }

    /// The body of a success as JSON.
    ///
    /// # Panics
    /// When the status is not 2xx.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert!((200..300).contains(&self.status), "{}: {}", self.status, self.text());
        self.json()
    }

    /// The body of an answer with status 201 as JSON.
    ///
    /// # Panics
    /// When the status is another.
    #[track_caller]
    pub fn created(&self) -> Value {
        assert_eq!(self.status, 201, "{}", self.text());
        self.json()
    }

    /// The member `id` of what a successful call made or found.
    ///
    /// # Panics
    /// When the call failed, or its answer has no such member.
    #[must_use]
    #[track_caller]
    pub fn id(&self) -> String {
        let body = self.ok();
        let id = body["id"].as_str();
        id.unwrap_or_else(|| panic!("no id: {body}")).to_owned()
    }

    /// The body of an error with this status and code.
    ///
    /// # Panics
    /// When the answer is anything else, or not a complete problem document (RFC 9457).
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header(CONTENT_TYPE.as_str()), Some("application/problem+json"));
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        for member in ["type", "title", "detail"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {problem}");
        }
        assert!(problem["errors"].is_array(), "{problem}");
        assert_eq!(problem["request_id"].as_str(), self.header("x-request-id"), "{problem}");
        problem
    }

    /// The JSON pointers of the members that a body was refused for, with 422 `invalid_body`.
    ///
    /// # Panics
    /// When the answer is anything else.
    #[track_caller]
    pub fn invalid(&self) -> Vec<String> {
        let problem = self.problem(422, "invalid_body");
        let errors = problem["errors"].as_array().expect("checked above").iter();
        errors.map(|error| error["pointer"].as_str().expect("a pointer").to_owned()).collect()
    }
}

/// `object` with the members of `more` added or replaced; `more` may be null.
///
/// # Panics
/// When either is another kind of value.
#[must_use]
pub fn with_members(mut object: Value, more: Value) -> Value {
    if !more.is_null() {
        let Value::Object(more) = more else { panic!("not an object: {more}") };
        object.as_object_mut().expect("an object").extend(more);
    }
    object
}
