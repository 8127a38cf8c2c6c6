//! Garbage collection of blobs that no row refers to: uploads and results whose row was never written, and peaks whose
//! row was deleted.

use std::time::SystemTime;

use blob_store::{BlobError, BlobId, BlobStore, ListedBlob};
use futures::{StreamExt as _, TryStreamExt as _};
use sqlx::PgPool;

use crate::{MediaError, store};

/// Number of blobs that are looked up in one statement.
const BATCH: usize = 10_000;

/// Options of a garbage collection.
#[derive(Clone, Copy, Debug)]
pub struct Collection {
    /// Blobs that were written or uploaded again since then are kept: their row may not be written yet.
    pub cutoff: SystemTime,
    /// Whether to remove unreferenced blobs; otherwise they are only counted (dry run).
    pub remove: bool,
    /// Whether to also delete rows of peaks that were computed before the cutoff. They are deleted after the blobs have
    /// been checked, so that a request that has just found them can read them; the next collection removes their blobs.
    pub waveforms: bool,
}

/// The numbers of a collection: what was removed, or found in a dry run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Blobs that no row refers to.
    pub blobs: u64,
    /// Total size of these blobs in bytes.
    pub bytes: u64,
    /// Rows of peaks that were computed before the cutoff.
    pub waveforms: u64,
}

/// Finds, and optionally removes, blobs that no row refers to. Safe while services are running, which write rows after
/// their blobs, as long as no request takes longer than the time since the cutoff.
///
/// # Errors
/// [`MediaError::ForeignStore`] when there are blobs, but there never was an asset; errors of the store and of the database.
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

/// The blobs of `blobs` that no row refers to.
async fn orphans(pool: &PgPool, blobs: Vec<ListedBlob>) -> Result<Vec<ListedBlob>, MediaError> {
    let mut conn = pool.acquire().await?;
    // All blobs of another installation would be orphans.
    if !store::has_had_assets(&mut conn).await? {
        return Err(MediaError::ForeignStore);
    }
    Ok(store::unreferenced_blobs(&mut conn, blobs).await?)
}

/// The numbers of a removal of given blobs: what was removed, or would be in a dry run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RemovedBlobs {
    /// Removed blobs.
    pub blobs: u64,
    /// Total size of these in bytes.
    pub bytes: u64,
    /// Blobs that were written or uploaded again since the cutoff, and are kept; not known in a dry run.
    pub kept_blobs: u64,
    /// Total size of these in bytes.
    pub kept_bytes: u64,
}

/// Removes blobs that no row refers to and that were last written before `cutoff`, and damaged copies that were set aside.
/// Missing ones do not count.
///
/// # Errors
/// Errors of the store.
pub async fn remove_blobs(
    blobs: &BlobStore,
    unreferenced: &[BlobId],
    cutoff: SystemTime,
    dry_run: bool,
) -> Result<RemovedBlobs, MediaError> {
    let mut removed = RemovedBlobs::default();
    for &id in unreferenced {
        if !dry_run {
            blobs.remove_damaged(id).await?;
        }
        let size_bytes = match blobs.size(id).await {
            Ok(size_bytes) => size_bytes,
            Err(BlobError::NotFound(_)) => continue,
            // Its size is not that of its row.
            Err(BlobError::Damaged(_)) => 0,
            Err(error) => return Err(error.into()),
        };
        if dry_run || blobs.remove_written_before(id, cutoff).await? {
            removed.blobs += 1;
            removed.bytes += size_bytes;
        } else {
            removed.kept_blobs += 1;
            removed.kept_bytes += size_bytes;
        }
    }
    Ok(removed)
}
