use audio_identify::{FingerprintBatch, Identify, IndexOptions, index_recordings};
use audio_to_video_origin::VideoOrigins;
use media_v2::{ArtifactKind, Description, MediaAsset, NewArtifact};
use primitives::Id;
use scheduling::WorkQueue;
use serde_json::{Value, json};
use test_kit::{Api, TestMedia, context, with_members};

use crate::music::wav;

pub(crate) const IDENTIFY: &str = "/audio/identify";

/// Searches, origin maps and media on a database of their own.
pub(crate) struct TestState {
    pub(crate) api: Api,
    pub(crate) media: TestMedia,
    pub(crate) service: Identify,
}

impl TestState {
    pub(crate) async fn new() -> Self {
        let media = TestMedia::new().await;
        let queue = WorkQueue::new("analysis", 2, 8);
        let origins = VideoOrigins::new(media.service.clone(), queue.clone(), media.clock.clone());
        let service = Identify::new(media.service.clone(), origins.clone(), queue);
        let (router, _) = media_v2::router(media.service.clone())
            .merge(audio_to_video_origin::router(origins))
            .merge(audio_identify::router(service.clone()))
            .split_for_parts();
        Self { api: Api::new(router), media, service }
    }

    /// Uploads samples as a WAVE file of a tenant.
    pub(crate) async fn upload_of(&self, tenant: &str, samples: &[f32]) -> MediaAsset {
        let mut writer = self.media.service.blobs().writer().await.unwrap();
        writer.write(wav(samples).into()).await.unwrap();
        let description = Description::default();
        self.media.service.register_upload(&context(tenant), writer, None, description).await.unwrap()
    }

    pub(crate) async fn upload(&self, samples: &[f32]) -> MediaAsset {
        self.upload_of("t1", samples).await
    }

    /// A hit of `asset` with these samples.
    pub(crate) async fn hit(&self, asset: &MediaAsset, samples: &[f32]) -> Id {
        let blob = self.media.service.blobs().put(wav(samples).into()).await.unwrap();
        let (kind, produced_by) = (ArtifactKind::AudioHit, json!({"sha256": blob.id.to_hex()}));
        let mut hit = NewArtifact::new(kind, asset.id.clone(), blob.id.uri(), "test", &produced_by);
        hit.content_sha256 = Some(blob.id.to_hex());
        self.media.insert_artifact("t1", hit).await
    }

    /// Indexes all recordings that are not in the index.
    pub(crate) async fn index(&self) -> FingerprintBatch {
        self.index_with(&IndexOptions::default()).await
    }

    pub(crate) async fn index_with(&self, options: &IndexOptions) -> FingerprintBatch {
        index_recordings(&self.media.service, &*self.media.clock, options, None).await.unwrap()
    }

    /// Identifies an asset, with further members of the request.
    pub(crate) async fn identify(&self, asset: &MediaAsset, more: Value) -> Value {
        let body = with_members(json!({"asset_id": asset.id}), more);
        self.api.post(IDENTIFY, &body).await.ok()
    }

    /// Number of landmarks in the index.
    pub(crate) async fn landmarks(&self) -> i64 {
        let count = sqlx::query_scalar("SELECT count(*) FROM fingerprint_landmarks");
        count.fetch_one(&self.media.database.pool).await.unwrap()
    }

    /// Runs a statement, and returns the number of its rows.
    pub(crate) async fn execute(&self, statement: &'static str) -> u64 {
        sqlx::query(statement).execute(&self.media.database.pool).await.unwrap().rows_affected()
    }
}

/// Start of the source at the start of the query, in ms.
pub(crate) fn offset_ms(found: &Value) -> f64 {
    found["source_start_ms"].as_f64().unwrap() - found["query_start_ms"].as_f64().unwrap()
}
