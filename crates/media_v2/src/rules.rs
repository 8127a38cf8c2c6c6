//! Limits on the values that a caller may write into a row.

use http_kit::FieldError;
use primitives::contains_nul;

use crate::{MediaError, Meta};

const MAX_TAGS: usize = 64;
const MAX_TAG: usize = 128;
const MAX_TEXT: usize = 512;
const MAX_URI: usize = 2_048;
/// Largest metadata, in bytes of JSON text.
const MAX_META: usize = 256 << 10;

/// Collects all invalid fields, so that one response reports them all.
#[derive(Debug, Default)]
pub(crate) struct Checks(Vec<FieldError>);

impl Checks {
    /// Adds an error for the field at `pointer`.
    pub(crate) fn refuse(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.0.push(FieldError { pointer: pointer.into(), detail: detail.into() });
    }

    pub(crate) fn tags(&mut self, tags: &[String]) {
        if tags.len() > MAX_TAGS {
            self.refuse("/tags", format!("has more than {MAX_TAGS} tags"));
        }
        for (index, tag) in tags.iter().enumerate().take(MAX_TAGS) {
            self.length(&format!("/tags/{index}"), tag, MAX_TAG);
        }
    }

    pub(crate) fn text(&mut self, pointer: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.length(pointer, text, MAX_TEXT);
        }
    }

    /// Checks that `uri` is an absolute URI.
    pub(crate) fn uri(&mut self, pointer: &str, uri: &str) {
        self.length(pointer, uri, MAX_URI);
        if let Err(error) = url::Url::parse(uri) {
            self.refuse(pointer, format!("is not a URI: {error}"));
        }
    }

    pub(crate) fn sha256(&mut self, pointer: &str, text: Option<&str>) {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.is_some_and(|text| text.len() != 64 || !text.bytes().all(is_digit)) {
            self.refuse(pointer, "is not a SHA-256: expected 64 lower-case hexadecimal digits");
        }
    }

    pub(crate) fn meta(&mut self, meta: &Meta) {
        if serde_json::to_string(meta).map_or(0, |text| text.len()) > MAX_META {
            self.refuse("/meta", format!("is larger than {MAX_META} bytes"));
        }
        if meta.iter().any(|(key, value)| key.contains('\0') || contains_nul(value)) {
            self.refuse("/meta", "contains a text with a NUL character");
        }
    }

    pub(crate) fn finish(self) -> Result<(), MediaError> {
        if self.0.is_empty() { Ok(()) } else { Err(MediaError::Invalid(self.0)) }
    }

    fn length(&mut self, pointer: &str, text: &str, limit: usize) {
        if text.is_empty() {
            self.refuse(pointer, "is empty");
        }
        if text.len() > limit {
            self.refuse(pointer, format!("is longer than {limit} bytes"));
        }
        // Postgres stores no NUL in text.
        if text.contains('\0') {
            self.refuse(pointer, "contains a NUL character");
        }
    }
}

/// `name` as a plain file name: no folders, no control characters, at most 200 characters; `None` when the result is
/// empty.
pub fn file_name(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last.chars().filter(|c| !c.is_control() && !is_invisible(*c)).take(200).collect();
    let plain = plain.trim().trim_matches('.').trim();
    (!plain.is_empty()).then(|| plain.to_owned())
}

/// Characters that reorder or hide text: `gpj.exe` could look like `exe.jpg`.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_plain() {
        for (given, plain) in [
            ("talk.wav", Some("talk.wav")),
            ("../../etc/passwd", Some("passwd")),
            ("C:\\tmp\\a b.mp3", Some("a b.mp3")),
            ("a\r\nSet-Cookie: x\0.wav", Some("aSet-Cookie: x.wav")),
            ("\u{202e}gpj.exe", Some("gpj.exe")),
            ("größe.flac", Some("größe.flac")),
            ("..", None),
            ("a/", None),
        ] {
            assert_eq!(file_name(given).as_deref(), plain, "{given:?}");
        }
        assert_eq!(file_name(&"x".repeat(999)).unwrap().len(), 200);
    }

    #[test]
    fn values_that_postgres_rejects_are_invalid() {
        let mut checks = Checks::default();
        checks.tags(&["a\0".to_owned(), String::new()]);
        checks.text("/source_ref", Some(&"x".repeat(600)));
        checks.meta(serde_json::json!({"a": [{"b": "\u{0}"}]}).as_object().unwrap());
        checks.sha256("/content_sha256", Some("AB"));
        checks.uri("/uri", "no uri");
        let Err(MediaError::Invalid(errors)) = checks.finish() else { panic!("nothing was refused") };
        let pointers: Vec<_> = errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/tags/0", "/tags/1", "/source_ref", "/meta", "/content_sha256", "/uri"]);
    }
}
