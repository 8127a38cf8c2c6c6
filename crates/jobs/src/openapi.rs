//! Additions to the OpenAPI description of heavy calls, which can run as jobs.

use utoipa::PartialSchema;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder};

use crate::HEAVY_CALLS;

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
        describe(operation, "409", "`job_cancelled`");
        describe(operation, "429", "`too_many_jobs`");
        describe(operation, "503", "`queue_full`");
    }
}

/// Adds a problem code to a status of an operation, unless its description has the code already.
fn describe(operation: &mut Operation, status: &str, code: &str) {
    let responses = &mut operation.responses.responses;
    match responses.get_mut(status) {
        Some(RefOr::T(response)) if !response.description.contains(code) => {
            response.description = format!("{}; {code}", response.description);
        }
        Some(_) => {}
        None => {
            responses.insert(status.to_owned(), ResponseBuilder::new().description(code).build().into());
        }
    }
}
