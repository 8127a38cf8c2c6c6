//! Codes of errors as data: each crate declares its own in one table, from which problems, the answers in the OpenAPI
//! document and the tables of `docs/calling.md` are made.

use http::StatusCode;

/// A cause of errors, as callers distinguish it. Declared by [`error_codes!`](crate::error_codes); a
/// [`Problem`](crate::Problem) is made from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorCode {
    code: &'static str,
    status: StatusCode,
    section: Section,
    meaning: &'static str,
    remedy: &'static str,
}

/// The section of `docs/calling.md` that lists a code; in the order of that document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// Errors of the request itself: owner, credentials, headers, body, query.
    Request,
    /// Objects that do not exist, or belong to another owner.
    Objects,
    /// Jobs and webhooks.
    Jobs,
    /// Files, their content, uploads.
    Media,
    /// Timelines, samples, patterns.
    Timelines,
    /// Origins, shot lists, snippets.
    Origins,
    /// Renders.
    Renders,
    /// The service as a whole: its storage, database, queues and programs.
    Service,
}

impl ErrorCode {
    /// Declares a code; `meaning` and `remedy` are Markdown for `docs/calling.md`. Use
    /// [`error_codes!`](crate::error_codes), which also lists the code in the crate's table.
    ///
    /// # Panics
    /// When `status` is not an HTTP status; at compile time, in a constant.
    #[doc(hidden)]
    #[must_use]
    pub const fn declare(
        section: Section,
        code: &'static str,
        status: u16,
        meaning: &'static str,
        remedy: &'static str,
    ) -> Self {
        #[expect(clippy::panic, reason = "evaluated at compile time")]
        let Ok(status) = StatusCode::from_u16(status) else { panic!("not an HTTP status") };
        Self { code, status, section, meaning, remedy }
    }

    /// The code on the wire, in `snake_case`; stable.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.code
    }

    /// HTTP status of the answer.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        self.status
    }

    /// The section of `docs/calling.md` that lists the code.
    #[must_use]
    pub const fn section(self) -> Section {
        self.section
    }

    /// What has happened, in Markdown.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        self.meaning
    }

    /// What the caller or the operator can do, in Markdown.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        self.remedy
    }
}

/// Declares the error codes of a crate as constants, and lists all of them in `CODES`.
///
/// ```
/// http_kit::error_codes! {
///     Objects {
///         SHELF_NOT_FOUND = 404 "shelf_not_found": "no such shelf" => "`GET /shelves`";
///     }
///     Request {
///         SHELF_FULL = 409 "shelf_full": "the shelf has 20 books" => "remove one";
///         SHELF_TOO_HIGH = 422 "shelf_too_high": "the shelf is higher than 3 m" => "use a lower one";
///     }
/// }
///
/// assert_eq!(CODES.len(), 3);
/// assert_eq!(http_kit::Problem::new(SHELF_FULL, "no room").status(), SHELF_FULL.status());
/// ```
#[macro_export]
macro_rules! error_codes {
    ($($section:ident {
        $($name:ident = $status:literal $code:literal: $meaning:literal => $remedy:literal;)+
    })+) => {
        $($(
            #[doc = concat!("`", $code, "` (", stringify!($status), "): ", $meaning, ".")]
            pub const $name: $crate::ErrorCode =
                $crate::ErrorCode::declare($crate::Section::$section, $code, $status, $meaning, $remedy);
            const _: () = assert!(stringify!($name).eq_ignore_ascii_case($code), "named unlike its code");
        )+)+

        /// All codes that this crate declares.
        pub const CODES: &[$crate::ErrorCode] = &[$($($name),+),+];
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes::{ASSET_NOT_FOUND, CODES, INTERNAL, INVALID_CONTEXT};

    #[test]
    fn table_lists_the_declared_codes_in_order() {
        assert_eq!((CODES.first(), CODES.last()), (Some(&INVALID_CONTEXT), Some(&INTERNAL)));
        assert!(CODES.contains(&ASSET_NOT_FOUND));
        let code = ASSET_NOT_FOUND;
        assert_eq!((code.code(), code.status().as_u16()), ("asset_not_found", 404));
        assert_eq!((code.section(), code.meaning()), (Section::Objects, "no such asset"));
        assert!(code.remedy().starts_with("check `ids`"));
    }
}
