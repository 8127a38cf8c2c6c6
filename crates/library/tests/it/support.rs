use std::sync::Arc;

use audio_semantic_timeline::RegisteredDocuments;
use chrono::TimeDelta;
use library::Library;
use media_v2::{AssetKind, DocumentValidator, MediaConfig, NewAsset};
use serde_json::{Value, json};
use test_kit::{Api, TestMedia, with_members};

/// Media and the library on a separate database.
pub(crate) struct TestState {
    pub(crate) api: Api,
    pub(crate) media: TestMedia,
}

impl TestState {
    pub(crate) async fn new() -> Self {
        db::testing::statements::count();
        let documents: Option<Arc<dyn DocumentValidator>> = Some(Arc::new(RegisteredDocuments));
        let media = TestMedia::with(MediaConfig { documents, ..MediaConfig::default() }).await;
        let (router, _) = media_v2::router(media.service.clone())
            .merge(library::router(Library::new(media.pool())))
            .split_for_parts();
        Self { api: Api::new(router), media }
    }

    pub(crate) async fn asset(&self, tenant: &str, kind: AssetKind, tags: &[&str]) -> String {
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        let asset = NewAsset { kind: Some(kind), tags, ..NewAsset::default() };
        self.media.insert_asset(tenant, asset).await.to_string()
    }

    /// Registers a timeline of `asset` in English with `words`, each with its start in ms; returns its id.
    pub(crate) async fn timeline(&self, tenant: &str, asset: &str, words: &[(&str, i64)]) -> String {
        self.timeline_in(tenant, asset, "en", words).await
    }

    pub(crate) async fn timeline_in(
        &self,
        tenant: &str,
        asset: &str,
        language: &str,
        words: &[(&str, i64)],
    ) -> String {
        let words: Vec<Value> = words
            .iter()
            .map(|(word, start)| {
                json!({"word": word, "start_ms": start, "end_ms": start + 200, "confidence": null})
            })
            .collect();
        let end = words.last().map_or(0, |word| word["end_ms"].as_i64().unwrap()).max(1_000);
        let event = json!({
            "kind": "speech", "start_ms": 0, "end_ms": end, "loudness_lufs": null, "confidence": null,
            "transcription": null, "speaker_id": null, "meta": {"words": words},
        });
        let absent = json!({"available": false});
        let document = json!({
            "asset_id": asset, "artifact_id": null, "duration_ms": end, "events": [event], "beats": [],
            "meta": {
                "model_used": "m", "backend": "b", "backend_version": "v", "backend_type": "whisper_aubio",
                "requested_backend": "whisper_aubio", "fallback_reason": null, "semantic_version": "v",
                "include_beats": true, "include_speech_music": true, "min_silence_ms": 300,
                "loudness_window_ms": 1000, "language": language, "speed_change_limit": 1.05,
                "audio_semantic_cache_key": "k",
                "backend_info": {"service": "s", "backend_version": "v", "dependencies": {
                    "whisper": absent, "aubio": absent, "vad": absent, "decoder": absent,
                }},
                "tempo_bpm": null, "tempo_candidates": [], "integrated_lufs": null,
            },
        });
        let blob = self.media.service.blobs().put(document.to_string().into_bytes().into()).await.unwrap();
        let uri = blob.id.uri();
        let owned = NewAsset { source_uri: uri.clone(), ..NewAsset::default() };
        let document_id = self.media.insert_asset(tenant, owned).await;
        let body = json!({
            "kind": "audio_semantic_timeline", "uri": uri,
            "meta": {"backend_version": "v", "model_used": "m", "cache_key": document_id, "duration_ms": end},
        });
        let path = format!("/media-v2/assets/{asset}/artifacts");
        self.api.tenant(tenant).post(&path, &body).await.id()
    }

    /// Registers a sample of `asset` with `event` and more members of its meta; returns its id.
    pub(crate) async fn sample(&self, tenant: &str, asset: &str, kind: &str, meta: Value) -> String {
        self.media.clock.advance(TimeDelta::seconds(1));
        let end_ms = meta["event"]["duration_ms"].as_i64().unwrap_or(500);
        let body = json!({
            "kind": kind, "uri": "mem:sample", "start_ms": 0, "end_ms": end_ms,
            "meta": with_members(json!({"backend_version": "samples_v1"}), meta),
        });
        let path = format!("/media-v2/assets/{asset}/artifacts");
        self.api.tenant(tenant).post(&path, &body).await.id()
    }

    /// All items of a listing, read in pages of `limit`.
    pub(crate) async fn all(&self, path: &str, limit: usize) -> Vec<Value> {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.api.get(&format!("{path}&limit={limit}{cursor}")).await.ok();
            let items = page["items"].as_array().unwrap().clone();
            assert!(items.len() <= limit);
            all.extend(items);
            let Some(next) = page["next_cursor"].as_str() else { return all };
            cursor = format!("&cursor={next}");
        }
    }

    /// Runs a statement on the database.
    pub(crate) async fn execute(&self, statement: &'static str) {
        sqlx::query(statement).execute(&self.media.pool()).await.unwrap();
    }
}
