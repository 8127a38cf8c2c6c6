//! Analyses that use another decoder than the stored one.

use std::path::PathBuf;

use audio_asr::{ModelDirectory, Models};
use audio_signal::Thresholds;
use blob_store::BlobStore;
use chrono::DateTime;
use db::testing::TestDatabase;
use media_decode::{Decoders, Ffmpeg};
use media_time::AssetTime;
use media_v2::{AssetDecoder, MediaConfig, NewAsset};
use primitives::ManualClock;
use tempfile::TempDir;
use video_timeline::TimelineService;

use super::*;
use crate::backend::{BackendKind, Fallback, Measured, SignalBackend};

#[derive(Debug)]
struct Nowhere;

#[async_trait::async_trait]
impl ArtifactOrigins for Nowhere {
    async fn start_in(&self, _: &Scope, _: &Id, _: &Id) -> Result<Option<AssetTime>, Error> {
        Ok(None)
    }
}

pub(super) fn service(database: &TestDatabase, directory: &TempDir, decoders: Decoders) -> SemanticTimelines {
    let pool = database.pool.clone();
    let blobs = BlobStore::open_directory(directory.path()).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH));
    let config = MediaConfig { decoders, ..MediaConfig::default() };
    let media = MediaService::new(pool.clone(), blobs, clock.clone(), config);
    let signal = SignalBackend::new(Thresholds::DEFAULT, 42, 1).unwrap();
    let models = Arc::new(Models::new(ModelDirectory::new(directory.path().join("models")), 1, 1));
    let backends = Backends::new(BackendKind::Signal, Fallback::Error, "none".to_owned(), models, signal);
    let timeline = Arc::new(TimelineService::new(pool, clock.clone()));
    let queue = WorkQueue::new("analysis", 1, 1);
    SemanticTimelines::new(media, timeline, Arc::new(Nowhere), backends, queue, clock)
}

pub(super) fn with_ffmpeg() -> Decoders {
    let program = |name: &str| PathBuf::from("/usr/bin").join(name);
    Decoders::with_ffmpeg(Ffmpeg::new(program("ffmpeg"), program("ffprobe")))
}

pub(super) fn context() -> RequestContext {
    let scope = Scope { tenant_id: "t1".parse().unwrap(), env: "dev".parse().unwrap() };
    RequestContext { scope, user_id: None, request_id: "r".to_owned() }
}

pub(super) async fn asset(database: &TestDatabase, decoder: Option<AssetDecoder>) -> MediaAsset {
    let conn = &mut database.pool.acquire().await.unwrap();
    let new = NewAsset { decoder, ..NewAsset::default() };
    media_v2::store::insert_asset(conn, &context().scope, DateTime::UNIX_EPOCH, new).await.unwrap()
}

#[tokio::test]
async fn timeline_of_a_changed_decoder_is_found_by_the_next_request() {
    let (database, directory) = (TestDatabase::create().await, tempfile::tempdir().unwrap());
    let timelines = service(&database, &directory, with_ffmpeg());
    let (context, asset) = (context(), asset(&database, None).await);
    let selection = timelines.selection().await.unwrap();
    let key =
        AnalysisKey::new(&context, asset.id.clone(), None, EffectiveParams::default(), &selection).unwrap();
    let release = timelines.0.media.decoders().ffmpeg().unwrap().release().unwrap().to_owned();
    let measured = Measured { decoder: Some(DecoderKind::Ffmpeg(release.clone())), ..Measured::default() };
    let input = AnalysisInput::Asset(asset.clone());
    let register =
        async || timelines.register(&context.scope, &key, &selection, &input, measured.clone()).await;
    let (made, was_there) = register().await.unwrap();
    assert!(!was_there);
    let version = format!("{}+ffmpeg-{release}", key.backend_version);
    assert_eq!(made.meta["backend_version"], version);
    let decoder = &made.meta["backend_info"]["dependencies"]["decoder"];
    assert_eq!(decoder["version"], format!("ffmpeg {release}"));
    let stored = timelines.0.media.asset(&context.scope, &asset.id).await.unwrap();
    assert_eq!(stored.decoder, Some(AssetDecoder::Ffmpeg));

    // The next request uses the stored decoder, and decodes nothing: there are no bytes.
    let request = serde_json::from_value(serde_json::json!({"asset_id": asset.id})).unwrap();
    let again = timelines.analyze(&context, &request).await.unwrap();
    assert!(again.meta.cache_hit);
    assert_eq!(again.audio_semantic_artifact_id, made.id);

    // A request that waited for the first, or finished after it, gets the same.
    let waiting = timelines.find_or_make(&context.scope, &key, &selection, &input).await.unwrap();
    assert_eq!((waiting.0.id, waiting.1), (made.id.clone(), true));
    let late = register().await.unwrap();
    assert_eq!((late.0.id, late.1), (made.id, true));
}

#[tokio::test]
async fn missing_ffmpeg_rejects_its_assets_before_queueing() {
    let (database, directory) = (TestDatabase::create().await, tempfile::tempdir().unwrap());
    let timelines = service(&database, &directory, Decoders::native());
    let asset = asset(&database, Some(AssetDecoder::Ffmpeg)).await;
    let request = serde_json::from_value(serde_json::json!({"asset_id": asset.id})).unwrap();
    let error = timelines.analyze(&context(), &request).await.unwrap_err();
    assert_eq!(http_kit::Problem::from(error).code(), "decoder_unavailable");
}
