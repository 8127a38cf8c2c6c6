//! Invalid fields, and details of several fields and ids.

use serde::{Deserialize, Serialize};

/// An invalid field of the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) into the body, or the name of a header or query parameter.
    pub pointer: String,
    /// The error in the field, with the expected value.
    pub detail: String,
}

/// Number of items that details of problems list; members of the problem have all of them.
const MAX_LISTED: usize = 5;

/// The first five invalid fields as the detail of a problem, with the number of further ones.
#[must_use]
pub fn describe(errors: &[FieldError]) -> String {
    let listed: Vec<_> =
        errors.iter().take(MAX_LISTED).map(|error| format!("{}: {}", error.pointer, error.detail)).collect();
    let more = errors.len() - listed.len();
    if more > 0 { format!("{}; and {more} more", listed.join("; ")) } else { listed.join("; ") }
}

/// The first five ids for the detail of a problem, with the number of further ones.
#[must_use]
pub fn list_ids(ids: &[String]) -> String {
    let listed = ids[..ids.len().min(MAX_LISTED)].join(", ");
    if ids.len() > MAX_LISTED { format!("{listed} and {} more", ids.len() - MAX_LISTED) } else { listed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_list_at_most_five_fields_and_ids() {
        let fields = |count: usize| {
            let field =
                |index: usize| FieldError { pointer: format!("/{index}"), detail: "is empty".to_owned() };
            describe(&(0..count).map(field).collect::<Vec<_>>())
        };
        assert_eq!(fields(0), "");
        assert_eq!(fields(2), "/0: is empty; /1: is empty");
        assert!(fields(5).ends_with("; /4: is empty"));
        assert!(fields(7).ends_with("; /4: is empty; and 2 more"));
        let ids = |count: usize| list_ids(&(0..count).map(|index| format!("a{index}")).collect::<Vec<_>>());
        assert_eq!((ids(0), ids(2)), (String::new(), "a0, a1".to_owned()));
        assert_eq!(
            (ids(5), ids(6)),
            ("a0, a1, a2, a3, a4".to_owned(), "a0, a1, a2, a3, a4 and 1 more".to_owned())
        );
    }
}
