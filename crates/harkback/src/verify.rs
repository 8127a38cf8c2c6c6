//! Command `harkback verify`: lists damaged and missing bytes, and results that were made with a decoder that reads
//! their recording wrongly.

use std::io::Write;
use std::time::SystemTime;

use anyhow::Context;
use audio_to_video_origin::store::mapped_artifacts;
use media_v2::{BlobFault, BlobRow, FaultyBlob, WronglyDecoded};
use primitives::{Clock, SystemClock};
use sqlx::PgPool;

use crate::app;
use crate::cli::VerifyArguments;
use crate::config::Config;

/// Prints a line for each finding. Returns whether there are none.
pub(crate) async fn run(arguments: &VerifyArguments, config: &Config, pool: &PgPool) -> anyhow::Result<bool> {
    let is_current = db::is_migrated(pool).await.context("the database does not answer")?;
    anyhow::ensure!(is_current, "the database has no tables of this version: run `harkback migrate` first");
    let are_bytes_whole = arguments.skip_bytes || bytes(arguments.repair, config, pool).await?;
    Ok(results(pool).await? && are_bytes_whole)
}

/// Hashes the store, and prints a line for each row whose bytes are missing or damaged.
async fn bytes(repair: bool, config: &Config, pool: &PgPool) -> anyhow::Result<bool> {
    let mut out = std::io::stdout();
    let (mut damaged, mut missing) = (0_u64, 0_u64);
    let found = |found: FaultyBlob| {
        let what = match found.fault {
            BlobFault::Damaged if repair => "damaged, moved aside",
            BlobFault::Damaged => "damaged",
            BlobFault::Missing => "missing",
        };
        *(if found.fault == BlobFault::Missing { &mut missing } else { &mut damaged }) += 1;
        writeln!(out, "{} {what}", found.blob)?;
        for BlobRow { tenant_id, env, kind, id } in found.rows {
            writeln!(out, "  {tenant_id} {env} {kind} {id}")?;
        }
        anyhow::Ok(())
    };
    let now = SystemTime::from(SystemClock.now());
    let hashed = media_v2::verify_bytes(pool, &app::open_blobs(config)?, now, repair, found).await?;
    writeln!(std::io::stdout(), "hashed: {hashed} blobs, {damaged} damaged, {missing} missing")?;
    Ok(damaged == 0 && missing == 0)
}

/// Prints a line for each result and origin map of a wrong decoder. Returns whether there are none.
async fn results(pool: &PgPool) -> anyhow::Result<bool> {
    let mut out = std::io::stdout();
    let (mut results, mut maps, mut after) = (0_u64, 0_u64, None);
    loop {
        let page = media_v2::wrongly_decoded(pool, after.as_ref()).await?;
        let Some(last) = page.last().cloned() else { break };
        after = Some(last);
        let ids: Vec<_> =
            page.iter().map(|found| [&found.tenant_id, &found.env, &found.artifact_id]).collect();
        let mapped = mapped_artifacts(&mut *pool.acquire().await?, &ids).await?;
        for (found, id) in page.iter().zip(&ids) {
            results += 1;
            writeln!(out, "{}", line(found, &found.kind))?;
            if mapped.contains(&id.map(Clone::clone)) {
                maps += 1;
                writeln!(out, "{}", line(found, "origin_map"))?;
            }
        }
    }
    writeln!(out, "found: {results} results and {maps} origin maps of recordings that were decoded wrongly")?;
    Ok(results == 0)
}

/// Formats `tenant env asset artifact kind reason`.
fn line(found: &WronglyDecoded, kind: &str) -> String {
    let WronglyDecoded { tenant_id, env, asset_id, artifact_id, decoder, backend_version, .. } = found;
    format!(
        "{tenant_id} {env} {asset_id} {artifact_id} {kind} made by {backend_version}, now decoded by {decoder}"
    )
}
