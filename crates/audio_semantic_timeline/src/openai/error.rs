use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http_kit::Problem;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// A problem in OpenAI's error shape.
#[derive(Debug)]
pub(super) struct OpenAiError(Problem);

/// An error.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body for OpenAPI; `body` writes it")]
pub(super) struct OpenAiErrorBody {
    error: OpenAiErrorDetail,
}

/// What is wrong.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body for OpenAPI; `body` writes it")]
pub(super) struct OpenAiErrorDetail {
    /// What happened and what to do.
    message: String,
    /// `invalid_request_error` or `server_error`.
    r#type: String,
    /// The field of the form that is wrong.
    param: Option<String>,
    /// Stable, and one for each cause.
    code: String,
}

impl OpenAiError {
    /// A field of the form is wrong.
    pub(super) fn invalid(name: &str, detail: impl Into<String>) -> Self {
        Self(Problem::invalid_field(format!("/{name}"), detail))
    }

    /// A field, or a value of it, has no effect here.
    pub(super) fn unsupported(name: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let problem = Problem::new(StatusCode::BAD_REQUEST, "unsupported_parameter", &detail);
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
        // OpenAI has no 422: what cannot be done as asked is 400.
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
