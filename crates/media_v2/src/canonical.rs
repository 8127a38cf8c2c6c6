use std::fmt::Write as _;

use serde_json::Value;
use sha2::{Digest, Sha256};

/// JSON with one spelling: keys sorted, no white space, numbers as `serde_json` writes them.
///
/// Equal values give equal texts, so that a hash of the text names the value.
#[must_use]
pub fn canonical_json(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

/// SHA-256 of the [canonical JSON](canonical_json) of `produced_by`, in lower-case hex.
#[must_use]
pub fn pipeline_hash(produced_by: &Value) -> String {
    hex::encode(Sha256::digest(canonical_json(produced_by)))
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

    #[test]
    fn the_hash_is_sha256_of_the_text() {
        // printf '{}' | sha256sum
        assert_eq!(
            pipeline_hash(&json!({})),
            "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        );
    }
}
