//! The OpenAPI document describes the request bodies.

use serde_json::json;
use test_kit::resolved_references;

use crate::support::TestState;

#[tokio::test]
async fn references_resolve_and_bodies_may_carry_the_context() {
    let state = TestState::new().await;
    let (_, openapi) = video_timeline::router(state.service.clone()).split_for_parts();
    let document = serde_json::to_value(openapi).unwrap();
    assert!(!resolved_references(&document).is_empty());

    let mut bodies = 0;
    for operation in
        document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap())
    {
        let schema = &operation.1["requestBody"]["content"]["application/json"]["schema"];
        let Some(reference) = schema["$ref"].as_str() else { continue };
        let body = document.pointer(&reference[1..]).unwrap();
        let alternatives = body["oneOf"].as_array().map_or_else(|| vec![schema], |all| all.iter().collect());
        for reference in alternatives.into_iter().map(|alternative| alternative["$ref"].as_str().unwrap()) {
            let properties = &document.pointer(&reference[1..]).unwrap()["properties"];
            for field in ["tenant_id", "env", "user_id"] {
                assert_eq!(properties[field]["type"], json!(["string", "null"]), "{reference} {field}");
            }
            bodies += 1;
        }
    }
    assert_eq!(bodies, 14);
}
