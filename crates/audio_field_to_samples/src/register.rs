//! Writes samples to the database: artifacts, their origins, and the runs that list them.

use audio_to_video_origin::NewOriginMap;
use chrono::{DateTime, Utc};
use media_decode::AudioFormat;
use media_time::MediaTime;
use media_v2::{Artifact, MediaAsset, NewArtifact};
use primitives::Scope;
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::detector::SliceSource;
use crate::job::DetectorJob;
use crate::make::{DetectorOutput, JobOutput, StoredSlice};
use crate::model::{Event, Run, Sample};
use crate::words::WordSource;
use crate::{Error, store};

/// Registers every sample with its origin, and the run of each of `jobs`. Must run in one transaction.
///
/// # Errors
/// [`Error::Overtaken`]; database errors.
pub(crate) async fn register(
    conn: &mut PgConnection,
    scope: &Scope,
    now: DateTime<Utc>,
    asset: &MediaAsset,
    jobs: &[&DetectorJob],
    output: JobOutput,
) -> Result<Vec<Result<Run, Error>>, Error> {
    let mut runs = Vec::with_capacity(jobs.len());
    for (job, detected) in jobs.iter().zip(output.outputs) {
        runs.push(match detected {
            Ok(detected) => {
                Ok(register_output(conn, scope, now, asset, job, detected, &output.format).await?)
            }
            Err(error) => Err(error),
        });
    }
    let named = jobs.iter().zip(&runs);
    let new: Vec<(&str, &Run)> =
        named.filter_map(|(job, run)| Some((job.cache_key.as_str(), run.as_ref().ok()?))).collect();
    store::insert_runs(conn, scope, now, &asset.id, &new).await?;
    Ok(runs)
}

async fn register_output(
    conn: &mut PgConnection,
    scope: &Scope,
    now: DateTime<Utc>,
    asset: &MediaAsset,
    job: &DetectorJob,
    output: DetectorOutput,
    format: &AudioFormat,
) -> Result<Run, Error> {
    let event = |stored: StoredSlice| {
        let source = SliceSource::new(&stored.slice, format.rate, asset.duration);
        let event = stored.detection.event(&source);
        (stored, event)
    };
    let events: Vec<(StoredSlice, Event)> = output.slices.into_iter().map(event).collect();
    let new = events.iter().map(|(stored, event)| new_artifact(asset, job, stored, event, format));
    let artifacts =
        media_v2::store::insert_artifacts(conn, scope, now, new.collect::<Result<_, _>>()?).await?;
    let origin = |(artifact, (_, event)): (&Artifact, &(StoredSlice, Event))| {
        NewOriginMap::new(artifact.id.clone(), asset.id.clone(), event.source())
    };
    let origins: Vec<NewOriginMap> = artifacts.iter().zip(&events).map(origin).collect();
    audio_to_video_origin::store::insert_origin_maps(conn, scope, now, &origins).await?;
    let sample = |(artifact, (stored, event)): (Artifact, (StoredSlice, Event))| Sample {
        artifact_id: artifact.id,
        score: stored.detection.score(),
        event,
    };
    let samples = artifacts.into_iter().zip(events).map(sample).collect();
    Ok(Run { samples, filtered: output.filtered, cut_off: output.cut_off })
}

fn new_artifact(
    asset: &MediaAsset,
    job: &DetectorJob,
    stored: &StoredSlice,
    event: &Event,
    format: &AudioFormat,
) -> Result<NewArtifact, Error> {
    let (detector, window) = (job.detector.detector(), event.source());
    let params = job.detector.to_json().map_err(Error::Unwritable)?;
    let words = job.words.as_ref().map(WordSource::artifact_id);
    let backend_version = &job.backend_version;
    let produced_by = json!({
        "asset_id": asset.id,
        "detector": detector,
        "params": params,
        "words_artifact_id": words,
        "backend_version": backend_version,
        "source_start_frame": stored.slice.frames.start,
        "source_end_frame": stored.slice.frames.end,
    });
    let uri = stored.blob.id.uri();
    let mut new = NewArtifact::new(detector.kind(), asset.id.clone(), uri, backend_version, &produced_by);
    (new.start, new.end) = (Some(window.start()), Some(window.end()));
    new.size_bytes = Some(stored.blob.size_bytes);
    new.upstream_artifact_ids = words.cloned().into_iter().collect();
    let [fade_in, fade_out] = stored.slice.fades;
    let meta = json!({
        "detector": detector,
        "params": params,
        "cache_key": job.cache_key,
        "score": stored.detection.score(),
        "event": event,
        "source_asset_id": asset.id,
        "source_start_ms": window.start(),
        "source_end_ms": window.end(),
        "source_start_frame": stored.slice.frames.start,
        "frames": stored.slice.frames.end - stored.slice.frames.start,
        "sample_rate": format.rate,
        "channels": format.channels(),
        "fades": {
            "shape": "raised_cosine",
            "in_frames": fade_in,
            "out_frames": fade_out,
            "in_ms": MediaTime::from_frames(fade_in, format.rate),
            "out_ms": MediaTime::from_frames(fade_out, format.rate),
        },
    });
    if let Value::Object(meta) = meta {
        new.meta.extend(meta);
    }
    Ok(new)
}
