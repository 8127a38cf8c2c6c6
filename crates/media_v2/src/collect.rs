//! Removing blobs that no row refers to: uploads and results whose row was never written, and peaks that were forgotten.

use std::time::SystemTime;

use blob_store::{BlobStore, ListedBlob};
use futures::{StreamExt as _, TryStreamExt as _};
use sqlx::PgPool;

use crate::{MediaError, store};

/// Blobs that are asked about in one statement.
const BATCH: usize = 10_000;

/// What to look for.
#[derive(Clone, Copy, Debug)]
pub struct Collection {
    /// What was written, or came again, since then stays: its row may be on its way.
    pub cutoff: SystemTime,
    /// Remove it? Otherwise it is only counted.
    pub remove: bool,
    /// Kept peaks of recordings that were computed before the cutoff, too. They are forgotten after blobs were looked
    /// at, so that a request that has just found them can read them; their blobs go the next time.
    pub waveforms: bool,
}

/// What was found, or removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Blobs that no row refers to.
    pub blobs: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// Peaks that were kept.
    pub waveforms: u64,
}

/// Looks for blobs that no row refers to. Safe beside running services, whose rows come after their blobs, as long as no
/// request of theirs takes longer than the cutoff is ago.
///
/// # Errors
/// [`MediaError::ForeignStore`] when there are blobs and no assets; storage's and the database's.
pub async fn collect(
    pool: &PgPool,
    blobs: &BlobStore,
    collection: Collection,
) -> Result<Collected, MediaError> {
    let mut collected = Collected::default();
    let mut listed = std::pin::pin!(blobs.written_before(collection.cutoff).try_chunks(BATCH));
    while let Some(batch) = listed.next().await {
        let batch = batch.map_err(|error| error.1)?;
        for blob in orphans(pool, batch).await? {
            if !collection.remove || blobs.remove_written_before(blob.id, collection.cutoff).await? {
                collected.blobs += 1;
                collected.bytes += blob.size_bytes;
            }
        }
    }
    if collection.waveforms {
        let mut conn = pool.acquire().await?;
        collected.waveforms = store::old_waveforms(&mut conn, collection.cutoff, collection.remove).await?;
    }
    Ok(collected)
}

/// Those that no row refers to.
async fn orphans(pool: &PgPool, blobs: Vec<ListedBlob>) -> Result<Vec<ListedBlob>, MediaError> {
    let mut conn = pool.acquire().await?;
    // The blobs of another installation would all be orphans.
    if !store::has_assets(&mut conn).await? {
        return Err(MediaError::ForeignStore);
    }
    Ok(store::unreferenced_blobs(&mut conn, blobs).await?)
}
