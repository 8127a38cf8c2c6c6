use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::request::Parts;
use primitives::{Id, Scope};
use scheduling::tenancy;

use crate::Problem;
use crate::boundary::REQUEST_ID;
use crate::codes::{CONTEXT_MISMATCH, INVALID_CONTEXT};
use crate::request_id::RequestId;

/// Identity of a call: tenant, environment, optionally a user, and the request id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestContext {
    /// The owner of everything the call reads and writes.
    pub scope: Scope,
    /// The person behind the call, when given.
    pub user_id: Option<Id>,
    /// The id echoed in `X-Request-Id` and in every log line.
    pub request_id: String,
}

/// A request body that may carry the context in place of the headers.
///
/// Implement it with [`context_fields!`](crate::context_fields) for a struct with the three fields.
pub trait ContextFields {
    /// `tenant_id`, `env` and `user_id` of the body.
    fn context_fields(&self) -> [Option<&str>; 3];
}

/// Implements [`ContextFields`] for structs with fields `tenant_id`, `env` and `user_id`, each
/// `Option<String>`.
#[macro_export]
macro_rules! context_fields {
    ($($request:ty),+ $(,)?) => {$(
        impl $crate::ContextFields for $request {
            fn context_fields(&self) -> [Option<&str>; 3] {
                [self.tenant_id.as_deref(), self.env.as_deref(), self.user_id.as_deref()]
            }
        }
    )+};
}

/// The fields of bodies and the headers of the context.
pub(crate) const FIELDS: [(&str, &str); 3] =
    [("tenant_id", "X-Tenant-Id"), ("env", "X-Env"), ("user_id", "X-User-Id")];

impl RequestContext {
    /// The context of a call with `headers` and, where the body carries it, `body` (tenant,
    /// environment, user).
    ///
    /// # Errors
    /// 403 `context_mismatch` when header and body differ; 400 `invalid_context` when tenant or
    /// environment is missing, empty, `t_unknown` or not a valid id, or a header is repeated.
    pub fn resolve(headers: &HeaderMap, body: [Option<&str>; 3], request_id: &str) -> Result<Self, Problem> {
        if headers.get_all(REQUEST_ID).iter().nth(1).is_some() {
            return Err(invalid("X-Request-Id", "is repeated; send it once"));
        }
        let mut values = [None; 3];
        for (slot, (field, header)) in FIELDS.iter().enumerate() {
            let mut in_headers = headers.get_all(*header).iter();
            let from_header = in_headers
                .next()
                .map(|value| value.to_str().map_err(|_| invalid(header, "is not readable text")))
                .transpose()?;
            if in_headers.next().is_some() {
                return Err(invalid(header, "is repeated; send it once"));
            }
            values[slot] = match (from_header, body[slot]) {
                (Some(header_value), Some(body_value)) if header_value != body_value => {
                    return Err(Problem::new(
                        CONTEXT_MISMATCH,
                        format!("the body's {field} differs from the header {header}"),
                    ));
                }
                (from_header, from_body) => from_header.or(from_body),
            };
        }
        let [tenant_id, env, user_id] = values;
        let tenant_id = required(tenant_id, "X-Tenant-Id")?;
        if tenant_id.as_str() == "t_unknown" {
            return Err(invalid("X-Tenant-Id", "is t_unknown, which owns nothing"));
        }
        let env = required(env, "X-Env")?;
        tenancy::note(&tenant_id);
        let user_id = user_id.map(|user| parse(user, "X-User-Id")).transpose()?;
        Ok(Self { scope: Scope { tenant_id, env }, user_id, request_id: request_id.to_owned() })
    }

    /// The context of a call with `headers` and a JSON `body` that its handler has yet to read. A body that does not
    /// parse is ignored, because the headers may suffice and the handler refuses it.
    ///
    /// # Errors
    /// As [`RequestContext::resolve`].
    pub fn of_body(headers: &HeaderMap, body: &[u8], request_id: &str) -> Result<Self, Problem> {
        #[derive(Default, serde::Deserialize)]
        struct Fields {
            tenant_id: Option<String>,
            env: Option<String>,
            user_id: Option<String>,
        }
        let fields: Fields = serde_json::from_slice(body).unwrap_or_default();
        let fields = [fields.tenant_id.as_deref(), fields.env.as_deref(), fields.user_id.as_deref()];
        Self::resolve(headers, fields, request_id)
    }

    /// The user, or `anonymous`: the last component of a cache key.
    #[must_use]
    pub fn user_or_anonymous(&self) -> &str {
        self.user_id.as_ref().map_or("anonymous", Id::as_str)
    }
}

fn required(value: Option<&str>, header: &'static str) -> Result<Id, Problem> {
    match value {
        None | Some("") => Err(invalid(header, "is missing: send it as a header, or in the body of a POST")),
        Some(text) => parse(text, header),
    }
}

fn parse(text: &str, header: &'static str) -> Result<Id, Problem> {
    text.parse().map_err(|error: primitives::InvalidId| invalid(header, &error.to_string()))
}

fn invalid(header: &str, detail: &str) -> Problem {
    Problem::new(INVALID_CONTEXT, format!("{header} {detail}")).field(header, detail)
}

/// Read from the headers alone: for calls without a body.
impl<S: Send + Sync> FromRequestParts<S> for RequestContext {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Self::resolve(&parts.headers, [None; 3], RequestId::of(&parts.extensions))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| (k.parse().unwrap(), v.parse().unwrap())).collect()
    }

    fn code(result: Result<RequestContext, Problem>) -> &'static str {
        result.map_or_else(|problem| problem.code(), |_| "ok")
    }

    #[test]
    fn context_in_the_body_replaces_missing_headers() {
        let body = [Some("t1"), Some("dev"), None];
        let context = RequestContext::resolve(&HeaderMap::new(), body, "r").unwrap();
        assert_eq!(context.scope.tenant_id.as_str(), "t1");
        assert_eq!(context.user_or_anonymous(), "anonymous");
    }

    #[test]
    fn repeated_context_headers_are_refused() {
        for name in ["x-tenant-id", "x-env", "x-user-id", "x-request-id"] {
            let context =
                [("x-tenant-id", "t1"), ("x-env", "dev"), ("x-user-id", "u1"), ("x-request-id", "r1")];
            let mut headers = headers(&context);
            assert_eq!(code(RequestContext::resolve(&headers, [None; 3], "r")), "ok");
            let value = headers[name].clone();
            headers.append(name, value);
            assert_eq!(code(RequestContext::resolve(&headers, [None; 3], "r")), "invalid_context", "{name}");
        }
    }

    #[test]
    fn context_of_header_and_body_must_agree() {
        let headers = headers(&[("x-tenant-id", "t1"), ("x-env", "dev")]);
        assert_eq!(code(RequestContext::resolve(&headers, [Some("t1"), Some("dev"), None], "r")), "ok");
        let other = [Some("t2"), None, None];
        assert_eq!(code(RequestContext::resolve(&headers, other, "r")), "context_mismatch");
    }

    #[test]
    fn unknown_empty_and_malformed_contexts_are_refused() {
        for (tenant, env) in [("t_unknown", "dev"), ("", "dev"), ("t1", ""), ("t|1", "dev")] {
            let body = [Some(tenant), Some(env), None];
            assert_eq!(code(RequestContext::resolve(&HeaderMap::new(), body, "r")), "invalid_context");
        }
        assert_eq!(code(RequestContext::resolve(&HeaderMap::new(), [None; 3], "r")), "invalid_context");
    }
}
