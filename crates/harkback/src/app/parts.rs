//! Parts of the services, built from the settings.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use audio_asr::Models;
use audio_semantic_timeline::backend::{Backends, SignalBackend};
use audio_signal::Thresholds;
use blob_store::BlobStore;
use chrono::TimeDelta;
use housekeeping::Housekeeping;
use jobs::{JobLimits, JobSettings, Jobs};
use media_decode::{Decoders, Ffmpeg};
use media_v2::{MediaConfig, MediaService, SourcePolicy};
use primitives::SystemClock;
use sqlx::PgPool;
use url::Url;
use video_render::{RenderConfig, RenderLimits};
use video_timeline::{HttpTimeline, HttpTimelineConfig};

use crate::capacity::Capacity;
use crate::config::{self, Config};
use crate::sources;

/// Jobs in the database of `pool`, for the routes of [`build`](super::build).
pub(crate) fn jobs(config: &Config, capacity: &Capacity, pool: PgPool, blobs: BlobStore) -> Jobs {
    let limits = JobLimits {
        waiting_per_tenant: capacity.jobs_of_tenant,
        waiting: capacity.jobs,
        retention: TimeDelta::days(config.job_retention_days.into()),
    };
    let settings =
        JobSettings { limits, outbound: outbound::Policy { allows_private: config.allow_private_addresses } };
    Jobs::new(pool, blobs, Arc::new(SystemClock), settings)
}

/// The service that removes assets and reads figures.
pub(crate) fn housekeeping(config: &Config, pool: PgPool) -> anyhow::Result<Housekeeping> {
    let housekeeping = Housekeeping::new(pool, Arc::new(SystemClock));
    Ok(match &config.video_timeline_url {
        Some(url) => {
            let timeline = HttpTimeline::new(HttpTimelineConfig::new(url.clone()))?;
            housekeeping.with_remote_timeline(Arc::new(timeline))
        }
        None => housekeeping,
    })
}

/// The service for assets and artifacts.
pub(crate) fn media(
    config: &Config,
    capacity: &Capacity,
    pool: PgPool,
    blobs: BlobStore,
) -> anyhow::Result<MediaService> {
    let media_config = MediaConfig {
        sources: SourcePolicy::new(config.source_roots.iter().cloned())?,
        remote_sources: sources::open(config)?,
        max_upload_bytes: config.max_upload_bytes,
        probes: capacity.probes.running,
        waiting_probes: capacity.probes.waiting,
        decoders: decoders(config),
        documents: Some(Arc::new(audio_semantic_timeline::RegisteredDocuments)),
        ..MediaConfig::default()
    };
    Ok(MediaService::new(pool, blobs, Arc::new(SystemClock), media_config))
}

/// Programs, limits and queue of renders.
pub(super) fn renders(config: &Config, capacity: &Capacity) -> RenderConfig {
    let defaults = RenderConfig::default();
    let limits = RenderLimits {
        time: Duration::from_secs(config.render_timeout_s),
        output_bytes: config.max_render_bytes,
        ..defaults.limits
    };
    RenderConfig {
        ffmpeg: config::found_on_path(&config.ffmpeg),
        ffprobe: config::found_on_path(&config.ffprobe),
        workers: capacity.renders.running,
        waiting: capacity.renders.waiting,
        limits,
    }
}

/// Decoders for recordings; whether ffmpeg is installed is found out when it is first needed.
pub(crate) fn decoders(config: &Config) -> Decoders {
    let program = config::found_on_path;
    Decoders::with_ffmpeg(Ffmpeg::new(program(&config.ffmpeg), program(&config.ffprobe)))
}

/// Builds the configured backends; models are loaded later.
pub(crate) fn backends(config: &Config, capacity: &Capacity) -> anyhow::Result<Backends> {
    let invalid = |message: String| anyhow::anyhow!(message);
    let threads = capacity.analysis_threads;
    let signal = SignalBackend::new(Thresholds::DEFAULT, config.audio_semantic_seed, threads)?;
    Ok(Backends::new(
        config.audio_semantic_backend.parse().map_err(invalid)?,
        config.audio_semantic_fallback.parse().map_err(invalid)?,
        config.audio_semantic_whisper_model.clone(),
        Arc::new(Models::new(config.models(), capacity.speech_models, threads)),
        signal,
    ))
}

/// Opens the blob store; an object store takes its credentials from the environment, under the
/// names its vendors use (`AWS_ACCESS_KEY_ID`, `GOOGLE_SERVICE_ACCOUNT`, …).
pub(crate) fn open_blobs(config: &Config) -> anyhow::Result<BlobStore> {
    let url = match &config.storage_url {
        Some(url) => url.clone(),
        None => {
            let path = std::path::absolute(config.data_dir.join("blobs"))?;
            Url::from_directory_path(&path)
                .map_err(|()| anyhow::anyhow!("{} cannot be written as a URL", path.display()))?
        }
    };
    BlobStore::open(&url, sources::store_options(""), &config.data_dir.join("staging"))
        .context("the blob store cannot be opened")
}
