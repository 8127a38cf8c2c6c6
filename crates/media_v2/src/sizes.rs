//! Records the sizes of artifacts' bytes that an older version stored without them.

use blob_store::{BlobError, BlobStore};
use primitives::{Id, Scope};
use sqlx::PgPool;

use crate::{MediaError, store};

/// Number of artifacts that are read in one statement.
const BATCH: i64 = 500;

/// Numbers of a batch of artifacts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SizeBatch {
    /// Artifacts whose size was recorded.
    pub recorded: u64,
    /// Artifacts whose bytes are missing or damaged.
    pub skipped: u64,
    /// The last artifact of the batch; `None` after the last one.
    pub last: Option<(Scope, Id)>,
}

/// Records the sizes of the bytes of the next artifacts after `after`, of all owners, that have none.
///
/// # Errors
/// Errors of the store and of the database.
pub async fn record_sizes(
    pool: &PgPool,
    blobs: &BlobStore,
    after: Option<&(Scope, Id)>,
) -> Result<SizeBatch, MediaError> {
    let found = {
        let mut conn = pool.acquire().await?;
        store::artifacts_without_size(&mut conn, after, BATCH).await?
    };
    let last = found.last().map(|artifact| (artifact.scope.clone(), artifact.id.clone()));
    let (mut sizes, mut skipped) = (Vec::with_capacity(found.len()), 0);
    for artifact in found {
        match blobs.size(artifact.blob).await {
            Ok(size) => sizes.push((artifact, size)),
            Err(BlobError::NotFound(_) | BlobError::Damaged(_)) => skipped += 1,
            Err(error) => return Err(error.into()),
        }
    }
    store::set_sizes(&mut *pool.acquire().await?, &sizes).await?;
    Ok(SizeBatch { recorded: sizes.len() as u64, skipped, last })
}
