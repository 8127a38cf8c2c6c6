//! Parameters of calls and headers of answers, as components of the document.

use primitives::Id;
use utoipa::PartialSchema;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{Object, Schema};
use utoipa::openapi::{Header, RefOr, Required};

/// Names of components: the parameters.
pub(super) const TENANT_ID: &str = "TenantId";
pub(super) const ENV: &str = "Env";
pub(super) const TENANT_ID_OR_IN_BODY: &str = "TenantIdOrInBody";
pub(super) const ENV_OR_IN_BODY: &str = "EnvOrInBody";
pub(super) const USER_ID: &str = "UserId";
pub(super) const REQUEST_ID: &str = "RequestId";
pub(super) const IDEMPOTENCY_KEY: &str = "IdempotencyKey";
/// Names of components: the headers of answers.
pub(super) const ECHOED_REQUEST_ID: &str = "RequestId";
pub(super) const IDEMPOTENCY_REPLAYED: &str = "IdempotencyReplayed";

/// Applies the pattern and lengths of [`Id`].
pub(super) fn constrain(text: &mut Object) {
    if let RefOr::T(Schema::Object(id)) = Id::schema() {
        (text.pattern, text.min_length, text.max_length) = (id.pattern, id.min_length, id.max_length);
    }
}

/// The parameters of calls, with their names as components.
pub(super) fn parameters() -> impl Iterator<Item = (&'static str, Parameter)> {
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

pub(super) fn echoed_request_id() -> Header {
    HeaderBuilder::new().schema(Some(id())).description(Some("The id of the call.")).build()
}

pub(super) fn idempotency_replayed() -> Header {
    let description = "`true` on an answer that was stored by the first call with this `Idempotency-Key`.";
    HeaderBuilder::new().schema(Some(bool::schema())).description(Some(description)).build()
}
