use primitives::{InvalidPage, PageLimit};

use crate::Problem;
use crate::codes::{INVALID_CURSOR, INVALID_QUERY};

/// 422 `invalid_query` for the limit, 422 `invalid_cursor`.
impl From<InvalidPage> for Problem {
    fn from(error: InvalidPage) -> Self {
        let detail = error.to_string();
        match error {
            InvalidPage::Limit => {
                let expected = format!("expected 1 to {}", PageLimit::MAX.get());
                Self::new(INVALID_QUERY, detail).field("limit", expected)
            }
            InvalidPage::Cursor => Self::new(INVALID_CURSOR, detail).field("cursor", "not a cursor"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_page_names_the_parameter() {
        for (error, code, field, expected) in [
            (InvalidPage::Limit, "invalid_query", "limit", "expected 1 to 500"),
            (InvalidPage::Cursor, "invalid_cursor", "cursor", "not a cursor"),
        ] {
            let problem = Problem::from(error);
            let invalid = &problem.errors()[0];
            assert_eq!((problem.code(), problem.status().as_u16()), (code, 422));
            assert_eq!((invalid.pointer.as_str(), invalid.detail.as_str()), (field, expected));
        }
    }
}
