//! Command `harkback index`: indexes the words, samples and recordings that an older version stored, and records sizes.

use std::io::Write;

use anyhow::Context;
use audio_identify::{IndexOptions, index_recordings};
use audio_semantic_timeline::spoken;
use blob_store::BlobStore;
use library::index_samples;
use media_time::MediaTime;
use media_v2::{MediaService, record_sizes};
use primitives::SystemClock;
use sqlx::PgPool;

use crate::app;
use crate::capacity::Capacity;
use crate::cli::{IndexArguments, LibraryIndex};
use crate::config::Config;

pub(crate) async fn run(arguments: &IndexArguments, config: &Config, pool: &PgPool) -> anyhow::Result<()> {
    let is_current = db::is_migrated(pool).await.context("the database does not answer")?;
    anyhow::ensure!(is_current, "the database has no tables of this version: run `harkback migrate` first");
    let is_partial = arguments.tenant.is_some() && arguments.index != LibraryIndex::Fingerprints;
    anyhow::ensure!(!is_partial, "--tenant is of `harkback index fingerprints` only");
    let media = || app::media(config, &Capacity::of_service(config), pool.clone(), app::open_blobs(config)?);
    let report = match arguments.index {
        LibraryIndex::Words => words(&media()?, arguments.rebuild).await?,
        LibraryIndex::Fingerprints => {
            let (tenant_id, env) = (arguments.tenant.clone(), arguments.env.clone());
            let options = IndexOptions { tenant_id, env, rebuild: arguments.rebuild };
            fingerprints(&media()?, &options).await?
        }
        LibraryIndex::Samples => samples(pool, arguments.rebuild).await?,
        LibraryIndex::Sizes => sizes(pool, &app::open_blobs(config)?).await?,
    };
    writeln!(std::io::stdout(), "{report}")?;
    Ok(())
}

/// Indexes the words of timelines; those that cannot be read are listed and skipped.
async fn words(media: &MediaService, rebuild: bool) -> anyhow::Result<String> {
    let (mut indexed, mut without_words, mut skipped, mut after) = (0, 0, 0, None);
    loop {
        let batch = spoken::rebuild(media, after.as_ref(), rebuild).await?;
        indexed += batch.indexed;
        without_words += batch.without_words;
        for (scope, timeline_id, error) in batch.skipped {
            skipped += 1;
            writeln!(std::io::stdout(), "{} {} {timeline_id} skipped: {error}", scope.tenant_id, scope.env)?;
        }
        if batch.last.is_none() {
            break;
        }
        after = batch.last;
    }
    Ok(format!("timelines: {indexed} indexed, {without_words} without words, {skipped} skipped"))
}

async fn samples(pool: &PgPool, rebuild: bool) -> anyhow::Result<String> {
    let (mut indexed, mut after) = (0, None);
    loop {
        let batch = index_samples(pool, after.as_ref(), rebuild).await?;
        indexed += batch.indexed;
        if batch.last.is_none() {
            break;
        }
        after = batch.last;
    }
    Ok(format!("samples: {indexed} indexed"))
}

async fn sizes(pool: &PgPool, blobs: &BlobStore) -> anyhow::Result<String> {
    let (mut recorded, mut skipped, mut after) = (0, 0, None);
    loop {
        let batch = record_sizes(pool, blobs, after.as_ref()).await?;
        recorded += batch.recorded;
        skipped += batch.skipped;
        if batch.last.is_none() {
            break;
        }
        after = batch.last;
    }
    Ok(format!("sizes: {recorded} recorded, {skipped} skipped: their bytes are missing or damaged"))
}

/// Indexes the recordings of the fingerprint index, and prints how far it has come after each batch; those that cannot be read
/// are listed and skipped.
async fn fingerprints(media: &MediaService, options: &IndexOptions) -> anyhow::Result<String> {
    let (mut indexed, mut duration, mut skipped, mut after) = (0, MediaTime::ZERO, 0, None);
    let report = |indexed: u64, duration: MediaTime, skipped: u64| {
        let hours = duration.as_secs_f64() / 3_600.0;
        format!("fingerprints: {indexed} recordings of {hours:.1} h indexed, {skipped} skipped")
    };
    loop {
        let batch = index_recordings(media, &SystemClock, options, after.as_ref()).await?;
        indexed += batch.indexed;
        duration += batch.duration;
        for (scope, asset_id, error) in batch.skipped {
            skipped += 1;
            writeln!(std::io::stdout(), "{} {} {asset_id} skipped: {error}", scope.tenant_id, scope.env)?;
        }
        let Some(last) = batch.last else { break };
        tracing::info!("{}", report(indexed, duration, skipped));
        after = Some(last);
    }
    Ok(report(indexed, duration, skipped))
}
