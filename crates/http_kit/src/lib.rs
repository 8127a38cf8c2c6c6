//! Building blocks that all HTTP slices of harkback share.
//!
//! - [`RequestContext`]: who calls (tenant, environment, user), from headers or body;
//! - [`Problem`]: the one error shape, `application/problem+json` (RFC 9457); [`describe`] and [`list_ids`]: bounded
//!   details of several fields and ids;
//! - [`ErrorCode`], [`error_codes!`], [`error_responses!`]: codes of errors as data, from which problems and documents
//!   are made; [`codes`]: those that all crates share;
//! - [`Json`], [`ContextJson`], [`UnparsedJson`], [`Path`], [`Query`]: axum's extractors with that error shape;
//! - [`InContext`]: a body that may also carry the context, which [`ContextJson`] reads;
//! - [`null_as_default`], [`field_default!`], [`null_as_default_of!`]: fields with a default, for which null is absent;
//! - [`present`]: fields of a PATCH, for which it is not;
//! - [`openapi`]: what every operation of the OpenAPI document has in common;
//! - [`idempotency`]: `Idempotency-Key` on writes;
//! - [`json_digest`]: a digest of JSON texts, independent of spelling;
//! - [`multipart`]: forms in bounded memory; [`limit_json`]: the largest JSON body;
//! - [`boundary`]: request ids, one log line per call, problem documents for panics and framework errors;
//! - [`TraceParent`]: the trace that a call belongs to.
//!
//! Errors of [`primitives`] and [`scheduling`] become problems here.

mod body;
pub mod boundary;
pub mod codes;
mod content_disposition;
mod context;
mod error_code;
mod extract;
mod failure;
pub mod idempotency;
mod in_context;
mod json_digest;
pub mod multipart;
pub mod openapi;
mod optional;
mod page_problem;
mod parse_json;
mod problem;
mod reading;
mod request_id;
mod strict;
mod trace;
mod work_problem;

pub use body::{BufferedBody, JsonLimit, RouteLimit, limit_json};
pub use content_disposition::content_disposition;
pub use context::{ContextFields, RequestContext};
pub use error_code::{ErrorCode, Section};
pub use extract::{ContextJson, Json, NoQuery, Path, Query, UnparsedJson, path_id};
pub use in_context::InContext;
pub use json_digest::json_digest;
pub use optional::{null_as_default, present};
pub use parse_json::parse_json_text;
pub use problem::{FieldError, Problem, describe, list_ids};
pub use reading::{BodyPace, BodyTimedOut};
pub use request_id::RequestId;
pub use trace::{InvalidTraceParent, TraceParent};
pub use work_problem::DEFERRED;
