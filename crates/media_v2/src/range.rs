//! Conditional and range requests for content (RFC 9110, sections 13 and 14), as pure functions.

use std::ops::Range;

use axum::http::{HeaderMap, HeaderName, header};

/// The response to a request for content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Selection {
    /// 304: the caller already has these bytes.
    NotModified,
    /// 412: `If-Match` requires other bytes.
    PreconditionFailed,
    /// 200: the whole content.
    Whole,
    /// 206: a range of the content, never empty.
    Part(Range<u64>),
    /// 416: the range is outside the content.
    Unsatisfiable,
}

/// The request headers that select the response.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conditions<'a> {
    /// The lines of `If-Match`; empty when it is absent.
    pub(crate) if_match: Vec<&'a str>,
    pub(crate) if_none_match: Vec<&'a str>,
    pub(crate) if_range: Option<&'a str>,
    pub(crate) range: Option<&'a str>,
}

impl Conditions<'_> {
    /// Selects the response for content of `size` bytes whose strong entity tag is `etag` (with its quotes).
    ///
    /// Multiple or malformed ranges select the whole content, as the RFC allows.
    pub(crate) fn select(self, etag: Option<&str>, size: u64) -> Selection {
        if !self.if_match.is_empty() && !self.if_match.iter().any(|list| lists(list, etag, false)) {
            return Selection::PreconditionFailed;
        }
        if self.if_none_match.iter().any(|list| lists(list, etag, true)) {
            return Selection::NotModified;
        }
        // A date or a weak tag never matches: responses have no Last-Modified, and the tag is strong.
        if self.if_range.is_some_and(|tag| Some(tag.trim()) != etag) {
            return Selection::Whole;
        }
        self.range.map_or(Selection::Whole, |range| part(range, size))
    }
}

/// Whether `If-None-Match` lists the strong entity tag `etag` (with its quotes), so that the caller has the content.
#[must_use]
pub fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    lines(headers, &header::IF_NONE_MATCH).into_iter().any(|list| lists(list, Some(etag), true))
}

/// The lines of a list header, which may occur more than once.
pub(crate) fn lines<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Vec<&'a str> {
    headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect()
}

/// Whether a list of entity tags, or `*`, includes `etag`.
fn lists(list: &str, etag: Option<&str>, weak: bool) -> bool {
    list.trim() == "*"
        || list.split(',').map(str::trim).any(|tag| {
            let tag = if weak { tag.strip_prefix("W/").unwrap_or(tag) } else { tag };
            Some(tag) == etag
        })
}

fn part(header: &str, size: u64) -> Selection {
    // The unit's case does not matter (RFC 9110, section 14.1).
    let spec = header.trim().split_once('=').filter(|(unit, _)| unit.eq_ignore_ascii_case("bytes"));
    let Some((first, last)) = spec.and_then(|(_, spec)| spec.trim().split_once('-')) else {
        return Selection::Whole;
    };
    match (number(first), number(last)) {
        (Ok(Some(first)), Ok(Some(last))) if first > last => Selection::Whole,
        (Ok(Some(first)), Ok(_)) if first >= size => Selection::Unsatisfiable,
        (Ok(Some(first)), Ok(last)) => {
            Selection::Part(first..last.map_or(size, |last| last.saturating_add(1).min(size)))
        }
        (Ok(None), Ok(Some(0))) => Selection::Unsatisfiable,
        (Ok(None), Ok(Some(_))) if size == 0 => Selection::Unsatisfiable,
        (Ok(None), Ok(Some(suffix))) => Selection::Part(size.saturating_sub(suffix)..size),
        _ => Selection::Whole,
    }
}

/// Parses a position of digits only; an empty text is `None`. Values beyond `u64` saturate: no file is that large.
fn number(text: &str) -> Result<Option<u64>, ()> {
    match text.trim() {
        "" => Ok(None),
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Ok(Some(digits.parse().unwrap_or(u64::MAX)))
        }
        _ => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn range(range: &str, size: u64) -> Selection {
        Conditions { range: Some(range), ..Conditions::default() }.select(None, size)
    }

    #[test]
    fn ranges_are_parsed_as_in_rfc_9110() {
        for (header, expected) in [
            ("bytes=0-499", Selection::Part(0..500)),
            ("bytes=500-999", Selection::Part(500..1000)),
            ("Bytes=0-499", Selection::Part(0..500)),
            ("BYTES=-1", Selection::Part(999..1000)),
            ("bytes=999-", Selection::Part(999..1000)),
            ("bytes=0-0", Selection::Part(0..1)),
            ("bytes=-1", Selection::Part(999..1000)),
            ("bytes=-5000", Selection::Part(0..1000)),
            ("bytes=900-99999999999999999999999", Selection::Part(900..1000)),
            ("bytes=0-18446744073709551615", Selection::Part(0..1000)),
            ("bytes=1000-", Selection::Unsatisfiable),
            ("bytes=99999999999999999999999-", Selection::Unsatisfiable),
            ("bytes=-0", Selection::Unsatisfiable),
            ("bytes=5-4", Selection::Whole),
            ("bytes=-", Selection::Whole),
            ("bytes=0-1,5-6", Selection::Whole),
            ("bytes=+1-2", Selection::Whole),
            ("bytes=a-b", Selection::Whole),
            ("lines=0-1", Selection::Whole),
            ("", Selection::Whole),
        ] {
            assert_eq!(range(header, 1000), expected, "{header}");
        }
        assert_eq!(range("bytes=0-", 0), Selection::Unsatisfiable);
        assert_eq!(range("bytes=-1", 0), Selection::Unsatisfiable);
    }

    #[test]
    fn conditions_come_before_ranges() {
        let etag = Some("\"abc\"");
        let ask = |conditions: Conditions<'_>| conditions.select(etag, 10);
        let none = Conditions { range: Some("bytes=0-1"), ..Conditions::default() };
        assert_eq!(
            ask(Conditions { if_none_match: vec!["\"x\", W/\"abc\""], ..none.clone() }),
            Selection::NotModified
        );
        let two_lines = vec!["\"x\"", "\"y\", \"abc\""];
        assert_eq!(
            ask(Conditions { if_none_match: two_lines.clone(), ..none.clone() }),
            Selection::NotModified
        );
        assert_eq!(ask(Conditions { if_match: two_lines, ..none.clone() }), Selection::Part(0..2));
        assert_eq!(ask(Conditions { if_none_match: vec!["*"], ..none.clone() }), Selection::NotModified);
        assert_eq!(ask(Conditions { if_none_match: vec!["\"x\""], ..none.clone() }), Selection::Part(0..2));
        assert_eq!(
            ask(Conditions { if_match: vec!["\"x\""], ..none.clone() }),
            Selection::PreconditionFailed
        );
        assert_eq!(ask(Conditions { if_match: vec!["\"abc\""], ..none.clone() }), Selection::Part(0..2));
        assert_eq!(ask(Conditions { if_range: Some("\"abc\""), ..none.clone() }), Selection::Part(0..2));
        for other in ["\"x\"", "W/\"abc\"", "Wed, 21 Oct 2015 07:28:00 GMT"] {
            assert_eq!(ask(Conditions { if_range: Some(other), ..none.clone() }), Selection::Whole);
        }
    }

    proptest! {
        #[test]
        fn part_is_never_empty_or_outside_the_content(header in "bytes=[0-9]{0,4}-[0-9]{0,4}", size in 0u64..2_000) {
            if let Selection::Part(part) = range(&header, size) {
                prop_assert!(part.start < part.end && part.end <= size);
            }
        }
    }
}
