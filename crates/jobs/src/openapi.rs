//! Additions to the OpenAPI description of heavy calls, which can run as jobs.

use http_kit::codes::QUEUE_FULL;
use utoipa::PartialSchema;
use utoipa::openapi::path::{ParameterBuilder, ParameterIn};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder};

use crate::HEAVY_CALLS;
use crate::codes::{JOB_CANCELLED, TOO_MANY_JOBS};

/// Adds the header `Prefer` and the answer 202 to the heavy calls of a document.
pub fn describe_calls(document: &mut OpenApi) {
    for call in HEAVY_CALLS {
        let Some(operation) = document.paths.paths.get_mut(call.path).and_then(|item| item.post.as_mut())
        else {
            continue;
        };
        let prefer = ParameterBuilder::new()
            .name("Prefer")
            .parameter_in(ParameterIn::Header)
            .description(Some(
                "`respond-async` answers 202 with a job where heavy work would begin; with `wait=N` only after N seconds, \
                 at most 60 (RFC 7240)",
            ))
            .schema(Some(String::schema()))
            .build();
        operation.parameters.get_or_insert_default().push(RefOr::T(prefer));
        let accepted = ResponseBuilder::new()
            .description("Accepted as a job; `Location` is its path")
            .content(
                "application/json",
                ContentBuilder::new().schema(Some(Ref::from_schema_name("Job"))).build(),
            )
            .build();
        operation.responses.responses.insert("202".to_owned(), accepted.into());
        http_kit::openapi::add_errors(operation, &[JOB_CANCELLED, TOO_MANY_JOBS, QUEUE_FULL]);
    }
}
