//! The OpenAPI document of the routes is complete.

use serde_json::Value;

use crate::support::TestState;

/// Collects every `$ref` under `value`.
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
async fn openapi_references_resolve_and_pattern_is_a_union() {
    let state = TestState::new().await;
    let (_, openapi) = audio_to_video_origin::router(state.origins.clone()).split_for_parts();
    let document = serde_json::to_value(openapi).unwrap();
    let mut found = Vec::new();
    references(&document, &mut found);
    for reference in &found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} does not resolve");
    }
    assert!(found.contains(&"#/components/schemas/PatternTimeline"));
    assert_eq!(document["paths"].as_object().unwrap().len(), 4);
}
