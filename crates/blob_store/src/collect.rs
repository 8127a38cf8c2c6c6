//! Removes blobs that no row refers to.
//!
//! Only the caller knows which blobs rows refer to. A blob is written before its row, and an upload of known bytes
//! reuses the stored blob. A blob that was written or uploaded again recently is therefore never removed, however often
//! it is listed. In a directory, a lock makes the check and the removal one step. An object store has no such lock:
//! bytes that are uploaded again between the two steps are lost there.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use futures::{Stream, TryStreamExt};
use object_store::path::Path as Key;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use tempfile::TempPath;

use crate::size_attribute;
use crate::store::{BlobStore, PREFIX, key, move_into_place};
use crate::timeouts::with_answer_timeout;
use crate::{BlobError, BlobId};

/// A known remote blob that is uploaded again is rewritten when it is older than this, so that it counts as new.
pub(crate) const RENEW_AFTER: Duration = Duration::from_secs(3_600);

/// A blob in a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedBlob {
    /// SHA-256 of the blob's bytes.
    pub id: BlobId,
    /// Size of the blob in bytes.
    pub size_bytes: u64,
}

impl BlobStore {
    /// Lists the blobs that were last written before `cutoff`, in no particular order.
    ///
    /// # Errors
    /// [`BlobError::Store`] in the stream.
    pub fn written_before(
        &self,
        cutoff: SystemTime,
    ) -> impl Stream<Item = Result<ListedBlob, BlobError>> + Send + 'static + use<> {
        let listed = self.store.list(Some(&Key::from(PREFIX))).map_err(BlobError::Store);
        listed.try_filter_map(move |meta| std::future::ready(Ok(listed_blob(&meta, cutoff))))
    }

    /// Removes the blob if it was last written before `cutoff`; false when it is newer or missing.
    ///
    /// # Errors
    /// [`BlobError::Io`] or [`BlobError::Store`].
    pub async fn remove_written_before(&self, id: BlobId, cutoff: SystemTime) -> Result<bool, BlobError> {
        if let Some((root, path)) = self.local(id) {
            let removed = tokio::task::spawn_blocking(move || {
                let _alone = lock(&root, File::lock)?;
                remove_old(&path, cutoff)
            });
            return Ok(removed.await.map_err(io::Error::other)??);
        }
        let found = match with_answer_timeout(self.store.head(&key(id))).await {
            Ok(meta) => listed_blob(&meta, cutoff),
            Err(object_store::Error::NotFound { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        if found.is_some() {
            with_answer_timeout(self.store.delete(&key(id))).await?;
        }
        Ok(found.is_some())
    }

    /// Moves a complete, synced staging file to its final path. An existing copy counts as written now and is replaced,
    /// which repairs a damaged blob.
    pub(crate) async fn commit(&self, file: TempPath, id: BlobId) -> Result<(), BlobError> {
        if let Some((root, target)) = self.local(id) {
            let placed = tokio::task::spawn_blocking(move || {
                let _shared = lock(&root, File::lock_shared)?;
                let whole = File::options().write(true).open(&file)?;
                size_attribute::set(&whole, whole.metadata()?.len());
                move_into_place(file, &target)
            });
            return Ok(placed.await.map_err(io::Error::other)??);
        }
        let staged = std::fs::metadata(&file)?;
        let fresh = staged.modified()? - RENEW_AFTER;
        match with_answer_timeout(self.store.head(&key(id))).await {
            Ok(meta) if SystemTime::from(meta.last_modified) > fresh && meta.size == staged.len() => Ok(()),
            _ => self.upload(&file, id).await,
        }
    }
}

impl BlobStore {
    /// Blocks uploads and removals until the lock is dropped; `None` where the store is not a directory.
    pub(crate) async fn lock_exclusive(&self) -> Result<Option<File>, BlobError> {
        let Some(root) = self.root.clone() else { return Ok(None) };
        let locked = tokio::task::spawn_blocking(move || lock(&root, File::lock));
        Ok(Some(locked.await.map_err(io::Error::other)??))
    }
}

/// Locks the directory of a store, which serves as its own lock file; held until the handle is dropped.
pub(crate) fn lock(root: &Path, how: impl Fn(&File) -> io::Result<()>) -> io::Result<File> {
    let directory = File::open(root)?;
    how(&directory)?;
    Ok(directory)
}

fn remove_old(path: &Path, cutoff: SystemTime) -> io::Result<bool> {
    match std::fs::metadata(path).and_then(|meta| meta.modified()) {
        Ok(written) if written < cutoff => std::fs::remove_file(path).map(|()| true),
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// `None` for an object that is not a blob, or that is newer than `cutoff`.
fn listed_blob(meta: &ObjectMeta, cutoff: SystemTime) -> Option<ListedBlob> {
    let id = meta.location.filename()?.parse().ok()?;
    (SystemTime::from(meta.last_modified) < cutoff).then_some(ListedBlob { id, size_bytes: meta.size })
}
