//! Command `harkback reprobe`: probes assets again that an older version probed.

use std::io::Write;

use anyhow::Context;
use futures::StreamExt as _;
use media_v2::{MediaAsset, MediaError};
use sqlx::PgPool;

use crate::app;
use crate::capacity::Capacity;
use crate::cli::ReprobeArguments;
use crate::config::Config;

/// Number of assets by result.
#[derive(Debug, Default)]
struct Counts {
    changed: u64,
    unchanged: u64,
    incomplete: u64,
    skipped: u64,
}

pub(crate) async fn run(arguments: &ReprobeArguments, config: &Config, pool: &PgPool) -> anyhow::Result<()> {
    let is_current = db::is_migrated(pool).await.context("the database does not answer")?;
    anyhow::ensure!(is_current, "the database has no tables of this version: run `harkback migrate` first");
    let media = app::media(config, &Capacity::of_service(config), pool.clone(), app::open_blobs(config)?)?;
    let (mut counts, mut after) = (Counts::default(), None);
    loop {
        let assets = media.assets_to_reprobe(after.as_ref(), arguments.all).await?;
        let Some(last) = assets.last().cloned() else { break };
        after = Some(last);
        let probes = assets.iter().map(async |asset| (asset, media.reprobe(asset).await));
        let mut probes = futures::stream::iter(probes).buffered(media.probes());
        while let Some((asset, probed)) = probes.next().await {
            counts.add(asset, probed)?;
        }
    }
    writeln!(std::io::stdout(), "{}", counts.describe())?;
    Ok(())
}

impl Counts {
    /// Counts an asset; a file that cannot be read is listed and skipped.
    ///
    /// # Errors
    /// Errors that concern more than this asset.
    fn add(&mut self, asset: &MediaAsset, probed: Result<MediaAsset, MediaError>) -> anyhow::Result<()> {
        match probed {
            Ok(renewed) if renewed.is_outdated() => self.incomplete += 1,
            Ok(renewed) => {
                let is_same =
                    MediaAsset { prober_version: renewed.prober_version, ..asset.clone() } == renewed;
                *(if is_same { &mut self.unchanged } else { &mut self.changed }) += 1;
            }
            Err(error @ (MediaError::Database(_) | MediaError::Blob(_))) => return Err(error.into()),
            Err(error) => {
                self.skipped += 1;
                let MediaAsset { tenant_id, env, id, .. } = asset;
                writeln!(std::io::stdout(), "{tenant_id} {env} {id} skipped: {error}")?;
            }
        }
        Ok(())
    }

    fn describe(&self) -> String {
        let Self { changed, unchanged, incomplete, skipped } = self;
        let incomplete = match incomplete {
            0 => String::new(),
            count => format!(", {count} incomplete because ffmpeg cannot be run"),
        };
        format!("probed again: {changed} changed, {unchanged} unchanged{incomplete}, {skipped} skipped")
    }
}
