//! Problems as JSON documents, written and read.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{FieldError, Problem};

/// An error of any call: a problem document (RFC 9457).
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemDocument<'a> {
    /// `urn:harkback:problem:` followed by the code.
    r#type: String,
    /// The code in words.
    title: String,
    /// HTTP status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What happened and what to do about it; for a person.
    detail: &'a str,
    /// Stable, machine-readable code of the cause.
    #[schema(pattern = "^[a-z0-9_]+$", example = "asset_not_found")]
    code: &'a str,
    /// Id of the call, as in the header `X-Request-Id`.
    request_id: &'a str,
    /// The invalid fields of the request; empty when the error is not about fields.
    errors: &'a [FieldError],
    /// Further members of some codes, for example the missing `ids`.
    #[serde(flatten)]
    extensions: &'a Map<String, Value>,
}

impl Problem {
    /// Reads a problem that [`Problem::to_json`] of any version has written; `None` for another document.
    #[must_use]
    pub fn from_json(document: Value) -> Option<Self> {
        #[derive(Deserialize)]
        struct Stored {
            status: u16,
            detail: String,
            code: String,
            #[serde(default)]
            errors: Vec<FieldError>,
            #[serde(flatten)]
            more: Map<String, Value>,
        }
        let Stored { status, detail, code, errors, mut more } = serde_json::from_value(document).ok()?;
        for derived in ["type", "title", "request_id"] {
            more.remove(derived);
        }
        let status = StatusCode::from_u16(status).ok()?;
        Some(Self { errors, extensions: more, ..Self::stored(status, known_code(&code)?, detail) })
    }

    /// The problem document as JSON.
    #[must_use]
    pub fn to_json(&self, request_id: &str) -> Value {
        serde_json::from_str(&self.document(request_id)).unwrap_or_default()
    }

    /// The problem document as JSON text.
    pub(crate) fn document(&self, request_id: &str) -> String {
        let document = ProblemDocument {
            r#type: format!("urn:harkback:problem:{}", self.code),
            title: self.title(),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            request_id,
            errors: &self.errors,
            extensions: &self.extensions,
        };
        #[expect(clippy::expect_used, reason = "texts, a number and JSON are always JSON")]
        serde_json::to_string(&document).expect("its fields serialise")
    }

    /// The code as words: `asset_not_found` is titled "Asset not found".
    fn title(&self) -> String {
        let words = self.code.replace('_', " ");
        let mut letters = words.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
    }
}

/// Interns the code as a constant. The number is bounded: codes of this version and of others that wrote to the same
/// database.
fn known_code(code: &str) -> Option<&'static str> {
    const MAX_CODES: usize = 1_000;
    static CODES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    // The lock is never poisoned: nothing panics while it is held.
    let mut codes = CODES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = codes.get(code) {
        return Some(known);
    }
    if codes.len() >= MAX_CODES {
        return None;
    }
    let code: &'static str = Box::leak(code.into());
    codes.insert(code);
    Some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_problem_is_answered_as_it_was() {
        let problem = Problem::invalid_field("/a", "wrong").with("ids", vec!["a", "b"]);
        let read = Problem::from_json(problem.to_json("r1")).unwrap();
        assert_eq!((read.document("r2"), read.code()), (problem.document("r2"), problem.code()));
        assert!(Problem::from_json(Value::Null).is_none());
    }

    #[test]
    fn titles_are_the_code_in_words() {
        assert_eq!(Problem::new(crate::codes::ASSET_NOT_FOUND, "").title(), "Asset not found");
    }
}
