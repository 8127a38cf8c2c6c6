use std::f32::consts::TAU;
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use audio_asr::{ModelDirectory, Models};
use audio_field_to_samples::FieldToSamples;
use audio_field_to_samples::model::{HitsRequest, LoopsRequest, PhrasesRequest, SamplesRequest};
use audio_semantic_timeline::SemanticTimelines;
use audio_semantic_timeline::backend::{BackendKind, Backends, Fallback, SignalBackend};
use audio_signal::Thresholds;
use audio_to_video_origin::VideoOrigins;
use blob_store::BlobStore;
use chrono::DateTime;
use db::testing::TestDatabase;
use http_kit::RequestContext;
use media_decode::{AudioFormat, Decoder};
use media_v2::{Artifact, Description, MediaAsset, MediaConfig, MediaService};
use primitives::{Clock, ManualClock, Scope};
use scheduling::WorkQueue;
use serde_json::{Value, json};
use tempfile::TempDir;
use video_timeline::{TimelineService, VideoTimeline};

/// Path of the generated file `fixtures/media/NAME`.
pub(crate) fn fixture(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/media").join(name);
    assert!(path.is_file(), "{} is missing: `make fixtures` makes it", path.display());
    path
}

/// All samples of a recording, interleaved.
pub(crate) fn decoded(source: impl media_decode::Source + 'static) -> (AudioFormat, Vec<f32>) {
    let mut decoder = Decoder::open(source).unwrap();
    let format = decoder.format().clone();
    let mut samples = Vec::new();
    while let Some(block) = decoder.next_block().unwrap() {
        samples.extend_from_slice(block.samples);
    }
    (format, samples)
}

/// A mono WAV file of 16-bit samples.
pub(crate) fn wav(rate: u32, samples: &[f32]) -> Vec<u8> {
    let data: Vec<u8> =
        samples.iter().flat_map(|s| ((s.clamp(-1.0, 1.0) * 32_767.0).round() as i16).to_le_bytes()).collect();
    let mut file = Vec::new();
    file.extend(b"RIFF");
    file.extend((36 + data.len() as u32).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend([16u32.to_le_bytes(), 0x0001_0001u32.to_le_bytes(), rate.to_le_bytes()].concat());
    file.extend([(2 * rate).to_le_bytes(), 0x0010_0002u32.to_le_bytes()].concat());
    file.extend(b"data");
    file.extend((data.len() as u32).to_le_bytes());
    file.extend(data);
    file
}

/// Decaying tones, struck at the given `(seconds, amplitude)`.
pub(crate) fn strikes(rate: u32, seconds: f32, at: &[(f32, f32)]) -> Vec<f32> {
    let mut samples = vec![0.0; (seconds * rate as f32) as usize];
    for (start, amplitude) in at {
        let first = (start * rate as f32) as usize;
        for (n, sample) in samples[first..].iter_mut().enumerate() {
            let t = n as f32 / rate as f32;
            *sample += amplitude * (-30.0 * t).exp() * (TAU * 400.0 * t).sin();
        }
    }
    samples
}

pub(crate) fn context(tenant: &str) -> RequestContext {
    let scope = Scope { tenant_id: tenant.parse().unwrap(), env: "dev".parse().unwrap() };
    RequestContext { scope, user_id: None, request_id: "r".to_owned() }
}

/// The service with its dependencies.
pub(crate) struct Bench {
    pub(crate) database: TestDatabase,
    pub(crate) media: MediaService,
    pub(crate) samples: FieldToSamples,
    pub(crate) context: RequestContext,
    _blobs: TempDir,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::create().await;
        let directory = tempfile::tempdir().unwrap();
        let blobs = BlobStore::open_directory(directory.path()).unwrap();
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH));
        let pool = database.pool.clone();
        let media = MediaService::new(pool.clone(), blobs, clock.clone(), MediaConfig::default());
        let signal = SignalBackend::new(Thresholds::DEFAULT, 42, 1).unwrap();
        let models = Arc::new(Models::new(ModelDirectory::new(directory.path().join("models")), 1, 1));
        let backends = Backends::new(BackendKind::Signal, Fallback::Error, "none".to_owned(), models, signal);
        let timeline: Arc<dyn VideoTimeline> = Arc::new(TimelineService::new(pool, clock.clone()));
        let queue = WorkQueue::new("analysis", 2, 8);
        let origins = Arc::new(VideoOrigins::new(media.clone(), queue.clone(), clock.clone()));
        let timelines =
            SemanticTimelines::new(media.clone(), timeline, origins, backends, queue.clone(), clock.clone());
        let samples = FieldToSamples::new(media.clone(), timelines, queue, clock);
        Self { database, media, samples, context: context("t1"), _blobs: directory }
    }

    pub(crate) async fn upload(&self, bytes: Vec<u8>) -> MediaAsset {
        let mut writer = self.media.blobs().writer().await.unwrap();
        writer.write(bytes.into()).await.unwrap();
        self.media.register_upload(&self.context, writer, None, Description::default()).await.unwrap()
    }

    pub(crate) async fn upload_fixture(&self, name: &str) -> MediaAsset {
        self.upload(std::fs::read(fixture(name)).unwrap()).await
    }

    pub(crate) async fn artifact(&self, id: &primitives::Id) -> Artifact {
        self.media.artifact(&self.context.scope, id).await.unwrap()
    }

    /// The bytes of an artifact's content.
    pub(crate) async fn bytes(&self, artifact: &Artifact) -> Vec<u8> {
        let mut reader = self.media.open_source(artifact.content()).await.unwrap();
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).unwrap();
        bytes
    }

    /// Checks that an artifact's samples equal those of `source` from its `source_start_frame` on, except within the
    /// fades that it declares, and that its origin is the same window.
    pub(crate) async fn assert_exact(&self, id: &primitives::Id, format: &AudioFormat, source: &[f32]) {
        let artifact = self.artifact(id).await;
        let (cut_format, cut) = decoded(Cursor::new(self.bytes(&artifact).await));
        let channels = format.channels();
        assert_eq!((cut_format.rate, cut_format.channels()), (format.rate, channels));
        let start = artifact.start_ms.unwrap().to_samples(format.rate) as usize;
        let end = artifact.end_ms.unwrap().to_samples(format.rate) as usize;
        assert_eq!(artifact.meta["source_start_frame"], start);
        assert_eq!(cut.len(), (end - start) * channels);
        let fade = |name: &str| artifact.meta["fades"][name].as_u64().unwrap() as usize * channels;
        let (first, last) = (fade("in_frames"), cut.len() - fade("out_frames"));
        let original = &source[start * channels..end * channels];
        assert!(first < last, "more than fades");
        assert!(
            cut[first..last].iter().zip(&original[first..last]).all(|(a, b)| a.to_bits() == b.to_bits()),
            "{id} differs from the recording between its fades"
        );
        assert!(cut.iter().zip(original).all(|(a, b)| a.abs() <= b.abs()), "fades only make softer");
        let origin: (i64, i64) = sqlx::query_as(
            "SELECT source_start_us, source_end_us FROM origin_maps WHERE audio_artifact_id = $1",
        )
        .bind(id.as_str())
        .fetch_one(&self.database.pool)
        .await
        .unwrap();
        let window = (artifact.start_ms.unwrap().as_micros(), artifact.end_ms.unwrap().as_micros());
        assert_eq!(origin, window);
    }

    /// Number of rows in a table.
    pub(crate) async fn count(&self, table: &'static str) -> i64 {
        let query = match table {
            "artifacts" => "SELECT count(*) FROM artifacts",
            "origin_maps" => "SELECT count(*) FROM origin_maps",
            _ => "SELECT count(*) FROM sample_runs",
        };
        sqlx::query_scalar(query).fetch_one(&self.database.pool).await.unwrap()
    }
}

pub(crate) fn file(name: &str) -> File {
    File::open(fixture(name)).unwrap()
}

macro_rules! request {
    ($name:ident -> $request:ty) => {
        pub(crate) fn $name(asset: &MediaAsset, more: Value) -> $request {
            let mut body = json!({"asset_id": asset.id});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            serde_json::from_value(body).unwrap()
        }
    };
}

request!(samples_request -> SamplesRequest);
request!(hits_request -> HitsRequest);
request!(loops_request -> LoopsRequest);
request!(phrases_request -> PhrasesRequest);
