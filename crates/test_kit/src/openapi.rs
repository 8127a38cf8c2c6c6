use serde_json::Value;

/// Every `$ref` of an OpenAPI document, in the order of its members; each must resolve within the document.
///
/// # Panics
/// When a reference has no target in the document.
#[must_use]
pub fn resolved_references(document: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    collect(document, &mut found);
    for reference in &found {
        let target = reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
        assert!(target.is_some(), "{reference} does not resolve");
    }
    found
}

fn collect<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|field| collect(field, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}
