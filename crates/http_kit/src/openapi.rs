//! Parts of the OpenAPI document that all operations have in common.
//!
//! A slice describes its own parameters, bodies and codes. What [`RequestContext`](crate::RequestContext),
//! [`idempotency`](crate::idempotency) and [`boundary`](crate::boundary) add to every call is added here to the whole
//! document.

use http::StatusCode;
use utoipa::openapi::path::{Operation, PathItem, Paths};
use utoipa::openapi::request_body::RequestBody;
use utoipa::openapi::response::Responses;
use utoipa::openapi::schema::{Components, KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Content, OpenApi, Ref, RefOr, Response, Server};
use utoipa::{PartialSchema, ToSchema};

use crate::ErrorCode;
use crate::codes::{
    BAD_REQUEST, BODY_TOO_LARGE, BUSY, CONTEXT_MISMATCH, DATABASE_UNAVAILABLE, IDEMPOTENCY_IN_PROGRESS,
    IDEMPOTENCY_MISMATCH, INTERNAL, INVALID_CONTEXT, INVALID_IDEMPOTENCY_KEY, MALFORMED_JSON,
    REQUEST_TIMEOUT, SHUTTING_DOWN, STORAGE_FULL, STORAGE_UNAVAILABLE, UNREADABLE_BODY,
    UNSUPPORTED_MEDIA_TYPE,
};
use crate::problem::ProblemDocument;

mod clients;
mod errors;
mod parameters;

pub use clients::complete_schemas;
use errors::add_codes;
pub use errors::{add_errors, add_errors_to_all, error_responses, list_codes};
use parameters::{
    ECHOED_REQUEST_ID, ENV, ENV_OR_IN_BODY, IDEMPOTENCY_KEY, IDEMPOTENCY_REPLAYED, REQUEST_ID, TENANT_ID,
    TENANT_ID_OR_IN_BODY, USER_ID, constrain, echoed_request_id, idempotency_replayed, parameters,
};

/// Errors of every call.
const OF_EVERY_CALL: [ErrorCode; 7] =
    [INVALID_CONTEXT, INTERNAL, DATABASE_UNAVAILABLE, STORAGE_UNAVAILABLE, BUSY, SHUTTING_DOWN, STORAGE_FULL];
/// Errors of calls with a body.
const OF_BODIES: [ErrorCode; 5] =
    [MALFORMED_JSON, UNREADABLE_BODY, CONTEXT_MISMATCH, BODY_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE];
/// Errors of POST: those of `Idempotency-Key`.
const OF_POST: [ErrorCode; 3] = [IDEMPOTENCY_IN_PROGRESS, INVALID_IDEMPOTENCY_KEY, IDEMPOTENCY_MISMATCH];
/// Errors of layers in front of the calls, with any 4xx.
const OF_LAYERS: [ErrorCode; 2] = [BAD_REQUEST, REQUEST_TIMEOUT];

/// Body fields that may replace headers, with an example of each.
const CONTEXT_FIELDS: [(&str, &str, &str); 3] =
    [("tenant_id", "X-Tenant-Id", "t1"), ("env", "X-Env", "dev"), ("user_id", "X-User-Id", "u1")];

/// Name of the security scheme.
const BEARER: &str = "Bearer";

/// Adds the context of a call to every operation: the headers, or the equivalent fields of the body, and their error
/// codes; `Idempotency-Key` to every POST.
pub fn add_context(document: &mut OpenApi) {
    let components = document.components.get_or_insert_default();
    components.parameters.extend(parameters().map(|(name, parameter)| (name.to_owned(), parameter.into())));
    components.headers.insert(IDEMPOTENCY_REPLAYED.to_owned(), idempotency_replayed().into());
    for operation in operations(&mut document.paths) {
        let in_body = match &operation.request_body {
            Some(RefOr::T(body)) => describe_fields(body, components),
            _ => false,
        };
        let tenant_and_env = if in_body { [TENANT_ID_OR_IN_BODY, ENV_OR_IN_BODY] } else { [TENANT_ID, ENV] };
        take(operation, tenant_and_env);
        take(operation, [USER_ID, REQUEST_ID]);
        add_errors(operation, &OF_EVERY_CALL);
        if operation.request_body.is_some() {
            add_errors(operation, &OF_BODIES);
        }
        add_codes(&mut operation.responses, "default", &OF_LAYERS);
    }
    for operation in document.paths.paths.values_mut().filter_map(|item| item.post.as_mut()) {
        take(operation, [IDEMPOTENCY_KEY]);
        add_errors(operation, &OF_POST);
        for (_, response) in matching(&mut operation.responses, |status| status.starts_with('2')) {
            let replayed = Ref::new(format!("#/components/headers/{IDEMPOTENCY_REPLAYED}"));
            response.headers.insert("Idempotency-Replayed".to_owned(), RefOr::Ref(replayed));
        }
    }
}

/// Adds authentication to the document, and the public URL of the service, where known.
pub fn add_security(document: &mut OpenApi, public_url: Option<&str>) {
    let components = document.components.get_or_insert_default();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "An API key (`--auth keys`) or a token of the issuer (`--auth jwt`); none with `--auth none`.",
        ))
        .build();
    components.add_security_scheme(BEARER, SecurityScheme::Http(bearer));
    // Either suffices: which of them is required depends on how the service runs.
    let requirements = [SecurityRequirement::default(), SecurityRequirement::new(BEARER, [""; 0])];
    document.security = Some(requirements.into());
    document.servers = Some(vec![Server::new(public_url.unwrap_or("/"))]);
}

/// Adds to every answer: the problem document to errors, the request id, and a description where the slice has none.
pub fn add_problems(document: &mut OpenApi) {
    let components = document.components.get_or_insert_default();
    let mut schemas = vec![(ProblemDocument::name().into_owned(), ProblemDocument::schema())];
    ProblemDocument::schemas(&mut schemas);
    components.schemas.extend(schemas);
    components.headers.insert(ECHOED_REQUEST_ID.to_owned(), echoed_request_id().into());
    for operation in operations(&mut document.paths) {
        for (status, response) in matching(&mut operation.responses, |_| true) {
            let request_id = Ref::new(format!("#/components/headers/{ECHOED_REQUEST_ID}"));
            response.headers.insert("X-Request-Id".to_owned(), RefOr::Ref(request_id));
            if response.description.is_empty() {
                response.description = reason(status).to_owned();
            }
            if status.starts_with(['4', '5']) || status == "default" {
                let problem = Content::new(Some(Ref::from_schema_name(ProblemDocument::name())));
                response.content.insert("application/problem+json".to_owned(), problem.into());
            }
        }
    }
}

fn operations(paths: &mut Paths) -> impl Iterator<Item = &mut Operation> {
    paths.paths.values_mut().flat_map(|item| {
        let PathItem { get, put, post, delete, options, head, patch, trace, .. } = item;
        [get, put, post, delete, options, head, patch, trace].into_iter().flatten()
    })
}

fn matching(
    responses: &mut Responses,
    wanted: impl Fn(&str) -> bool,
) -> impl Iterator<Item = (&String, &mut Response)> {
    responses.responses.iter_mut().filter_map(move |(status, response)| match response {
        RefOr::T(response) if wanted(status) => Some((status, response)),
        _ => None,
    })
}

/// The reason phrase of a status (`OK`): an answer without a description needs one.
fn reason(status: &str) -> &'static str {
    let status = StatusCode::from_bytes(status.as_bytes());
    status.ok().and_then(|status| status.canonical_reason()).unwrap_or("The answer")
}

fn take<const N: usize>(operation: &mut Operation, parameters: [&str; N]) {
    let references = parameters.map(|name| RefOr::Ref(Ref::new(format!("#/components/parameters/{name}"))));
    operation.parameters.get_or_insert_default().extend(references);
}

/// Describes the context fields of a body; `true` if it has them.
fn describe_fields(body: &RequestBody, components: &mut Components) -> bool {
    let mut have = false;
    let schemas = body.content.values().filter_map(|content| match content {
        RefOr::T(Content { schema: Some(schema), .. }) => Some(schema),
        _ => None,
    });
    for name in schemas.flat_map(|schema| alternatives(schema, components)).collect::<Vec<_>>() {
        let Some(RefOr::T(Schema::Object(object))) = components.schemas.get_mut(&name) else { continue };
        for (field, header, example) in CONTEXT_FIELDS {
            if let Some(RefOr::T(Schema::Object(text))) = object.properties.get_mut(field) {
                constrain(text);
                text.description =
                    Some(format!("Replaces the header {header}; must equal it when both are sent."));
                text.examples = vec![example.into()];
                have = true;
            }
        }
    }
    have
}

/// The components that a body may be: the one that `schema` refers to, or its alternatives.
fn alternatives(schema: &RefOr<Schema>, components: &Components) -> Vec<String> {
    let name = |reference: &Ref| reference.ref_location.rsplit('/').next().unwrap_or_default().to_owned();
    let RefOr::Ref(reference) = schema else { return Vec::new() };
    match components.schemas.get(&name(reference)) {
        Some(RefOr::T(Schema::OneOf(choice))) => {
            let names = choice.items.iter().filter_map(|item| match item {
                RefOr::Ref(reference) => Some(name(reference)),
                RefOr::T(_) => None,
            });
            names.collect()
        }
        _ => vec![name(reference)],
    }
}

/// Schema of raw bytes, in the description of an answer: `body = inline(Binary)`.
#[derive(Clone, Copy, Debug)]
pub struct Binary;

impl PartialSchema for Binary {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::Binary);
        ObjectBuilder::new().schema_type(Type::String).format(Some(format)).into()
    }
}

impl ToSchema for Binary {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_those_of_the_status() {
        assert_eq!(reason("200"), "OK");
        assert_eq!(reason("default"), "The answer");
    }
}
