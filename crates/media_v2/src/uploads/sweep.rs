use chrono::TimeDelta;
use primitives::{Id, Scope};

use super::UploadLease;
use crate::store::SweptUpload;
use crate::{MediaError, MediaService, store};

/// Number of uploads that are looked up in one statement.
const BATCH: i64 = 100;
/// Time after its expiry during which an upload is answered as expired; then as unknown.
const TOMBSTONE: TimeDelta = TimeDelta::days(7);

impl MediaService {
    /// Removes the bytes of uploads of all owners that have expired, and finishes those whose end was interrupted. Failures
    /// are logged; the next sweep repeats them.
    pub async fn sweep_uploads(&self) {
        if let Err(error) = self.sweep_batches().await {
            tracing::warn!(%error, "could not find expired uploads");
        }
    }

    async fn sweep_batches(&self) -> Result<(), MediaError> {
        let now = self.now();
        store::delete_old_uploads(&mut *self.pool().acquire().await?, now, now - TOMBSTONE).await?;
        let mut after = None;
        loop {
            // Each batch is of those after the last: uploads that fail every time do not exclude others.
            let found = {
                let mut conn = self.pool().acquire().await?;
                store::uploads_to_sweep(&mut conn, now, after.as_ref(), BATCH).await?
            };
            for SweptUpload { scope, id, .. } in &found {
                if let Err(error) = self.sweep_upload(scope, id).await {
                    tracing::warn!(%error, upload_id = %id, "could not finish or remove an upload; it is tried again");
                }
            }
            after = found.into_iter().last();
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn sweep_upload(&self, scope: &Scope, id: &Id) -> Result<(), MediaError> {
        let (lease, upload) = UploadLease::acquire(self, scope, id).await?;
        let swept = lease.hold(Box::pin(async {
            if upload.is_expired(self.now()) {
                self.blobs().discard_upload(id.as_str(), &upload.progress).await?;
                let mut conn = self.pool().acquire().await?;
                // Otherwise another writer of the upload discards it.
                store::discard_upload(&mut conn, &upload, lease.writer()).await.map(drop)
            } else if upload.is_unfinished() {
                self.finish(&lease, upload).await.map(drop)
            } else {
                Ok(())
            }
        }));
        let swept = swept.await;
        lease.release().await;
        swept
    }
}
