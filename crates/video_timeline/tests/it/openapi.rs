//! The OpenAPI document describes the request bodies.

use serde_json::{Value, json};

use crate::support::TestState;

/// Every `$ref` under `value`.
fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|field| references(field, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[tokio::test]
async fn references_resolve_and_bodies_may_carry_the_context() {
    let state = TestState::new().await;
    let (_, openapi) = video_timeline::router(state.service.clone()).split_for_parts();
    let document = serde_json::to_value(openapi).unwrap();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(!found.is_empty());
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} does not resolve");
    }

    let mut bodies = 0;
    for operation in
        document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap())
    {
        let schema = &operation.1["requestBody"]["content"]["application/json"]["schema"];
        let Some(reference) = schema["$ref"].as_str() else { continue };
        let properties = &document.pointer(&reference[1..]).unwrap()["properties"];
        for field in ["tenant_id", "env", "user_id"] {
            assert_eq!(properties[field]["type"], json!(["string", "null"]), "{reference} {field}");
        }
        bodies += 1;
    }
    assert_eq!(bodies, 13);
}
