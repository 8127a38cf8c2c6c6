//! Renders patterns: finds earlier renders, mixes new ones, and registers their files.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;

use audio_pattern_engine::{PatternEngine, PatternTimeline};
use blob_store::ScratchFile;
use http_kit::RequestContext;
use media_decode::MediaInput;
use media_time::MediaTime;
use media_v2::{
    Artifact, ArtifactKind, AssetKind, AudioStream, MediaError, MediaService, Meta, NewArtifact, NewAsset,
    pipeline_hash,
};
use primitives::{Clock, Id, Scope};
use scheduling::{SingleFlight, WorkProgress, WorkQueue};
use serde_json::{Value, json};

use crate::clip_store::FRAME_BYTES;
use crate::model::PatternRender;
use crate::pattern::PatternMix;
use crate::store::{self, StoredPatternRender};
use crate::wave::{self, WrittenMix};
use crate::{BACKEND_VERSION, CHANNELS, Error, RATE, windows};

/// Longest pattern that is rendered: its WAVE file is just below 4 GiB.
const MAX_LENGTH: MediaTime = MediaTime::from_millis(3 * 3_600_000);

/// Renders patterns to WAVE files, and reuses earlier renders. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PatternMixer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    media: MediaService,
    patterns: PatternEngine,
    queue: WorkQueue,
    single_flight: SingleFlight,
    clock: Arc<dyn Clock>,
}

/// A pattern with its samples and the key of its render.
struct MixJob {
    pattern: PatternTimeline,
    /// The samples of the clips, ordered by id.
    samples: Vec<Artifact>,
    mix: PatternMix,
    produced_by: Value,
    key: String,
}

impl PatternMixer {
    /// A mixer of the patterns of `patterns`; `queue` bounds how many are mixed at once.
    #[must_use]
    pub fn new(
        media: MediaService,
        patterns: PatternEngine,
        queue: WorkQueue,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let single_flight = SingleFlight::new(media.pool().clone());
        Self(Arc::new(Inner { media, patterns, queue, single_flight, clock }))
    }

    /// Renders a stored pattern, or returns the earlier render of the same clips and samples.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn render(&self, context: &RequestContext, pattern_id: &Id) -> Result<PatternRender, Error> {
        let scope = &context.scope;
        let job = self.job(scope, pattern_id).await?;
        let stored = match self.find(scope, &job.key).await? {
            Some(stored) => stored,
            None => {
                let lock = format!("audio_mix|{}|{}|{}", scope.tenant_id, scope.env, job.key);
                let made = Box::pin(self.make(context, &job));
                self.0.single_flight.get_or_make(&lock, || self.find(scope, &job.key), made).await?.0
            }
        };
        Ok(PatternRender {
            asset_id: stored.asset_id,
            artifact_id: stored.artifact_id,
            uri: stored.uri,
            pattern_id: pattern_id.clone(),
            duration: MediaTime::from_micros(stored.duration_us),
            gain_db: stored.gain_db,
        })
    }

    async fn job(&self, scope: &Scope, pattern_id: &Id) -> Result<MixJob, Error> {
        let pattern = self.0.patterns.get(scope, pattern_id).await?;
        let mut indices: BTreeMap<Id, usize> =
            pattern.clips.iter().map(|clip| (clip.artifact_id.clone(), 0)).collect();
        for (index, (_, position)) in indices.iter_mut().enumerate() {
            *position = index;
        }
        let samples = self.samples(scope, indices.keys().cloned().collect()).await?;
        let mix = PatternMix::new(&pattern, |id| indices.get(id).copied().unwrap_or_default());
        let length = MediaTime::from_frames(mix.frames, RATE);
        if length > MAX_LENGTH {
            return Err(Error::TooLong { length, limit: MAX_LENGTH });
        }
        let produced_by = produced_by(&mix, &samples);
        let key = pipeline_hash(&produced_by);
        Ok(MixJob { pattern, samples, mix, produced_by, key })
    }

    /// The artifacts with these ids, ordered by id.
    async fn samples(&self, scope: &Scope, ids: Vec<Id>) -> Result<Vec<Artifact>, Error> {
        let mut conn = self.0.media.pool().acquire().await?;
        let mut found = media_v2::store::find_artifacts(&mut conn, scope, &ids).await?;
        if found.len() < ids.len() {
            let missing = media_v2::store::missing_artifacts(&mut conn, scope, &ids).await?;
            return Err(MediaError::ArtifactsNotFound(missing).into());
        }
        found.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(found)
    }

    async fn find(&self, scope: &Scope, key: &str) -> Result<Option<StoredPatternRender>, Error> {
        let mut conn = self.0.media.pool().acquire().await?;
        Ok(store::find(&mut conn, scope, key).await?)
    }

    async fn make(&self, context: &RequestContext, job: &MixJob) -> Result<StoredPatternRender, Error> {
        self.check_disk(&job.mix).await?;
        let mut inputs = Vec::with_capacity(job.samples.len());
        for sample in &job.samples {
            inputs.push((sample.id.clone(), self.0.media.open_recording(sample.content()).await?));
        }
        let file = self.0.media.blobs().scratch().await.map_err(MediaError::from)?;
        let written = self.write(&file, inputs, job).await?;
        let blob = file.store().await.map_err(MediaError::from)?;
        self.register(context, job, &written, blob.id.uri(), blob.size_bytes).await
    }

    /// Fails unless the disk has room for the mix, the file and the windows of the samples.
    async fn check_disk(&self, mix: &PatternMix) -> Result<(), Error> {
        let clips: u64 = mix.clips.iter().map(|clip| clip.frames).sum();
        let needed_bytes = FRAME_BYTES.saturating_mul(2 * mix.frames + clips);
        let free_bytes = self.0.media.blobs().free_scratch_bytes().await.map_err(MediaError::from)?;
        if needed_bytes > free_bytes { Err(Error::NoRoom { needed_bytes, free_bytes }) } else { Ok(()) }
    }

    /// Mixes on a thread of the queue and writes the WAVE file.
    async fn write(
        &self,
        file: &ScratchFile,
        inputs: Vec<(Id, MediaInput)>,
        job: &MixJob,
    ) -> Result<WrittenMix, Error> {
        let clips = self.0.media.blobs().scratch().await.map_err(MediaError::from)?;
        let mixed = self.0.media.blobs().scratch().await.map_err(MediaError::from)?;
        let open = |file: &ScratchFile| File::options().read(true).write(true).open(file.path());
        let files = (|| Ok::<_, std::io::Error>([open(&clips)?, open(&mixed)?, open(file)?]))();
        let files = files.map_err(MediaError::from)?;
        let windows = windows(&job.mix.clips, inputs.len());
        let (placed, frames) = (job.mix.clips.clone(), job.mix.frames);
        let watched = WorkProgress::current();
        let work = self.0.queue.run(move |cancellation| {
            let samples = inputs.into_iter().zip(windows);
            let done = |stage, done| watched.report(stage, done);
            wave::write_wave(files, samples, &placed, frames, &done, &|| cancellation.is_cancelled())
        });
        work.await?
    }

    /// Registers the file as an asset with its artifact and key, in one transaction.
    async fn register(
        &self,
        context: &RequestContext,
        job: &MixJob,
        written: &WrittenMix,
        uri: String,
        size_bytes: u64,
    ) -> Result<StoredPatternRender, Error> {
        let (scope, now) = (&context.scope, self.0.clock.now());
        let duration = written.duration;
        let mut transaction = self.0.media.pool().begin().await?;
        let asset = asset(context.user_id.clone(), uri.clone(), size_bytes, duration, &job.pattern);
        let asset = media_v2::store::insert_asset(&mut transaction, scope, now, asset).await?;
        let artifact = artifact(job, asset.id.clone(), uri.clone(), written);
        let artifact = media_v2::store::insert_artifact(&mut transaction, scope, now, artifact).await?;
        let stored = StoredPatternRender {
            artifact_id: artifact.id,
            asset_id: asset.id,
            uri,
            duration_us: duration.as_micros(),
            gain_db: written.gain_db,
        };
        if store::insert(&mut transaction, scope, &job.key, &stored).await? {
            transaction.commit().await?;
            return Ok(stored);
        }
        transaction.rollback().await?;
        // The row is missing only if it has been deleted meanwhile.
        Ok(self.find(scope, &job.key).await?.ok_or(sqlx::Error::RowNotFound)?)
    }
}

/// Everything that determines the bytes of the render. Samples are named by the hash of their bytes, or by id without one.
fn produced_by(mix: &PatternMix, samples: &[Artifact]) -> Value {
    let identity = |sample: &Artifact| match &sample.content_sha256 {
        Some(hash) => json!({ "sha256": hash }),
        None => json!({ "artifact_id": sample.id }),
    };
    let clips: Vec<Value> = mix
        .clips
        .iter()
        .map(|clip| json!([clip.source, clip.source_start, clip.start, clip.frames, clip.gain]))
        .collect();
    json!({
        "op_type": "audio_mix.pattern",
        "backend_version": BACKEND_VERSION,
        "rate": RATE,
        "frames": mix.frames,
        "samples": samples.iter().map(identity).collect::<Vec<_>>(),
        "clips": clips,
    })
}

fn asset(
    user_id: Option<Id>,
    uri: String,
    size_bytes: u64,
    duration: MediaTime,
    pattern: &PatternTimeline,
) -> NewAsset {
    let mut meta = Meta::new();
    meta.insert("media_type".to_owned(), "audio/wav".into());
    meta.insert("file_name".to_owned(), format!("{}.wav", pattern.pattern_id).into());
    NewAsset {
        user_id,
        kind: Some(AssetKind::Audio),
        // The name of a blob is its hash.
        content_sha256: uri.rsplit('/').next().map(str::to_owned),
        source_uri: uri,
        duration: Some(duration),
        audio_channels: Some(CHANNELS as u32),
        sample_rate: Some(RATE),
        codec_info: Some("wave: pcm_f32le".to_owned()),
        audio_streams: vec![AudioStream::only("pcm_f32le", CHANNELS as u32, RATE)],
        size_bytes: Some(size_bytes),
        meta,
        ..NewAsset::default()
    }
}

fn artifact(job: &MixJob, asset_id: Id, uri: String, written: &WrittenMix) -> NewArtifact {
    let mut artifact =
        NewArtifact::new(ArtifactKind::Render, asset_id.clone(), uri, BACKEND_VERSION, &job.produced_by);
    artifact.start = Some(media_time::AssetTime::ZERO);
    artifact.end = Some(media_time::AssetTime::at(written.duration));
    artifact.upstream_artifact_ids = job.samples.iter().map(|sample| sample.id.clone()).collect();
    for (name, value) in [
        ("op_type", json!("audio_mix.pattern")),
        ("pattern_id", json!(job.pattern.pattern_id)),
        ("render_asset_id", json!(asset_id)),
        ("render_key", json!(job.key)),
        ("media_type", json!("audio/wav")),
        ("gain_db", json!(written.gain_db)),
    ] {
        artifact.meta.insert(name.to_owned(), value);
    }
    artifact
}
