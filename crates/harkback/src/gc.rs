//! Command `harkback gc`: removes assets by their tags and age, and blobs that no row refers to.

use std::io::Write;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use housekeeping::{Expired, RetentionRule};
use media_v2::{Collected, Collection};
use primitives::{Clock, SystemClock};
use sqlx::PgPool;

use crate::app;
use crate::cli::GcArguments;
use crate::config::Config;

pub(crate) async fn run(arguments: &GcArguments, config: &Config, pool: &PgPool) -> anyhow::Result<()> {
    let is_current = db::is_migrated(pool).await.context("the database does not answer")?;
    anyhow::ensure!(is_current, "the database has no tables of this version: run `harkback migrate` first");
    let housekeeping = app::housekeeping(config, pool.clone())?;
    // Before the collection, which removes the bytes of these assets if they are old enough.
    for rule in &config.retention {
        let expired = housekeeping.remove_expired(rule, !arguments.delete).await?;
        writeln!(std::io::stdout(), "{}", report_retention(arguments, rule, expired))?;
    }
    let age = Duration::from_secs(3_600 * u64::from(arguments.older_than_hours));
    let collection = Collection {
        cutoff: SystemTime::from(SystemClock.now()) - age,
        remove: arguments.delete,
        waveforms: arguments.waveforms,
    };
    let collected = media_v2::collect(pool, &app::open_blobs(config)?, collection).await?;
    writeln!(std::io::stdout(), "{}", report(arguments, collected))?;
    Ok(())
}

fn report_retention(arguments: &GcArguments, rule: &RetentionRule, expired: Expired) -> String {
    let Expired { assets, artifacts, in_use } = expired;
    let done = if arguments.delete { "removed" } else { "found" };
    format!(
        "retention {rule}: {done} {assets} assets with {artifacts} artifacts; {in_use} older ones are in use"
    )
}

fn report(arguments: &GcArguments, collected: Collected) -> String {
    let Collected { blobs, bytes, waveforms } = collected;
    let peaks = if arguments.waveforms { format!(", {waveforms} kept waveforms") } else { String::new() };
    let found = format!("{blobs} blobs without a row, {bytes} bytes{peaks}");
    if arguments.delete {
        format!("removed: {found}")
    } else {
        format!("found: {found}; --delete removes them")
    }
}
