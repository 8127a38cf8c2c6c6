use audio_pattern_engine::PatternEngine;
use media_v2::NewAsset;
use primitives::Id;
use serde_json::json;
use test_kit::{Api, TestMedia, new_hit};

/// The real router with its own database.
pub(crate) struct TestState {
    pub(crate) media: TestMedia,
    pub(crate) api: Api,
}

impl TestState {
    pub(crate) async fn new() -> Self {
        let media = TestMedia::new().await;
        let engine = PatternEngine::new(media.pool(), media.clock.clone());
        let (router, _) = audio_pattern_engine::router(engine).split_for_parts();
        Self { media, api: Api::new(router) }
    }

    /// An artifact of a new asset.
    pub(crate) async fn sample(&self, tenant: &str) -> Id {
        let asset = self.media.insert_asset(tenant, NewAsset::default()).await;
        self.media.insert_artifact(tenant, new_hit(&asset, &[], json!({}))).await
    }
}
