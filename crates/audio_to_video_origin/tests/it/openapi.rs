//! The OpenAPI document of the routes is complete.

use test_kit::resolved_references;

use crate::support::TestState;

#[tokio::test]
async fn openapi_references_resolve_and_pattern_is_a_union() {
    let state = TestState::new().await;
    let (_, openapi) = audio_to_video_origin::router(state.origins.clone()).split_for_parts();
    let document = serde_json::to_value(openapi).unwrap();
    assert!(resolved_references(&document).contains(&"#/components/schemas/PatternTimeline"));
    assert_eq!(document["paths"].as_object().unwrap().len(), 4);
}
