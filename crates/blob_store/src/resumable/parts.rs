//! The current part of a resumable upload to an object store.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::sync::Arc;

use bytes::Bytes;
use object_store::multipart::MultipartStore;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt as _};
use tempfile::TempPath;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{PART_UNIT, ResumableDigest, UploadProgress, object_key, tail_key};
use crate::multipart::{MultipartUploads, PART_TIMEOUT};
use crate::timeouts::{with_answer_timeout, with_timeout};
use crate::{BlobError, BlobStore};

/// Memory of this process for parts that arrive, in units of [`PART_UNIT`]; further parts are in local files, so that slow
/// clients do not keep others waiting.
pub(super) static MEMORY: Semaphore = Semaphore::const_new(64);
/// Parts of local files that are in memory at the same time, while they are sent.
static SENT_FILES: Semaphore = Semaphore::const_new(4);

/// Collects a part, and sends it. It is unusable after an error.
pub(super) struct PartWriter {
    parts: Arc<dyn MultipartStore>,
    writes: Arc<dyn ObjectStore>,
    name: String,
    /// Key of the object, with the prefix of the store.
    object: Key,
    buffer: PartBuffer,
}

impl fmt::Debug for PartWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PartWriter({})", self.object)
    }
}

/// The bytes of the current part.
enum PartBuffer {
    Memory { bytes: Vec<u8>, _memory: SemaphorePermit<'static> },
    File { file: Option<File>, _path: TempPath },
}

impl PartWriter {
    /// A writer of the upload `name`, whose current part begins with `tail`.
    pub(super) async fn new(
        store: &BlobStore,
        uploads: &MultipartUploads,
        name: &str,
        largest_part: u64,
        tail: Bytes,
    ) -> Result<Self, BlobError> {
        let mut buffer = PartBuffer::new(store, largest_part).await?;
        buffer.append(tail).await?;
        Ok(Self {
            parts: uploads.store.clone(),
            writes: store.writes.clone(),
            name: name.to_owned(),
            object: uploads.full_key(&object_key(name)),
            buffer,
        })
    }

    /// Appends bytes, also to `digest`, which is returned.
    pub(super) async fn append(
        &mut self,
        piece: Bytes,
        mut digest: ResumableDigest,
    ) -> Result<ResumableDigest, BlobError> {
        self.buffer.append(piece.clone()).await?;
        let hashed = tokio::task::spawn_blocking(move || {
            digest.update(&piece);
            digest
        });
        Ok(hashed.await.map_err(io::Error::other)?)
    }

    /// Sends the part after those of `stored`, and begins the next one; returns the store's id of its content.
    pub(super) async fn put_part(&mut self, stored: &UploadProgress) -> Result<String, BlobError> {
        let Some(multipart_id) = &stored.multipart_id else {
            return Err(BlobError::UploadLost(self.name.clone()));
        };
        let _memory = self.buffer.sending().await;
        let bytes = self.buffer.take().await?;
        let sent = self.parts.put_part(&self.object, multipart_id, stored.parts as usize, bytes.into());
        Ok(with_timeout(PART_TIMEOUT, sent).await?.content_id)
    }

    /// Stores the incomplete part as an object.
    pub(super) async fn put_tail(&mut self, tail: &str) -> Result<(), BlobError> {
        let _memory = self.buffer.sending().await;
        let bytes = self.buffer.take().await?;
        let key = tail_key(&self.name, tail);
        with_timeout(PART_TIMEOUT, self.writes.put(&key, bytes.clone().into())).await?;
        self.buffer.append(bytes).await
    }

    /// Removes a tail that is no longer referred to.
    pub(super) async fn remove_tail(&self, tail: &str) {
        let key = tail_key(&self.name, tail);
        if let Err(error) = with_answer_timeout(self.writes.delete(&key)).await {
            tracing::warn!(%error, %key, "could not remove a replaced part of an upload");
        }
    }
}

impl PartBuffer {
    async fn new(store: &BlobStore, largest_part: u64) -> Result<Self, BlobError> {
        let units = u32::try_from(largest_part.div_ceil(PART_UNIT)).unwrap_or(u32::MAX);
        if let Ok(memory) = MEMORY.try_acquire_many(units) {
            return Ok(Self::Memory { bytes: Vec::new(), _memory: memory });
        }
        let (file, path) = store.staging_file().await?.into_parts();
        Ok(Self::File { file: Some(file), _path: path })
    }

    async fn append(&mut self, piece: Bytes) -> Result<(), BlobError> {
        match self {
            Self::Memory { bytes, .. } => bytes.extend_from_slice(&piece),
            Self::File { file, .. } => {
                let mut open = file.take().ok_or_else(super::failed)?;
                let written = tokio::task::spawn_blocking(move || open.write_all(&piece).map(|()| open));
                *file = Some(written.await.map_err(io::Error::other)??);
            }
        }
        Ok(())
    }

    /// Waits for memory to send a part of a local file.
    async fn sending(&self) -> Option<SemaphorePermit<'static>> {
        match self {
            Self::Memory { .. } => None,
            // The semaphore is never closed.
            Self::File { .. } => SENT_FILES.acquire().await.ok(),
        }
    }

    /// Returns all bytes, and is empty then.
    async fn take(&mut self) -> Result<Bytes, BlobError> {
        match self {
            Self::Memory { bytes, .. } => Ok(std::mem::take(bytes).into()),
            Self::File { file, .. } => {
                let mut open = file.take().ok_or_else(super::failed)?;
                let read = tokio::task::spawn_blocking(move || {
                    let mut bytes = Vec::new();
                    open.rewind()?;
                    open.read_to_end(&mut bytes)?;
                    open.set_len(0)?;
                    open.rewind()?;
                    Ok::<_, io::Error>((open, bytes))
                });
                let (open, bytes) = read.await.map_err(io::Error::other)??;
                *file = Some(open);
                Ok(bytes.into())
            }
        }
    }
}
