use chrono::TimeDelta;
use primitives::{Id, Scope};

use super::UploadLease;
use crate::{MediaError, MediaService, store};

/// Number of uploads that are looked up in one statement.
const BATCH: i64 = 100;
/// Time after its expiry during which an upload is answered as expired; then as unknown.
const TOMBSTONE: TimeDelta = TimeDelta::days(7);

impl MediaService {
    /// Removes the bytes of uploads of all owners that have expired, and finishes those whose end was interrupted. Failures
    /// are logged; the next sweep repeats them.
    pub async fn sweep_uploads(&self) {
        let found = async {
            let mut conn = self.pool().acquire().await?;
            store::delete_old_uploads(&mut conn, self.now(), self.now() - TOMBSTONE).await?;
            store::uploads_to_sweep(&mut conn, self.now(), BATCH).await
        };
        let found = found.await.unwrap_or_else(|error| {
            tracing::warn!(%error, "could not find expired uploads");
            Vec::new()
        });
        for (scope, id) in found {
            if let Err(error) = self.sweep_upload(&scope, &id).await {
                tracing::warn!(%error, upload_id = %id, "could not finish or remove an upload; it is tried again");
            }
        }
    }

    async fn sweep_upload(&self, scope: &Scope, id: &Id) -> Result<(), MediaError> {
        let (lease, upload) = UploadLease::acquire(self, scope, id).await?;
        let swept = lease.hold(Box::pin(async {
            if upload.is_expired(self.now()) {
                self.blobs().discard_upload(id.as_str(), &upload.progress).await?;
                let mut conn = self.pool().acquire().await?;
                store::discard_upload(&mut conn, &upload, lease.writer()).await
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
