use std::f32::consts::TAU;
use std::fs::File;
use std::io::Cursor;
use std::sync::Arc;

use audio_asr::{ModelDirectory, Models};
use audio_field_to_samples::FieldToSamples;
use audio_field_to_samples::hits::HitsRequest;
use audio_field_to_samples::loops::LoopsRequest;
use audio_field_to_samples::model::SamplesRequest;
use audio_field_to_samples::phrases::PhrasesRequest;
use audio_semantic_timeline::SemanticTimelines;
use audio_semantic_timeline::backend::{BackendKind, Backends, Fallback, SignalBackend};
use audio_signal::Thresholds;
use audio_to_video_origin::VideoOrigins;
use media_decode::{AudioFormat, Decoder};
use media_v2::{Artifact, Description, MediaAsset};
use primitives::Id;
use scheduling::WorkQueue;
use serde_json::{Value, json};
use test_kit::files::fixture;
use test_kit::{TestMedia, context, scope, with_members};
use video_timeline::TimelineService;

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
    let samples: Vec<i16> = samples.iter().map(|s| (s.clamp(-1.0, 1.0) * 32_767.0).round() as i16).collect();
    test_kit::wav(rate, 1, &samples)
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

/// The service with its dependencies.
pub(crate) struct TestState {
    pub(crate) media: TestMedia,
    pub(crate) samples: FieldToSamples,
}

impl TestState {
    pub(crate) async fn new() -> Self {
        let media = TestMedia::new().await;
        let (service, clock) = (media.service.clone(), media.clock.clone());
        let signal = SignalBackend::new(Thresholds::DEFAULT, 42, 1).unwrap();
        let models = Arc::new(Models::new(ModelDirectory::new(media.directory().join("models")), 1, 1));
        let backends = Backends::new(BackendKind::Signal, Fallback::Error, "none".to_owned(), models, signal);
        let timeline = Arc::new(TimelineService::new(media.pool(), clock.clone()));
        let queue = WorkQueue::new("analysis", 2, 8);
        let origins = Arc::new(VideoOrigins::new(service.clone(), queue.clone(), clock.clone()));
        let timelines = SemanticTimelines::new(
            service.clone(),
            timeline,
            origins,
            backends,
            queue.clone(),
            clock.clone(),
        );
        let samples = FieldToSamples::new(service, timelines, queue, clock);
        Self { media, samples }
    }

    pub(crate) async fn upload(&self, bytes: Vec<u8>) -> MediaAsset {
        let mut writer = self.media.service.blobs().writer().await.unwrap();
        writer.write(bytes.into()).await.unwrap();
        let (context, description) = (context("t1"), Description::default());
        self.media.service.register_upload(&context, writer, None, description).await.unwrap()
    }

    pub(crate) async fn upload_fixture(&self, name: &str) -> MediaAsset {
        self.upload(std::fs::read(fixture(name)).unwrap()).await
    }

    pub(crate) async fn artifact(&self, id: &Id) -> Artifact {
        self.media.service.artifact(&scope("t1"), id).await.unwrap()
    }

    /// The bytes of an artifact's content.
    pub(crate) async fn bytes(&self, artifact: &Artifact) -> Vec<u8> {
        self.media.read(artifact.content()).await
    }

    /// Checks that an artifact's samples equal those of `source` from its `source_start_frame` on, except within the
    /// fades that it declares, and that its origin is the same window.
    pub(crate) async fn assert_exact(&self, id: &Id, format: &AudioFormat, source: &[f32]) {
        let artifact = self.artifact(id).await;
        let (cut_format, cut) = decoded(Cursor::new(self.bytes(&artifact).await));
        let channels = format.channels();
        assert_eq!((cut_format.rate, cut_format.channels()), (format.rate, channels));
        let start = artifact.start.unwrap().since_zero().to_samples(format.rate) as usize;
        let end = artifact.end.unwrap().since_zero().to_samples(format.rate) as usize;
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
        .fetch_one(&self.media.database.pool)
        .await
        .unwrap();
        let window = (artifact.start.unwrap().as_micros(), artifact.end.unwrap().as_micros());
        assert_eq!(origin, window);
    }

    /// Number of rows in a table.
    pub(crate) async fn count(&self, table: &'static str) -> i64 {
        let query = match table {
            "artifacts" => "SELECT count(*) FROM artifacts",
            "origin_maps" => "SELECT count(*) FROM origin_maps",
            _ => "SELECT count(*) FROM sample_runs",
        };
        sqlx::query_scalar(query).fetch_one(&self.media.database.pool).await.unwrap()
    }
}

pub(crate) fn file(name: &str) -> File {
    File::open(fixture(name)).unwrap()
}

macro_rules! request {
    ($name:ident -> $request:ty) => {
        pub(crate) fn $name(asset: &MediaAsset, more: Value) -> $request {
            serde_json::from_value(with_members(json!({"asset_id": asset.id}), more)).unwrap()
        }
    };
}

request!(samples_request -> SamplesRequest);
request!(hits_request -> HitsRequest);
request!(loops_request -> LoopsRequest);
request!(phrases_request -> PhrasesRequest);
