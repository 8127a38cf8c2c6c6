//! Writes samples to the database: artifacts, their origins, and the runs that list them.

use audio_to_video_origin::NewOriginMap;
use chrono::{DateTime, Utc};
use media_decode::AudioFormat;
use media_time::MediaTime;
use media_v2::{Artifact, MediaAsset, NewArtifact};
use primitives::Scope;
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::make::{DetectorOutput, JobOutput, StoredSlice};
use crate::model::{Event, Run, Sample};
use crate::task::DetectorJob;
use crate::{Error, store};

/// Registers every sample with its origin, and the run of each of `tasks`. Must run in one transaction.
///
/// # Errors
/// [`Error::Overtaken`]; database errors.
pub(crate) async fn register(
    conn: &mut PgConnection,
    scope: &Scope,
    now: DateTime<Utc>,
    asset: &MediaAsset,
    tasks: &[&DetectorJob],
    made: JobOutput,
) -> Result<Vec<Result<Run, Error>>, Error> {
    let mut runs = Vec::with_capacity(tasks.len());
    for (task, part) in tasks.iter().zip(made.parts) {
        runs.push(match part {
            Ok(part) => Ok(register_part(conn, scope, now, asset, task, part, &made.format).await?),
            Err(error) => Err(error),
        });
    }
    let named = tasks.iter().zip(&runs);
    let new: Vec<(&str, &Run)> =
        named.filter_map(|(task, run)| Some((task.cache_key.as_str(), run.as_ref().ok()?))).collect();
    store::insert_runs(conn, scope, now, &asset.id, &new).await?;
    Ok(runs)
}

async fn register_part(
    conn: &mut PgConnection,
    scope: &Scope,
    now: DateTime<Utc>,
    asset: &MediaAsset,
    task: &DetectorJob,
    part: DetectorOutput,
    format: &AudioFormat,
) -> Result<Run, Error> {
    let events: Vec<(StoredSlice, Event)> = part
        .cuts
        .into_iter()
        .map(|kept| {
            let event = kept.found.event(&kept.slice, format.rate, asset.duration_ms);
            (kept, event)
        })
        .collect();
    let new = events.iter().map(|(kept, event)| new_artifact(asset, task, kept, event, format));
    let artifacts =
        media_v2::store::insert_artifacts(conn, scope, now, new.collect::<Result<_, _>>()?).await?;
    let origin = |(artifact, (_, event)): (&Artifact, &(StoredSlice, Event))| {
        NewOriginMap::new(artifact.id.clone(), asset.id.clone(), event.source())
    };
    let origins: Vec<NewOriginMap> = artifacts.iter().zip(&events).map(origin).collect();
    audio_to_video_origin::store::insert_origin_maps(conn, scope, now, &origins).await?;
    let sample = |(artifact, (kept, event)): (Artifact, (StoredSlice, Event))| Sample {
        artifact_id: artifact.id,
        score: kept.found.score(),
        event,
    };
    let samples = artifacts.into_iter().zip(events).map(sample).collect();
    Ok(Run { samples, filtered: part.filtered, cut_off: part.cut_off })
}

fn new_artifact(
    asset: &MediaAsset,
    task: &DetectorJob,
    kept: &StoredSlice,
    event: &Event,
    format: &AudioFormat,
) -> Result<NewArtifact, Error> {
    let (detector, window) = (task.ask.detector(), event.source());
    let params = task.ask.params().map_err(Error::Unwritable)?;
    let backend_version = &task.backend_version;
    let produced_by = json!({
        "asset_id": asset.id,
        "detector": detector,
        "params": params,
        "words_artifact_id": task.ask.words(),
        "backend_version": backend_version,
        "source_start_frame": kept.slice.frames.start,
        "source_end_frame": kept.slice.frames.end,
    });
    let uri = kept.blob.uri();
    let mut new = NewArtifact::new(detector.kind(), asset.id.clone(), uri, backend_version, &produced_by);
    (new.start_ms, new.end_ms) = (Some(window.start()), Some(window.end()));
    new.upstream_artifact_ids = task.ask.words().cloned().into_iter().collect();
    let [fade_in, fade_out] = kept.slice.fades;
    let meta = json!({
        "detector": detector,
        "params": params,
        "cache_key": task.cache_key,
        "score": kept.found.score(),
        "event": event,
        "source_asset_id": asset.id,
        "source_start_ms": window.start(),
        "source_end_ms": window.end(),
        "source_start_frame": kept.slice.frames.start,
        "frames": kept.slice.frames.end - kept.slice.frames.start,
        "sample_rate": format.rate,
        "channels": format.channels(),
        "fades": {
            "shape": "raised_cosine",
            "in_frames": fade_in,
            "out_frames": fade_out,
            "in_ms": frames(fade_in, format.rate),
            "out_ms": frames(fade_out, format.rate),
        },
    });
    if let Value::Object(meta) = meta {
        new.meta.extend(meta);
    }
    Ok(new)
}

fn frames(count: u64, rate: u32) -> MediaTime {
    MediaTime::from_samples(i64::try_from(count).unwrap_or(i64::MAX), rate)
}
