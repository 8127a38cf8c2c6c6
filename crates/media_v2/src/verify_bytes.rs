//! Verifies the hashes of the blobs in the store, and that the blobs of all rows exist.

use std::time::{Duration, SystemTime};

use blob_store::{BlobError, BlobId, BlobStore};
use futures::TryStreamExt as _;
use sqlx::PgPool;

use crate::MediaError;
use crate::store::{self, BlobRow, RowKind};

/// Number of rows that are read in one statement.
const PAGE: i64 = 1_000;
/// Tolerance for clocks: no blob was written more than this in the future.
const AHEAD: Duration = Duration::from_secs(24 * 3600);

/// The fault of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlobFault {
    /// The bytes do not match the hash in the blob's name.
    Damaged,
    /// A row refers to the blob, but the store does not have it.
    Missing,
}

/// A blob that is damaged or missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultyBlob {
    /// Id of the blob.
    pub blob: BlobId,
    /// Whether it is damaged or missing.
    pub fault: BlobFault,
    /// Rows that refer to it: up to 1 000 for a damaged blob; a missing blob is reported once per row.
    pub rows: Vec<BlobRow>,
}

/// Checks that the blobs of all rows exist, then hashes every blob. With `set_aside` damaged blobs are moved to
/// `damaged/` in the store, so that they are no longer served; an upload of the same bytes restores them. Calls `found`
/// once for each damaged blob and for each row whose blob is missing. Returns the number of blobs that were hashed and
/// not replaced meanwhile.
///
/// # Errors
/// Errors of the store, of the database and of `found`.
pub async fn verify_bytes<E: From<MediaError>>(
    pool: &PgPool,
    blobs: &BlobStore,
    now: SystemTime,
    set_aside: bool,
    mut found: impl FnMut(FaultyBlob) -> Result<(), E>,
) -> Result<u64, E> {
    // Missing blobs are searched first: blobs that are set aside later would be reported as missing too.
    find_missing(pool, blobs, &mut found).await?;
    let mut hashed = 0;
    let mut listed = std::pin::pin!(blobs.written_before(now + AHEAD));
    while let Some(blob) = listed.try_next().await.map_err(MediaError::from)? {
        match blobs.find_damage(blob.id).await {
            Ok(None) => {}
            Ok(Some(damaged)) => {
                let is_still_there =
                    !set_aside || blobs.set_aside(&damaged).await.map_err(MediaError::from)?;
                if !is_still_there {
                    // An upload of the same bytes has replaced the blob since it was hashed.
                    continue;
                }
                found(faulty(pool, blob.id, BlobFault::Damaged).await?)?;
            }
            // The blob was removed after it had been listed.
            Err(BlobError::NotFound(_)) => continue,
            Err(error) => return Err(MediaError::from(error).into()),
        }
        hashed += 1;
    }
    Ok(hashed)
}

async fn find_missing<E: From<MediaError>>(
    pool: &PgPool,
    blobs: &BlobStore,
    found: &mut impl FnMut(FaultyBlob) -> Result<(), E>,
) -> Result<(), E> {
    for kind in [RowKind::Asset, RowKind::Artifact] {
        let mut after = None;
        loop {
            let page = referring(pool, kind, after.as_ref()).await?;
            let Some((last, _)) = page.last().cloned() else { break };
            after = Some(last);
            for (row, blob) in page {
                match blobs.size(blob).await {
                    Err(BlobError::NotFound(_)) => {
                        found(FaultyBlob { blob, fault: BlobFault::Missing, rows: vec![row] })?;
                    }
                    // Damaged blobs are found by their hash later.
                    Ok(_) | Err(BlobError::Damaged(_)) => {}
                    Err(error) => return Err(MediaError::from(error).into()),
                }
            }
        }
    }
    Ok(())
}

/// The next rows after `after` that refer to blobs.
async fn referring(
    pool: &PgPool,
    kind: RowKind,
    after: Option<&BlobRow>,
) -> Result<Vec<(BlobRow, BlobId)>, MediaError> {
    let mut conn = pool.acquire().await?;
    Ok(store::rows_with_blobs(&mut conn, kind, after, PAGE).await?)
}

async fn faulty(pool: &PgPool, blob: BlobId, fault: BlobFault) -> Result<FaultyBlob, MediaError> {
    let mut conn = pool.acquire().await?;
    let rows = store::rows_of_blob(&mut conn, blob, PAGE).await?;
    Ok(FaultyBlob { blob, fault, rows })
}
