//! Parts of the OpenAPI document that all operations have in common.
//!
//! A slice describes its own parameters, bodies and codes. What [`RequestContext`](crate::RequestContext),
//! [`idempotency`](crate::idempotency) and [`boundary`](crate::boundary) add to every call is added here to the whole
//! document.

use std::collections::BTreeMap;

use http::StatusCode;
use primitives::Id;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem, Paths};
use utoipa::openapi::request_body::RequestBody;
use utoipa::openapi::response::Responses;
use utoipa::openapi::schema::{Components, KnownFormat, Object, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Content, Header, OpenApi, Ref, RefOr, Required, Response, Server};
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

pub use clients::complete_schemas;

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

/// Names of components: the parameters.
const TENANT_ID: &str = "TenantId";
const ENV: &str = "Env";
const TENANT_ID_OR_IN_BODY: &str = "TenantIdOrInBody";
const ENV_OR_IN_BODY: &str = "EnvOrInBody";
const USER_ID: &str = "UserId";
const REQUEST_ID: &str = "RequestId";
const IDEMPOTENCY_KEY: &str = "IdempotencyKey";
/// Name of the security scheme.
const BEARER: &str = "Bearer";
/// Names of components: the headers of answers.
const ECHOED_REQUEST_ID: &str = "RequestId";
const IDEMPOTENCY_REPLAYED: &str = "IdempotencyReplayed";

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

/// Adds errors to every operation that the document has so far.
pub fn add_errors_to_all(document: &mut OpenApi, codes: &[ErrorCode]) {
    for operation in operations(&mut document.paths) {
        add_errors(operation, codes);
    }
}

/// Adds errors to an operation: each code to the description of its status, unless it is listed there already.
pub fn add_errors(operation: &mut Operation, codes: &[ErrorCode]) {
    for (status, codes) in by_status(codes) {
        add_codes(&mut operation.responses, status.as_str(), &codes);
    }
}

/// The error answers of an operation: for each status, a description that lists its codes. For implementations of
/// `utoipa::IntoResponses`, as by [`error_responses!`](crate::error_responses).
#[must_use]
pub fn error_responses(codes: &[ErrorCode]) -> BTreeMap<String, RefOr<Response>> {
    let mut responses = Responses::new();
    for (status, codes) in by_status(codes) {
        add_codes(&mut responses, status.as_str(), &codes);
    }
    responses.responses
}

/// The codes as the description of an answer: `` `a`, `b` ``.
#[must_use]
pub fn list_codes(codes: &[ErrorCode]) -> String {
    codes.iter().map(|code| format!("`{}`", code.code())).collect::<Vec<_>>().join(", ")
}

/// Implements `utoipa::IntoResponses` for a new type: the errors of handlers, for their `responses(…)`.
///
/// ```
/// use http_kit::codes::{INVALID_CURSOR, INVALID_QUERY};
///
/// http_kit::error_responses!(ListErrors: INVALID_QUERY, INVALID_CURSOR);
///
/// #[utoipa::path(get, path = "/books", responses((status = 200, body = Vec<String>), ListErrors))]
/// async fn list() {}
/// ```
#[macro_export]
macro_rules! error_responses {
    ($name:ident: $($code:expr),+ $(,)?) => {
        #[doc = "Errors of handlers, for the OpenAPI document."]
        enum $name {}

        impl ::utoipa::IntoResponses for $name {
            fn responses()
            -> ::std::collections::BTreeMap<String, ::utoipa::openapi::RefOr<::utoipa::openapi::Response>> {
                $crate::openapi::error_responses(&[$($code),+])
            }
        }
    };
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

/// Groups codes by their status, in the given order.
fn by_status(codes: &[ErrorCode]) -> BTreeMap<StatusCode, Vec<ErrorCode>> {
    let mut grouped: BTreeMap<StatusCode, Vec<ErrorCode>> = BTreeMap::new();
    for code in codes {
        grouped.entry(code.status()).or_default().push(*code);
    }
    grouped
}

/// Adds the codes that the description of the status does not list.
fn add_codes(responses: &mut Responses, status: &str, codes: &[ErrorCode]) {
    match responses.responses.get_mut(status) {
        Some(RefOr::T(response)) => {
            let is_missing = |code: &ErrorCode| !response.description.contains(&format!("`{}`", code.code()));
            let more: Vec<ErrorCode> = codes.iter().copied().filter(is_missing).collect();
            if !more.is_empty() {
                response.description = format!("{}, {}", response.description, list_codes(&more));
            }
        }
        Some(RefOr::Ref(_)) => {}
        None => {
            responses.responses.insert(status.to_owned(), Response::new(list_codes(codes)).into());
        }
    }
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

/// Applies the pattern and lengths of [`Id`].
fn constrain(text: &mut Object) {
    if let RefOr::T(Schema::Object(id)) = Id::schema() {
        (text.pattern, text.min_length, text.max_length) = (id.pattern, id.min_length, id.max_length);
    }
}

fn parameters() -> impl Iterator<Item = (&'static str, Parameter)> {
    let tenant = "Whose data it is. `t_unknown` owns nothing and is refused.";
    let env = "Which of the tenant's environments.";
    let or_in_body = |text| format!("{text} The body may carry it instead; if both do, they must be equal.");
    [
        (TENANT_ID, header("X-Tenant-Id", Required::True, tenant).example(Some("t1".into()))),
        (ENV, header("X-Env", Required::True, env).example(Some("dev".into()))),
        (TENANT_ID_OR_IN_BODY, header("X-Tenant-Id", Required::False, or_in_body(tenant)).example(Some("t1".into()))),
        (ENV_OR_IN_BODY, header("X-Env", Required::False, or_in_body(env)).example(Some("dev".into()))),
        (USER_ID, header("X-User-Id", Required::False, "The person behind the call.")),
        (
            REQUEST_ID,
            // Any text is accepted: one that is not an id is replaced.
            header(
                "X-Request-Id",
                Required::False,
                "The caller's id of the call, echoed in the answer and in the log; generated when absent or not an id.",
            )
            .schema(Some(String::schema())),
        ),
        (
            IDEMPOTENCY_KEY,
            header(
                "Idempotency-Key",
                Required::False,
                "Identifies this write, so that a repeated request does not write again: the same request gets the kept answer of \
                 its first success, for a day; another one is refused.",
            ),
        ),
    ]
    .into_iter()
    .map(|(name, parameter)| (name, parameter.build()))
}

fn header(name: &str, required: Required, description: impl Into<String>) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(required)
        .description(Some(description))
        .schema(Some(id()))
}

/// The schema of an id, inline and without the example of [`Id`]'s own schema, which would be offered for every header.
fn id() -> RefOr<Schema> {
    let mut text = String::schema();
    if let RefOr::T(Schema::Object(text)) = &mut text {
        constrain(text);
    }
    text
}

fn echoed_request_id() -> Header {
    HeaderBuilder::new().schema(Some(id())).description(Some("The id of the call.")).build()
}

fn idempotency_replayed() -> Header {
    let description = "`true` on an answer that was stored by the first call with this `Idempotency-Key`.";
    HeaderBuilder::new().schema(Some(bool::schema())).description(Some(description)).build()
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
    use crate::codes::{ASSET_NOT_FOUND, INVALID_BODY, INVALID_CURSOR, INVALID_QUERY};

    #[test]
    fn each_code_is_listed_once_under_its_status() {
        let mut operation = Operation::new();
        for codes in
            [&[INVALID_QUERY, ASSET_NOT_FOUND][..], &[INVALID_CURSOR, INVALID_QUERY], &[INVALID_BODY]]
        {
            add_errors(&mut operation, codes);
        }
        let described: Vec<_> = matching(&mut operation.responses, |_| true)
            .map(|(status, response)| (status.as_str(), response.description.as_str()))
            .collect();
        assert_eq!(
            described,
            [("404", "`asset_not_found`"), ("422", "`invalid_query`, `invalid_cursor`, `invalid_body`")]
        );
    }

    #[test]
    fn error_responses_are_those_of_the_operation() {
        crate::error_responses!(Errors: INVALID_QUERY, ASSET_NOT_FOUND, INVALID_CURSOR);
        let responses = <Errors as utoipa::IntoResponses>::responses();
        let mut operation = Operation::new();
        add_errors(&mut operation, &[ASSET_NOT_FOUND, INVALID_QUERY, INVALID_CURSOR]);
        assert!(operation.responses.responses == responses);
    }

    #[test]
    fn reasons_are_those_of_the_status() {
        assert_eq!(reason("200"), "OK");
        assert_eq!(reason("default"), "The answer");
    }
}
