//! The end of a resumable upload: its bytes become a blob, or are removed.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures::TryStreamExt as _;
use object_store::path::Path as Key;
use object_store::{MultipartId, ObjectMeta, ObjectStoreExt as _};
use rustix::fs::{Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};

use super::{UPLOADS, UploadProgress, object_key};
use crate::collect::{RENEW_AFTER, lock};
use crate::multipart::MultipartUploads;
use crate::store::{key, sync_parents};
use crate::timeouts::{with_answer_timeout, with_timeout};
use crate::{BlobError, BlobStore, StoredBlob, size_attribute};

/// Objects up to this size (bytes) are copied by the object store in one request; S3 copies at most 5 GiB so.
const COPY_BYTES: u64 = 1 << 30;
/// Timeout of a copy in one request, with all attempts; the client of writes has a timeout of its own.
const COPY_TIMEOUT: Duration = Duration::from_secs(240);

impl BlobStore {
    /// Makes the stored bytes of the upload `name` a blob. `parts` are the ids of the contents of all parts, in order.
    /// It can be repeated after a failure or a crash; [`BlobStore::discard_upload`] then removes what remains.
    ///
    /// # Errors
    /// [`BlobError::UploadLost`] when bytes are missing; [`BlobError::Io`] or [`BlobError::Store`].
    pub async fn complete_upload(
        &self,
        name: &str,
        progress: &UploadProgress,
        parts: Vec<String>,
    ) -> Result<StoredBlob, BlobError> {
        let size_bytes = progress.offset_bytes;
        if size_bytes == 0 {
            return self.put(Bytes::new()).await;
        }
        let blob = StoredBlob { id: progress.digest.clone().finish(), size_bytes };
        match (&self.multipart_uploads, &progress.multipart_id) {
            (Some(uploads), Some(multipart_id)) => {
                self.complete_parts(uploads, name, multipart_id, parts, blob).await?;
            }
            (Some(_), None) => return Err(BlobError::UploadLost(name.to_owned())),
            (None, _) => self.complete_file(name, blob).await?,
        }
        Ok(blob)
    }

    /// Removes the bytes of the upload `name`, complete or not.
    ///
    /// # Errors
    /// [`BlobError::Io`] or [`BlobError::Store`].
    pub async fn discard_upload(&self, name: &str, progress: &UploadProgress) -> Result<(), BlobError> {
        let Some(uploads) = &self.multipart_uploads else {
            return match tokio::fs::remove_file(self.uploads_directory().join(name)).await {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
                _ => Ok(()),
            };
        };
        if let Some(id) = &progress.multipart_id {
            let key = uploads.full_key(&object_key(name));
            ignore_missing(with_answer_timeout(uploads.store.abort_multipart(&key, id)).await)?;
        }
        // Also tails that a process wrote, and did not record.
        let objects = self.store.list(Some(&Key::from_iter([UPLOADS, name]))).try_collect::<Vec<_>>();
        for meta in with_answer_timeout(objects).await? {
            ignore_missing(with_answer_timeout(self.writes.delete(&meta.location)).await)?;
        }
        Ok(())
    }

    /// Moves the file of the upload to the blob's path, or uploads it to a store without multipart uploads.
    async fn complete_file(&self, name: &str, blob: StoredBlob) -> Result<(), BlobError> {
        let source = self.uploads_directory().join(name);
        if let Some((root, target)) = self.local(blob.id) {
            let moved =
                tokio::task::spawn_blocking(move || move_upload(&root, &source, &target, blob.size_bytes));
            let is_moved = moved.await.map_err(io::Error::other)??;
            return if is_moved { Ok(()) } else { Err(BlobError::UploadLost(name.to_owned())) };
        }
        if let Err(error) = tokio::fs::metadata(&source).await {
            return match self.size(blob.id).await {
                Ok(size) if size == blob.size_bytes => Ok(()),
                _ => Err(error.into()),
            };
        }
        self.upload(&source, blob.id).await?;
        Ok(tokio::fs::remove_file(source).await?)
    }

    async fn complete_parts(
        &self,
        uploads: &MultipartUploads,
        name: &str,
        multipart_id: &MultipartId,
        parts: Vec<String>,
        blob: StoredBlob,
    ) -> Result<(), BlobError> {
        let object = object_key(name);
        if !self.has_object(&object, blob.size_bytes).await?
            && let Err(error) = uploads.complete(&uploads.full_key(&object), multipart_id, parts).await
        {
            // An earlier attempt may have completed it, and removed the object.
            return match self.has_object(&key(blob.id), blob.size_bytes).await {
                Ok(true) => Ok(()),
                _ => Err(error),
            };
        }
        self.copy_object(uploads, &object, blob).await
    }

    async fn has_object(&self, key: &Key, size_bytes: u64) -> Result<bool, BlobError> {
        Ok(self.find_object(key).await?.is_some_and(|meta| meta.size == size_bytes))
    }

    async fn find_object(&self, key: &Key) -> Result<Option<ObjectMeta>, BlobError> {
        match with_answer_timeout(self.store.head(key)).await {
            Ok(meta) => Ok(Some(meta)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Copies a complete object to the blob's key, within the object store if it is not too large for that. A blob that
    /// was written recently is not written again.
    async fn copy_object(
        &self,
        uploads: &MultipartUploads,
        object: &Key,
        blob: StoredBlob,
    ) -> Result<(), BlobError> {
        let target = key(blob.id);
        let known = self.find_object(&target).await?;
        if known.is_some_and(|meta| meta.size == blob.size_bytes && is_fresh(&meta)) {
            return Ok(());
        }
        if blob.size_bytes <= COPY_BYTES {
            let copied = with_timeout(COPY_TIMEOUT, self.writes.copy(object, &target)).await;
            return copied.map_err(BlobError::from);
        }
        uploads.copy(&self.store, object, &target, blob.size_bytes).await
    }
}

/// Whether the blob was written so recently that it counts as new for the collection of blobs without rows.
fn is_fresh(meta: &ObjectMeta) -> bool {
    SystemTime::from(meta.last_modified).elapsed().map_or(true, |age| age < RENEW_AFTER)
}

fn ignore_missing(done: Result<(), object_store::Error>) -> Result<(), BlobError> {
    match done {
        Err(error) if !matches!(error, object_store::Error::NotFound { .. }) => Err(error.into()),
        _ => Ok(()),
    }
}

/// Moves the file of an upload to `target`; false if it is in neither place. Blocks.
fn move_upload(root: &Path, source: &Path, target: &Path, size_bytes: u64) -> io::Result<bool> {
    let _shared = lock(root, File::lock_shared)?;
    let file = match File::options().write(true).open(source) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // An earlier attempt may have moved it.
            return Ok(target.metadata().is_ok_and(|meta| meta.len() == size_bytes));
        }
        file => file?,
    };
    if file.metadata()?.len() != size_bytes {
        return Ok(false);
    }
    size_attribute::set(&file, size_bytes);
    // A blob counts as written when it gets its name.
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    let unchanged = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
    rustix::fs::futimens(&file, &Timestamps { last_access: unchanged, last_modification: now })?;
    file.sync_all()?;
    let directory = target.parent().unwrap_or(Path::new("/"));
    std::fs::create_dir_all(directory)?;
    std::fs::rename(source, target)?;
    sync_parents(directory)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn move_of_an_upload_is_repeated_without_harm() {
        let root = tempfile::tempdir().unwrap();
        let (source, target) = (root.path().join("upload"), root.path().join("a/b/blob"));
        std::fs::write(&source, "hark back").unwrap();
        assert!(!move_upload(root.path(), &source, &target, 8).unwrap(), "another size than recorded");
        assert!(move_upload(root.path(), &source, &target, 9).unwrap());
        assert!(move_upload(root.path(), &source, &target, 9).unwrap(), "repeated");
        assert_eq!(std::fs::read(&target).unwrap(), b"hark back");
        std::fs::remove_file(target.clone()).unwrap();
        assert!(!move_upload(root.path(), &source, &target, 9).unwrap(), "lost");
    }
}
