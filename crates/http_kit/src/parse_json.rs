use serde::de::DeserializeOwned;

use crate::Problem;
use crate::codes::MALFORMED_JSON;
use crate::strict::{Strict, Usage};

/// Reads one JSON value within the limits of [`Strict`].
pub(crate) fn parse_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let usage = Usage::default();
    let value = serde_path_to_error::deserialize(Strict::new(&mut reader, &usage)).map_err(|error| {
        let pointer = pointer_of(error.path());
        let inner = error.into_inner();
        let message = inner.to_string();
        // The text is JSON, but holds a wrong type or a number out of range.
        if inner.is_data() || message.starts_with("number out of range") {
            Problem::invalid_field(pointer, reason(&message))
        } else {
            malformed(&inner)
        }
    })?;
    reader.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

/// Parses a JSON text that is a part of a form, within the limits of a JSON body.
///
/// # Errors
/// A message that states the first error in the text.
pub fn parse_json_text<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    parse_json(text.as_bytes()).map_err(|problem| problem.detail().to_owned())
}

fn malformed(error: &serde_json::Error) -> Problem {
    Problem::new(MALFORMED_JSON, format!("the body is not JSON: {error}"))
}

/// Rewrites a parser's message in terms of JSON instead of Rust, without the parser's position (the pointer gives the
/// field), truncated to `MAX_CHARS` characters.
pub(crate) fn reason(message: &str) -> String {
    const MAX_CHARS: usize = 300;
    const WORDS: [(&str, &str); 16] = [
        ("invalid digit found in string", "expected a whole number"),
        ("number too large to fit in target type", "the number is too large"),
        ("number out of range", "the number is out of range"),
        ("expected a sequence", "expected a list"),
        ("expected a map", "expected an object"),
        ("invalid type: sequence", "invalid type: list"),
        ("invalid type: map", "invalid type: object"),
        ("expected struct ", "expected an object "),
        ("expected usize", "expected a whole number, not negative"),
        ("expected u64", "expected a whole number, not negative"),
        ("expected u32", "expected a whole number from 0 to 4294967295"),
        ("expected u16", "expected a whole number from 0 to 65535"),
        ("expected i64", "expected a whole number"),
        ("expected i32", "expected a whole number from -2147483648 to 2147483647"),
        ("expected f64", "expected a number"),
        ("expected f32", "expected a number"),
    ];
    let message = message.rsplit_once(" at line ").map_or(message, |(message, _)| message);
    let mut message = WORDS.iter().fold(message.to_owned(), |text, (rust, json)| text.replace(rust, json));
    // Names of Rust types mean nothing to a caller.
    if let Some((before, _)) = message.split_once("expected an object ") {
        message = format!("{before}expected an object");
    }
    if message.chars().count() > MAX_CHARS {
        message = message.chars().take(MAX_CHARS).chain(['…']).collect();
    }
    message
}

/// JSON pointer (RFC 6901), such as `/items/0/padding_ms`; the empty pointer is the whole body.
fn pointer_of(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                format!("/{}", key.replace('~', "~0").replace('/', "~1"))
            }
            Segment::Unknown => "/?".to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        #[expect(dead_code, reason = "only its parsing is under test")]
        items: Vec<u32>,
    }

    fn refusal(body: &str) -> String {
        parse_json::<Body>(body.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn refusals_point_at_the_field() {
        assert!(refusal(r#"{"items":[1,"x"]}"#).starts_with("422 invalid_body: /items/1:"));
        assert!(refusal(r#"{"items":[],"more":1}"#).starts_with("422 invalid_body"));
        let duplicate = refusal(r#"{"items":[],"items":[]}"#);
        assert_eq!(duplicate, r#"422 invalid_body: /items: duplicate key "items""#);
        let deep = parse_json::<serde_json::Value>(br#"{"a":[{"b/c":1,"b/c":2}]}"#).unwrap_err().to_string();
        assert_eq!(deep, r#"422 invalid_body: /a/0/b~1c: duplicate key "b/c""#);
        assert!(refusal(r#"{"items":[1"#).starts_with("400 malformed_json"));
        assert!(refusal(r#"{"items":[]} trailing"#).starts_with("400 malformed_json"));
    }

    #[test]
    fn refusals_are_short_and_in_terms_of_json() {
        let whole = "expected a whole number from 0 to 4294967295";
        assert_eq!(
            refusal(r#"{"items":[1,"x"]}"#),
            format!("422 invalid_body: /items/1: invalid type: string \"x\", {whole}")
        );
        let float = refusal(r#"{"items":[1e300]}"#);
        assert!(float.ends_with(whole) && float.len() < 150, "{float}");
        assert_eq!(refusal(r#"{"items":[1e999]}"#), "422 invalid_body: /items/0: the number is out of range");
        assert_eq!(refusal("[]"), "422 invalid_body: invalid type: list, expected an object");
        assert_eq!(refusal("7"), "422 invalid_body: invalid type: integer `7`, expected an object");
        let long = refusal(&format!(r#"{{"items":[],"{}":1}}"#, "x".repeat(10_000)));
        assert!(
            long.len() < 11_000 && long.ends_with('…'),
            "the pointer is the caller's own, the reason is short"
        );
    }
}
