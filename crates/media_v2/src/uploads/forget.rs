use primitives::{Id, Scope};

use super::UploadLease;
use crate::{MediaError, MediaService, store};

/// Number of uploads that are looked up in one statement.
const BATCH: i64 = 100;

impl MediaService {
    /// Removes all resumable uploads of a tenant, or of one of its environments, with their bytes: unfinished, finished and
    /// expired ones. The assets of finished ones remain. Returns the number of uploads.
    ///
    /// # Errors
    /// [`MediaError::UploadLocked`] while a request writes one; errors of the store and of the database.
    pub async fn forget_uploads(&self, tenant_id: &Id, env: Option<&Id>) -> Result<u64, MediaError> {
        let mut removed = 0;
        loop {
            let found = {
                let mut conn = self.pool().acquire().await?;
                store::uploads_of_owner(&mut conn, tenant_id, env, BATCH).await?
            };
            if found.is_empty() {
                return Ok(removed);
            }
            for (scope, id) in found {
                removed += u64::from(self.forget_upload(&scope, &id).await?);
            }
        }
    }

    /// Removes an upload; false if another process has removed it.
    async fn forget_upload(&self, scope: &Scope, id: &Id) -> Result<bool, MediaError> {
        let (lease, upload) = match UploadLease::acquire(self, scope, id).await {
            Err(MediaError::UploadNotFound(_)) => return Ok(false),
            acquired => acquired?,
        };
        let forgotten = lease.hold(Box::pin(async {
            self.blobs().discard_upload(upload.id.as_str(), &upload.progress).await?;
            let mut conn = self.pool().acquire().await?;
            store::delete_upload(&mut conn, &upload, lease.writer()).await
        }));
        let forgotten = forgotten.await;
        lease.release().await;
        forgotten
    }
}
