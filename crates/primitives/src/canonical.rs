//! Canonical JSON: one text for equal values, whose hash names them for as long as what it names is kept.

use std::fmt::Write as _;

use serde_json::Value;

/// JSON with one spelling: keys sorted, no white space, numbers as `serde_json` writes them.
///
/// Equal values give equal texts, so that a hash of the text names the value.
///
/// This is RFC 8785 (JCS) with three exceptions. They stay, because hashes of these texts are stored:
///
/// | | here | RFC 8785 |
/// |---|---|---|
/// | keys sort by | code points | UTF-16 code units: U+10000 and above before U+E000 to U+FFFF |
/// | integers | exact, to 64 bits | as doubles: 2⁵³ + 1 is 2⁵³ |
/// | doubles | whole ones `1.0`, `-0.0`; exponents from `1e+16` and `1e-6` | `1`, `0`; from `1e+21` and `1e-7` |
#[must_use]
pub fn canonical_json(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(map) => {
            // Sorted here: the map's own order depends on a feature that any dependency can switch on.
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            text.push('{');
            for (index, (key, value)) in entries.into_iter().enumerate() {
                separate(index, text);
                write(&Value::String(key.clone()), text);
                text.push(':');
                write(value, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                separate(index, text);
                write(item, text);
            }
            text.push(']');
        }
        // Writing to a String cannot fail.
        scalar => drop(write!(text, "{scalar}")),
    }
}

fn separate(index: usize, text: &mut String) {
    if index > 0 {
        text.push(',');
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_spelling() {
        let value = json!({"b": [1, 2.5, null, true], "a": {"z": "q\"\n", "y": {}}});
        assert_eq!(canonical_json(&value), r#"{"a":{"y":{},"z":"q\"\n"},"b":[1,2.5,null,true]}"#);
    }
}

#[cfg(test)]
mod rfc8785;
