//! Comparing the bytes in the store with their names, and rows with the store.

use std::time::{Duration, SystemTime};

use blob_store::{BlobError, BlobId, BlobStore};
use futures::TryStreamExt as _;
use http_kit::Id;
use sqlx::PgPool;

use crate::{MediaError, store};

/// Blobs that are asked about in one statement.
const PAGE: i64 = 1_000;
/// No blob was written later than that from now.
const AHEAD: Duration = Duration::from_secs(24 * 3600);

/// What is wrong with a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlobFault {
    /// Its bytes are not those of its name.
    Damaged,
    /// A row refers to it, and it is not there.
    Missing,
}

/// Rows that refer to blobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowKind {
    Asset,
    Artifact,
}

/// A row that refers to a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobRow {
    /// Its owner.
    pub tenant_id: Id,
    /// The owner's environment.
    pub env: Id,
    /// `asset` or `artifact`.
    pub kind: String,
    /// Its id.
    pub id: Id,
}

/// A blob that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultyBlob {
    /// Which.
    pub blob: BlobId,
    /// What is wrong.
    pub fault: BlobFault,
    /// Rows that refer to it: up to 1 000 of a damaged one; a missing one is told of each row.
    pub rows: Vec<BlobRow>,
}

/// Looks for every blob that rows refer to, then hashes every blob. With `set_aside` damaged ones are moved to `damaged/`
/// in the store, so that they are no longer handed out; an upload of the same bytes puts them in place again. Calls
/// `found` once for each damaged blob, and for each row whose blob is missing; returns how many blobs were hashed and not
/// replaced meanwhile.
///
/// # Errors
/// Storage's, the database's, and those of `found`.
pub async fn verify_bytes<E: From<MediaError>>(
    pool: &PgPool,
    blobs: &BlobStore,
    now: SystemTime,
    set_aside: bool,
    mut found: impl FnMut(FaultyBlob) -> Result<(), E>,
) -> Result<u64, E> {
    // First: what is set aside is not there any more.
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
                    // An upload of the same bytes has replaced it since it was hashed.
                    continue;
                }
                found(faulty(pool, blob.id, BlobFault::Damaged).await?)?;
            }
            // Removed since it was listed.
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
                    // Damaged ones are found by their hash.
                    Ok(_) | Err(BlobError::Damaged(_)) => {}
                    Err(error) => return Err(MediaError::from(error).into()),
                }
            }
        }
    }
    Ok(())
}

/// The next rows behind `after` that refer to blobs.
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
