//! Command `harkback forget`: removes everything of a tenant.

use std::io::Write;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use housekeeping::{ForgetOptions, Forgotten, Owner};
use primitives::{Clock, SystemClock};
use sqlx::PgPool;

use crate::app;
use crate::capacity::Capacity;
use crate::cli::ForgetArguments;
use crate::config::Config;

pub(crate) async fn run(arguments: &ForgetArguments, config: &Config, pool: &PgPool) -> anyhow::Result<()> {
    let is_current = db::is_migrated(pool).await.context("the database does not answer")?;
    anyhow::ensure!(is_current, "the database has no tables of this version: run `harkback migrate` first");
    let media = app::media(config, &Capacity::of_service(config), pool.clone(), app::open_blobs(config)?)?;
    let owner = Owner { tenant_id: arguments.tenant.clone(), env: arguments.env.clone() };
    let age = Duration::from_secs(3_600 * u64::from(arguments.older_than_hours));
    let options =
        ForgetOptions { cutoff: SystemTime::from(SystemClock.now()) - age, dry_run: arguments.dry_run };
    let forgotten = housekeeping::forget(&media, &owner, options).await?;
    std::io::stdout().write_all(report(arguments, &forgotten).as_bytes())?;
    Ok(())
}

/// A line for each table, then the sums.
fn report(arguments: &ForgetArguments, forgotten: &Forgotten) -> String {
    let Forgotten { rows, uploads, blobs, bytes, kept_blobs, kept_bytes } = forgotten;
    let tables: String = rows.iter().map(|(table, count)| format!("{table}\t{count}\n")).collect();
    let total: u64 = rows.iter().map(|(_, count)| count).sum();
    let found = format!("{total} rows, {uploads} uploads under way, {blobs} blobs, {bytes} bytes");
    let mut text = format!("{tables}{}: {found}\n", if arguments.dry_run { "found" } else { "removed" });
    if *kept_blobs > 0 {
        let hours = arguments.older_than_hours;
        text += &format!(
            "kept: {kept_blobs} blobs, {kept_bytes} bytes, written in the last {hours} hours; \
             `harkback gc --delete` removes them after that time\n"
        );
    }
    text
}
