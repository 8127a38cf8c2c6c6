use std::time::Duration;

use primitives::{Id, Scope};
use tokio::time::Instant;

use super::activity::Activity;
use crate::model::Upload;
use crate::{MediaError, MediaService, store};

/// Lease of a writer; it expires after this time without renewal.
const LEASE: Duration = Duration::from_secs(10);
const RENEW_EVERY: Duration = Duration::from_secs(2);
/// Maximum time that a request waits for another one to end: enough to notice that the other client is silent.
const WAIT: Duration = Duration::from_secs(8);
const POLL: Duration = Duration::from_millis(200);

/// The exclusive right to write an upload, among all processes.
#[derive(Debug)]
pub(super) struct UploadLease {
    service: MediaService,
    scope: Scope,
    id: Id,
    writer: Id,
}

impl UploadLease {
    /// Acquires the lease, once another request that holds it ends.
    ///
    /// # Errors
    /// [`MediaError::UploadNotFound`]; [`MediaError::UploadLocked`] when the other request continues; errors of the
    /// database.
    pub(super) async fn acquire(
        service: &MediaService,
        scope: &Scope,
        id: &Id,
    ) -> Result<(Self, Upload), MediaError> {
        let lease = Self {
            service: service.clone(),
            scope: scope.clone(),
            id: id.clone(),
            writer: Id::generate("writer"),
        };
        let deadline = Instant::now() + WAIT;
        loop {
            if let Some(upload) = lease.try_acquire().await? {
                return Ok((lease, upload));
            }
            if Instant::now() >= deadline {
                return Err(MediaError::UploadLocked);
            }
            tokio::time::sleep(POLL).await;
        }
    }

    async fn try_acquire(&self) -> Result<Option<Upload>, MediaError> {
        let mut conn = self.service.pool().acquire().await?;
        let claimed = store::claim_upload(&mut conn, &self.scope, &self.id, &self.writer, LEASE).await?;
        if claimed.is_some() {
            return Ok(claimed);
        }
        let has_writer = store::contend_upload(&mut conn, &self.scope, &self.id).await?;
        if !has_writer && store::find_upload(&mut conn, &self.scope, &self.id).await?.is_none() {
            return Err(MediaError::UploadNotFound(self.id.to_string()));
        }
        Ok(None)
    }

    /// The id of this writer in the row.
    pub(super) fn writer(&self) -> &Id {
        &self.writer
    }

    /// Runs `work` and renews the lease meanwhile.
    ///
    /// # Errors
    /// Those of `work`; [`MediaError::UploadLocked`] when the lease is lost.
    pub(super) async fn hold<T>(
        &self,
        work: impl Future<Output = Result<T, MediaError>>,
    ) -> Result<T, MediaError> {
        self.hold_for_client(&Activity::default(), work).await
    }

    /// As [`UploadLease::hold`], for a request that waits for its client: if another request waits for the lease, and the
    /// client is silent, the request stops waiting.
    ///
    /// # Errors
    /// As [`UploadLease::hold`].
    pub(super) async fn hold_for_client<T>(
        &self,
        activity: &Activity,
        work: impl Future<Output = Result<T, MediaError>>,
    ) -> Result<T, MediaError> {
        tokio::select! {
            done = work => done,
            lost = self.renew(activity) => Err(lost),
        }
    }

    /// Renews the lease until it is lost.
    async fn renew(&self, activity: &Activity) -> MediaError {
        loop {
            tokio::time::sleep(RENEW_EVERY).await;
            match self.renew_once().await {
                Ok(Some(true)) => activity.stop_if_silent(),
                Ok(Some(false)) => {}
                Ok(None) => return MediaError::UploadLocked,
                Err(error) => {
                    tracing::warn!(%error, upload_id = %self.id, "could not renew the lease of an upload");
                }
            }
        }
    }

    async fn renew_once(&self) -> Result<Option<bool>, MediaError> {
        let mut conn = self.service.pool().acquire().await?;
        store::renew_upload(&mut conn, &self.scope, &self.id, &self.writer, LEASE).await
    }

    /// Ends the lease. If that fails, it expires.
    pub(super) async fn release(self) {
        let released = async {
            let mut conn = self.service.pool().acquire().await?;
            store::release_upload(&mut conn, &self.scope, &self.id, &self.writer).await
        };
        if let Err(error) = released.await {
            tracing::warn!(%error, upload_id = %self.id, "could not release an upload; its lease expires by itself");
        }
    }
}
