use audio_mix::PatternMixer;
use audio_pattern_engine::PatternEngine;
use bytes::Bytes;
use media_v2::{Content, NewAsset};
use primitives::Id;
use scheduling::WorkQueue;
use serde_json::{Value, json};
use test_kit::{Api, TestMedia, new_hit, scope, wav};

/// Frames of a click: the first is the loudest.
pub(crate) const CLICK_FRAMES: usize = 4_800;

/// The routers of patterns and of their renders, with their own database.
pub(crate) struct TestState {
    pub(crate) media: TestMedia,
    pub(crate) api: Api,
}

impl TestState {
    pub(crate) async fn new() -> Self {
        let media = TestMedia::new().await;
        let engine = PatternEngine::new(media.pool(), media.clock.clone());
        let queue = WorkQueue::new("analysis", 1, 4);
        let mixer = PatternMixer::new(media.service.clone(), engine.clone(), queue, media.clock.clone());
        let router = audio_pattern_engine::router(engine).merge(audio_mix::router(mixer));
        let (router, _) = router.split_for_parts();
        Self { media, api: Api::new(router) }
    }

    /// An artifact with these bytes.
    pub(crate) async fn sample(&self, bytes: Vec<u8>) -> Id {
        let mut writer = self.media.service.blobs().writer().await.unwrap();
        writer.write(Bytes::from(bytes)).await.unwrap();
        let blob = writer.finish().await.unwrap();
        let asset = self.media.insert_asset("t1", NewAsset::default()).await;
        let mut artifact = new_hit(&asset, &[], json!({}));
        artifact.uri = blob.id.uri();
        artifact.content_sha256 = Some(blob.id.to_hex());
        self.media.insert_artifact("t1", artifact).await
    }

    /// A pattern of these samples.
    pub(crate) async fn pattern(&self, more: Value) -> String {
        let body = test_kit::with_members(json!({"tenant_id": "t1", "env": "dev"}), more);
        let pattern = self.api.post("/audio/patterns", &body).await.ok();
        pattern["pattern_id"].as_str().unwrap().to_owned()
    }

    /// The samples of a rendered file, left and right interleaved.
    pub(crate) async fn samples(&self, render: &Value) -> Vec<f32> {
        let owner = scope("t1");
        let content = Content {
            tenant_id: &owner.tenant_id,
            env: &owner.env,
            uri: render["uri"].as_str().unwrap(),
            sha256: None,
            size_bytes: None,
            media_type: "audio/wav",
            file_name: None,
            decoder: None,
            file: None,
        };
        let bytes = self.media.read(content).await;
        let data = bytes.windows(4).position(|name| name == b"data").unwrap() + 8;
        bytes[data..].as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
    }
}

/// A mono WAVE file: one loud frame, then silence.
pub(crate) fn click(rate: u32, level: i16) -> Vec<u8> {
    let mut samples = vec![0; CLICK_FRAMES];
    samples[0] = level;
    wav(rate, 1, &samples)
}
