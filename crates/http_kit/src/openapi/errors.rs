//! Error answers of operations, made from codes.

use std::collections::BTreeMap;

use http::StatusCode;
use utoipa::openapi::path::Operation;
use utoipa::openapi::response::Responses;
use utoipa::openapi::{OpenApi, RefOr, Response};

use super::operations;
use crate::ErrorCode;

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

/// Groups codes by their status, in the given order.
fn by_status(codes: &[ErrorCode]) -> BTreeMap<StatusCode, Vec<ErrorCode>> {
    let mut grouped: BTreeMap<StatusCode, Vec<ErrorCode>> = BTreeMap::new();
    for code in codes {
        grouped.entry(code.status()).or_default().push(*code);
    }
    grouped
}

/// Adds the codes that the description of the status does not list.
pub(super) fn add_codes(responses: &mut Responses, status: &str, codes: &[ErrorCode]) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes::{ASSET_NOT_FOUND, INVALID_BODY, INVALID_CURSOR, INVALID_QUERY};
    use crate::openapi::matching;

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
}
