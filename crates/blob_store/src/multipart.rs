//! Multipart uploads. Any error before completion also aborts the upload: the object store keeps, and charges for, the
//! parts of an upload that is neither completed nor aborted, without listing them among the objects.
//!
//! An error aborts immediately; when the caller is dropped, a separate task aborts. A process that dies leaves the
//! record of its upload in the staging directory, and the staging sweep aborts it. `object_store` cannot list uploads.

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use object_store::MultipartId;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use tokio::fs::OpenOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::BlobError;
use crate::timeouts::{with_answer_timeout, with_timeout};

/// Size of all parts but the last, in bytes.
pub(crate) const PART: usize = 8 << 20;
/// Timeout for uploading one part, with all attempts; with [`PARALLEL_PARTS`] at once this needs 273 KiB/s.
pub(crate) const PART_TIMEOUT: Duration = Duration::from_secs(120);
const PARALLEL_PARTS: usize = 4;
/// Prefix of the names of record files.
pub(crate) const RECORD_PREFIX: &str = "multipart-";

/// Uploads large files to an object store in parts, each upload with a local record by which it can be aborted later.
#[derive(Clone)]
pub(crate) struct MultipartUploads {
    pub(crate) store: Arc<dyn MultipartStore>,
    prefix: Path,
    staging: Arc<FilePath>,
}

impl MultipartUploads {
    pub(crate) fn new(store: Arc<dyn MultipartStore>, prefix: Path, staging: Arc<FilePath>) -> Self {
        Self { store, prefix, staging }
    }

    /// Uploads `file` to `key`.
    pub(crate) async fn upload(&self, mut file: tokio::fs::File, key: &Path) -> Result<(), BlobError> {
        let key = self.full_key(key);
        let mut upload = MultipartUpload::begin(self.store.clone(), key, &self.staging).await?;
        let sent = upload.send(&mut file).await;
        if sent.is_err() {
            upload.abort().await;
        }
        sent
    }

    /// `key` with the prefix of the store.
    pub(crate) fn full_key(&self, key: &Path) -> Path {
        self.prefix.parts().chain(key.parts()).collect()
    }

    /// Completes the multipart upload `id` to `full_key` from the ids of the contents of its parts, in order.
    pub(crate) async fn complete(
        &self,
        full_key: &Path,
        id: &MultipartId,
        parts: Vec<String>,
    ) -> Result<(), BlobError> {
        let parts = parts.into_iter().map(|content_id| PartId { content_id }).collect();
        with_timeout(PART_TIMEOUT, self.store.complete_multipart(full_key, id, parts)).await?;
        Ok(())
    }

    /// Aborts the uploads whose records are `is_stale`: their processes have died.
    pub(crate) async fn abort_stale(&self, is_stale: impl Fn(&std::fs::Metadata) -> bool + Send + 'static) {
        let (staging, store) = (self.staging.clone(), self.store.clone());
        let found = tokio::task::spawn_blocking(move || stale_uploads(&staging, &store, is_stale)).await;
        for unfinished in found.unwrap_or_default() {
            unfinished.abort().await;
        }
    }
}

/// The uploads of stale records. Blocks.
fn stale_uploads(
    staging: &FilePath,
    store: &Arc<dyn MultipartStore>,
    is_stale: impl Fn(&std::fs::Metadata) -> bool,
) -> Vec<IncompleteUpload> {
    let mut found = Vec::new();
    for record in std::fs::read_dir(staging).into_iter().flatten().flatten() {
        let is_record = record.file_name().to_string_lossy().starts_with(RECORD_PREFIX);
        if !is_record || !record.metadata().is_ok_and(|meta| is_stale(&meta)) {
            continue;
        }
        let path = record.path();
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let Some((key, id)) = text.split_once('\n') else {
            // The process died before it wrote the record.
            let _ = std::fs::remove_file(path);
            continue;
        };
        let Ok(key) = Path::parse(key) else { continue };
        found.push(IncompleteUpload { store: store.clone(), key, id: id.to_owned(), record: path });
    }
    found
}

/// An upload that the object store has not completed.
#[derive(Clone)]
struct IncompleteUpload {
    store: Arc<dyn MultipartStore>,
    key: Path,
    id: MultipartId,
    record: PathBuf,
}

impl IncompleteUpload {
    /// Makes the store delete the parts. If that fails, the record remains for the next sweep.
    async fn abort(self) {
        match with_answer_timeout(self.store.abort_multipart(&self.key, &self.id)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => self.forget().await,
            Err(error) => {
                tracing::warn!(%error, key = %self.key, "could not abort an upload; it is tried again")
            }
        }
    }

    async fn forget(&self) {
        // A record that remains is swept later: the store then reports its upload as unknown.
        let _ = tokio::fs::remove_file(&self.record).await;
    }

    /// Writes the record. Its modification time is the heartbeat of the upload for the sweep.
    /// Does not create the file: a write goes on after its caller was dropped, and must not restore a removed record.
    async fn write_record(&self) -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).truncate(true).open(&self.record).await?;
        file.write_all(format!("{}\n{}", self.key, self.id).as_bytes()).await?;
        file.flush().await
    }
}

/// An upload in progress; it is aborted when dropped before completion.
struct MultipartUpload(Option<IncompleteUpload>);

impl MultipartUpload {
    async fn begin(store: Arc<dyn MultipartStore>, key: Path, staging: &FilePath) -> Result<Self, BlobError> {
        // In a task of its own: if the caller is dropped before the answer is read, the id of the upload would be lost. An
        // upload that is not received is dropped, which aborts it.
        let begun = tokio::spawn(Self::begin_undisturbed(store, key, staging.to_path_buf()));
        begun.await.map_err(std::io::Error::other)?
    }

    async fn begin_undisturbed(
        store: Arc<dyn MultipartStore>,
        key: Path,
        staging: PathBuf,
    ) -> Result<Self, BlobError> {
        let record = tokio::task::spawn_blocking(move || {
            tempfile::Builder::new().prefix(RECORD_PREFIX).tempfile_in(staging)
        });
        let record = record.await.map_err(std::io::Error::other)??;
        let id = with_answer_timeout(store.create_multipart(&key)).await?;
        let (_, record) = record.keep().map_err(|error| error.error)?;
        let unfinished = IncompleteUpload { store, key, id, record };
        let upload = Self(Some(unfinished.clone()));
        unfinished.write_record().await?;
        Ok(upload)
    }

    /// Uploads all parts and completes the upload.
    async fn send(&mut self, file: &mut tokio::fs::File) -> Result<(), BlobError> {
        let Some(unfinished) = self.0.clone() else { return Ok(()) };
        let IncompleteUpload { store, key, id, .. } = &unfinished;
        let mut running = FuturesUnordered::new();
        let mut kept: Vec<(usize, PartId)> = Vec::new();
        for index in 0.. {
            let mut piece = Vec::with_capacity(PART);
            (&mut *file).take(PART as u64).read_to_end(&mut piece).await?;
            if piece.is_empty() {
                break;
            }
            if running.len() >= PARALLEL_PARTS
                && let Some(part) = running.next().await
            {
                kept.push(part?);
            }
            unfinished.write_record().await?;
            running.push(async move {
                let part = store.put_part(key, id, index, Bytes::from(piece).into());
                with_timeout(PART_TIMEOUT, part).await.map(|part| (index, part))
            });
        }
        while let Some(part) = running.next().await {
            kept.push(part?);
        }
        kept.sort_unstable_by_key(|(index, _)| *index);
        let parts = kept.into_iter().map(|(_, part)| part).collect();
        with_timeout(PART_TIMEOUT, store.complete_multipart(key, id, parts)).await?;
        self.0 = None;
        unfinished.forget().await;
        Ok(())
    }

    async fn abort(mut self) {
        // Cleared only after the abort: if the caller is dropped meanwhile, `Drop` aborts the upload.
        if let Some(unfinished) = self.0.clone() {
            unfinished.abort().await;
            self.0 = None;
        }
    }
}

impl Drop for MultipartUpload {
    fn drop(&mut self) {
        // Outside a runtime, the sweep aborts the upload.
        if let (Some(unfinished), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(unfinished.abort());
        }
    }
}

mod copy;

#[cfg(test)]
mod tests;
