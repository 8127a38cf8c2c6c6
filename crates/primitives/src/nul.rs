use serde_json::Value;

/// Whether a text or key in `value` contains U+0000, which Postgres stores neither in `text` nor in `jsonb`.
///
/// Recursive: the caller bounds the depth of `value`, as the parser of requests does.
///
/// ```
/// use serde_json::json;
///
/// assert!(primitives::contains_nul(&json!({"a": [1, {"b\0": null}]})));
/// assert!(primitives::contains_nul(&json!(["\0"])));
/// assert!(!primitives::contains_nul(&json!({"a": ["b", 0, null]})));
/// ```
#[must_use]
pub fn contains_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(contains_nul),
        Value::Object(fields) => fields.iter().any(|(key, value)| key.contains('\0') || contains_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
