use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http_kit::Problem;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::codes::UNSUPPORTED_PARAMETER;

/// A problem, serialized in OpenAI's error format.
#[derive(Debug)]
pub(super) struct OpenAiError(Problem);

/// Body of an error response.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body for OpenAPI; `body` writes it")]
pub(super) struct OpenAiErrorBody {
    error: OpenAiErrorDetail,
}

/// Description of an error.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body for OpenAPI; `body` writes it")]
pub(super) struct OpenAiErrorDetail {
    /// The cause, and what to do.
    message: String,
    /// `invalid_request_error` or `server_error`.
    r#type: String,
    /// The invalid form field.
    param: Option<String>,
    /// Stable code of the cause.
    code: String,
}

impl OpenAiError {
    /// A form field is invalid.
    pub(super) fn invalid(name: &str, detail: impl Into<String>) -> Self {
        Self(Problem::invalid_field(format!("/{name}"), detail))
    }

    /// A form field or its value is not supported.
    pub(super) fn unsupported(name: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let problem = Problem::new(UNSUPPORTED_PARAMETER, &detail);
        Self(problem.field(format!("/{name}"), detail))
    }
}

impl<E: Into<Problem>> From<E> for OpenAiError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for OpenAiError {
    fn into_response(self) -> Response {
        // OpenAI's API has no 422, so such problems are returned as 400.
        let problem = match self.0.status() {
            StatusCode::UNPROCESSABLE_ENTITY => self.0.with_status(StatusCode::BAD_REQUEST),
            _ => self.0,
        };
        problem.with_body(body).into_response()
    }
}

fn body(problem: &Problem) -> Value {
    let kind = if problem.status().is_server_error() { "server_error" } else { "invalid_request_error" };
    let param = problem.errors().first().map(|error| error.pointer.trim_start_matches('/'));
    json!({"error": {"message": problem.detail(), "type": kind, "param": param, "code": problem.code()}})
}
