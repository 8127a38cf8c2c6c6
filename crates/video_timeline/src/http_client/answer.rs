//! Converts unsuccessful responses into errors.

use http::StatusCode;
use primitives::InvalidPage;
use serde::Deserialize;

use crate::error::{Entity, Error};

/// Why an attempt failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// A temporary failure: the call is retried.
    Passing(String),
    /// A permanent failure: a retry would fail again.
    Final(Error),
}

/// The used members of a problem document (RFC 9457); each may be missing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    code: String,
    detail: String,
    id: String,
    errors: Vec<Field>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Field {
    pointer: String,
    detail: String,
}

pub(super) fn failure(status: StatusCode, body: &[u8]) -> Failure {
    let problem: Problem = serde_json::from_slice(body).unwrap_or_default();
    let message = || format!("the response was {} {}: {}", status.as_u16(), problem.code, problem.detail);
    let passing = matches!(status.as_u16(), 408 | 429 | 502 | 503 | 504);
    if passing || problem.code == "idempotency_in_progress" {
        return Failure::Passing(message());
    }
    let message = message();
    Failure::Final(typed(status, problem).unwrap_or_else(|| unavailable(message)))
}

pub(super) fn unavailable(detail: impl Into<String>) -> Error {
    Error::Unavailable { detail: detail.into() }
}

/// The error that the remote's local timeline returned; `None` for other responses.
fn typed(status: StatusCode, problem: Problem) -> Option<Error> {
    let Problem { code, detail, id, errors } = problem;
    let field = errors.into_iter().next().unwrap_or_default();
    match (status.as_u16(), code.as_str()) {
        (404, code) => {
            let kind = Entity::ALL.into_iter().find(|kind| kind.not_found_code().code() == code)?;
            Some(Error::NotFound { kind, id })
        }
        // Earlier versions returned this for another owner's project, but not for an unknown one.
        (403, "context_mismatch") => Some(Error::NotFound { kind: Entity::Project, id }),
        (413, _) => Some(Error::Invalid { pointer: String::new(), detail }),
        (422, "invalid_body") => Some(Error::Invalid { pointer: field.pointer, detail: field.detail }),
        (422, "invalid_query") => {
            Some(Error::InvalidQuery { parameter: field.pointer, detail: field.detail })
        }
        (422, "invalid_cursor") => Some(InvalidPage::Cursor.into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure_of(status: u16, body: &str) -> String {
        format!("{:?}", failure(StatusCode::from_u16(status).unwrap(), body.as_bytes()))
    }

    #[test]
    fn only_temporary_failures_are_retried() {
        for status in [408, 429, 502, 503, 504] {
            assert!(failure_of(status, "").starts_with("Passing"), "{status}");
        }
        for status in [301, 400, 404, 409, 422, 500, 501] {
            assert!(failure_of(status, "<html>").starts_with("Final(Unavailable"), "{status}");
        }
        assert!(failure_of(409, r#"{"code":"idempotency_in_progress"}"#).starts_with("Passing"));
    }

    #[test]
    fn problems_are_converted_back_to_errors() {
        let missing = failure_of(404, r#"{"code":"clip_not_found","id":"clip_1"}"#);
        assert_eq!(missing, r#"Final(NotFound { kind: Clip, id: "clip_1" })"#);
        let route = failure_of(404, r#"{"code":"route_not_found"}"#);
        assert!(route.starts_with("Final(Unavailable"), "a wrong base URL is no missing clip: {route}");
    }
}
