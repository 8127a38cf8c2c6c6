//! Validation shared by all objects: each error has a field's JSON pointer, below the object's pointer `at`.

use std::io::{self, Write};

use media_time::{Instant, MediaTime};
use primitives::contains_nul;

use super::Meta;
use crate::error::Error;

/// End of a timeline: 2⁵⁰ µs, about 35 years. Up to this time, milliseconds as JSON numbers (IEEE doubles) distinguish
/// every microsecond.
pub(super) const END_OF_TIME: MediaTime = MediaTime::from_micros(1 << 50);
/// Maximum length of a title, name or label, in characters.
const MAX_TEXT: usize = 500;
/// Maximum size of a meta object, in bytes of JSON.
const MAX_META: usize = 64 << 10;
/// Maximum position of a child within its parent.
pub(crate) const MAX_POSITION: i32 = 1_000_000;

/// Returns [`Error::Invalid`] with `detail` unless `ok`.
pub(super) fn require(ok: bool, at: &str, field: &str, detail: &str) -> Result<(), Error> {
    if ok { Ok(()) } else { Err(Error::invalid(at, field, detail)) }
}

pub(super) fn text(text: &str, at: &str, field: &str) -> Result<(), Error> {
    let length = text.chars().take(MAX_TEXT + 1).count();
    require((1..=MAX_TEXT).contains(&length), at, field, "expected 1 to 500 characters")?;
    require(!text.chars().any(char::is_control), at, field, "control characters are not allowed")
}

pub(super) fn position(position: i32, at: &str) -> Result<(), Error> {
    require((0..=MAX_POSITION).contains(&position), at, "position", "expected 0 to 1000000")
}

pub(super) fn time(time: impl Instant, at: &str, field: &str) -> Result<(), Error> {
    let range = MediaTime::ZERO..=END_OF_TIME;
    require(range.contains(&time.since_zero()), at, field, "expected 0 to 1125899906842.624 ms")
}

pub(super) fn meta(meta: &Meta, at: &str) -> Result<(), Error> {
    let fits = serde_json::to_writer(Bounded(MAX_META), meta).is_ok();
    require(fits, at, "meta", "expected at most 64 KiB of JSON")?;
    let has_nul = meta.iter().any(|(key, value)| key.contains('\0') || contains_nul(value));
    require(!has_nul, at, "meta", "the character U+0000 cannot be stored")
}

/// A writer that fails beyond this number of bytes.
struct Bounded(usize);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::WriteZero)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn accepts(value: &Value) -> bool {
        meta(value.as_object().unwrap(), "").is_ok()
    }

    #[test]
    fn meta_is_bounded_and_storable() {
        assert!(accepts(&json!({})));
        assert!(accepts(&json!({"a": [1, {"b": "c"}]})));
        assert!(accepts(&json!({"a": "x".repeat(MAX_META - 8)})));
        assert!(!accepts(&json!({"a": "x".repeat(MAX_META - 7)})));
        assert!(!accepts(&json!({"a": [{"b": "\0"}]})));
        assert!(!accepts(&json!({"a": {"\0": 1}})));
        assert!(!accepts(&json!({"\0": 1})));
    }

    #[test]
    fn text_is_bounded_and_has_no_control_characters() {
        for (value, good) in [("", false), ("ä", true), ("a\0", false), ("a\nb", false)] {
            assert_eq!(text(value, "", "title").is_ok(), good, "{value:?}");
        }
        assert!(text(&"ä".repeat(500), "", "title").is_ok());
        assert!(text(&"ä".repeat(501), "", "title").is_err());
    }
}
