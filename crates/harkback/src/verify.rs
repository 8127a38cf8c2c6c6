//! `harkback verify`: lists results that were made with a decoder that reads their recording wrongly.

use std::io::Write;

use anyhow::Context;
use audio_to_video_origin::store::mapped_artifacts;
use media_v2::WronglyDecoded;
use sqlx::PgPool;

/// Prints a line for each result and origin map; whether there are none.
pub(crate) async fn run(pool: &PgPool) -> anyhow::Result<bool> {
    let is_current = db::is_migrated(pool).await.context("the database does not answer")?;
    anyhow::ensure!(is_current, "the database has no tables of this version: run `harkback migrate` first");
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

/// `tenant env asset artifact kind reason`.
fn line(found: &WronglyDecoded, kind: &str) -> String {
    let WronglyDecoded { tenant_id, env, asset_id, artifact_id, decoder, backend_version, .. } = found;
    format!(
        "{tenant_id} {env} {asset_id} {artifact_id} {kind} made by {backend_version}, now decoded by {decoder}"
    )
}
