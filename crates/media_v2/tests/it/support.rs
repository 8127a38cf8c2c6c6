use axum::middleware::from_fn_with_state;
use http_kit::idempotency;
use media_v2::MediaConfig;
use remote_source::RemoteSources;
use serde_json::Value;
use test_kit::{Api, Reply, TestMedia, post_artifact};

use crate::form::Form;

/// Limit of uploads in these tests, in bytes.
pub(crate) const MAX_UPLOAD: u64 = 128 << 20;

/// The router with the layers that the service adds.
pub(crate) struct TestState {
    pub(crate) api: Api,
    pub(crate) media: TestMedia,
}

impl TestState {
    pub(crate) async fn new() -> Self {
        Self::with(RemoteSources::default()).await
    }

    /// A service that may fetch `remote_sources`.
    pub(crate) async fn with(remote_sources: RemoteSources) -> Self {
        let config = MediaConfig { remote_sources, max_upload_bytes: MAX_UPLOAD, ..MediaConfig::default() };
        let media = TestMedia::with(config).await;
        let (router, _) = media_v2::router(media.service.clone()).split_for_parts();
        let keys = idempotency::Keys::new(media.pool());
        let router = router.layer(from_fn_with_state(keys, idempotency::layer));
        Self { api: Api::new(router), media }
    }

    /// Writes a file to the allowed sources and returns its URI.
    pub(crate) fn source(&self, name: &str, bytes: &[u8]) -> String {
        std::fs::write(self.media.source(name), bytes).unwrap();
        self.media.source_uri(name)
    }

    /// Sends `GET` with additional headers.
    pub(crate) async fn get_with(&self, path: &str, headers: &[(&'static str, &str)]) -> Reply {
        let api = headers.iter().fold(self.api.clone(), |api, (name, value)| api.header(name, value));
        api.get(path).await
    }

    /// Uploads `file` with additional text fields before it, in the given order.
    pub(crate) async fn upload(&self, file: &[u8], fields: &[(&str, &str)]) -> Reply {
        let form = fields.iter().fold(Form::new(), |form, (name, value)| form.text(name, value));
        self.api.send(form.file("talk.wav", file).request()).await
    }

    /// Uploads a short recording and returns the id of its asset.
    pub(crate) async fn asset(&self) -> String {
        self.upload(&wav(8_000, 1, 800), &[]).await.id()
    }

    /// Registers an artifact of the asset with additional members in its body, and returns its id.
    pub(crate) async fn artifact(&self, asset: &str, more: Value) -> String {
        post_artifact(&self.api, asset, more).await
    }

    pub(crate) async fn asset_count(&self) -> usize {
        self.api.get("/media-v2/assets?limit=500").await.ok()["items"].as_array().unwrap().len()
    }
}

/// A WAV file of 16-bit samples with a sawtooth wave.
pub(crate) fn wav(rate: u32, channels: u16, frames: u32) -> Vec<u8> {
    let frame = |frame: u32| std::iter::repeat_n((frame % 200) as i16 * 100, usize::from(channels));
    test_kit::wav(rate, channels, &(0..frames).flat_map(frame).collect::<Vec<_>>())
}

/// Pseudo-random bytes, the same on each call (xorshift).
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..length).map(|_| step()).collect()
}
