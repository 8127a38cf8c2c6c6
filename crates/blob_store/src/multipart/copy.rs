//! Copies of objects that are too large for the object store to copy in one request.

use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use object_store::multipart::PartId;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};

use super::{MultipartUpload, MultipartUploads, PARALLEL_PARTS, PART, PART_TIMEOUT};
use crate::BlobError;
use crate::timeouts::with_timeout;

impl MultipartUploads {
    /// Copies the object `from` of `length` bytes to `to`, through the memory of this process. Neither key has the prefix
    /// of the store, which `reads` adds.
    pub(crate) async fn copy(
        &self,
        reads: &Arc<dyn ObjectStore>,
        from: &Path,
        to: &Path,
        length: u64,
    ) -> Result<(), BlobError> {
        let mut upload = MultipartUpload::begin(self.store.clone(), self.full_key(to), &self.staging).await?;
        let copied = upload.copy_parts(reads, from, length).await;
        if copied.is_err() {
            upload.abort().await;
        }
        copied
    }
}

impl MultipartUpload {
    /// Copies all parts and completes the upload.
    async fn copy_parts(
        &mut self,
        reads: &Arc<dyn ObjectStore>,
        from: &Path,
        length: u64,
    ) -> Result<(), BlobError> {
        let Some(unfinished) = self.0.clone() else { return Ok(()) };
        let (mut running, mut kept) = (FuturesUnordered::new(), Vec::<(usize, PartId)>::new());
        for (index, start) in (0..length).step_by(PART).enumerate() {
            if running.len() >= PARALLEL_PARTS
                && let Some(part) = running.next().await
            {
                kept.push(part?);
            }
            unfinished.write_record().await?;
            let (store, key, id) = (&unfinished.store, &unfinished.key, &unfinished.id);
            running.push(async move {
                let range = start..length.min(start + PART as u64);
                let part = async {
                    let bytes = reads.get_range(from, range).await?;
                    store.put_part(key, id, index, bytes.into()).await
                };
                with_timeout(PART_TIMEOUT, part).await.map(|part| (index, part))
            });
        }
        while let Some(part) = running.next().await {
            kept.push(part?);
        }
        kept.sort_unstable_by_key(|(index, _)| *index);
        let parts = kept.into_iter().map(|(_, part)| part).collect();
        let completed = unfinished.store.complete_multipart(&unfinished.key, &unfinished.id, parts);
        with_timeout(PART_TIMEOUT, completed).await?;
        self.0 = None;
        unfinished.forget().await;
        Ok(())
    }
}
