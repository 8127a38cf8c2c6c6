//! Uploads of the protocol tus 1.0 that arrive in several requests, possibly to several processes.
//!
//! A row has the number of stored bytes; the bytes are in the blob store ([`blob_store::ResumableUpload`]). A request that
//! writes holds a [lease](UploadLease) on the row, and runs in a task of its own: when its client disconnects, the bytes
//! that have arrived are stored. When all bytes are stored, they become a blob, are probed, and the asset is inserted in
//! the transaction that marks the upload as finished. An interrupted end is repeated by the next HEAD, GET or PATCH, and by
//! the sweep.

mod activity;
mod checksum;
mod finish;
mod forget;
mod lease;
mod metadata;
mod receive;
mod sweep;

use blob_store::UploadProgress;
use http_kit::RequestContext;
use primitives::{Id, Scope};
use scheduling::tenancy;
use tracing::Instrument as _;

pub(crate) use self::checksum::{ALGORITHMS, Checksum};
use self::lease::UploadLease;
use self::metadata::UploadMetadata;
pub(crate) use self::receive::Chunk;
use crate::model::{Upload, UploadState};
use crate::{MediaError, MediaService, store};

/// Maximum number of unfinished uploads of an owner.
const MAX_UNFINISHED: i64 = 1_000;

impl MediaService {
    /// Creates an upload of `length_bytes`; `metadata` is the header `Upload-Metadata`.
    ///
    /// # Errors
    /// [`MediaError::UploadTooLarge`], [`MediaError::TusHeader`] or [`MediaError::Invalid`] for the metadata,
    /// [`MediaError::TooManyUploads`]; errors of the database.
    pub(crate) async fn create_upload(
        &self,
        context: &RequestContext,
        length_bytes: u64,
        metadata: String,
    ) -> Result<Upload, MediaError> {
        let limit_bytes = self.max_upload_bytes();
        if length_bytes > limit_bytes {
            return Err(MediaError::UploadTooLarge { limit_bytes });
        }
        // Invalid values are refused before the bytes are sent.
        UploadMetadata::parse(&metadata)?.description.into_asset(context.user_id.clone())?;
        let now = self.now();
        let upload = Upload {
            id: Id::for_write("upload", 0),
            scope: context.scope.clone(),
            user_id: context.user_id.clone(),
            asset_id: Id::for_write("asset", 0),
            length_bytes,
            metadata,
            state: UploadState::Receiving,
            progress: UploadProgress::default(),
            created_at: now,
            expires_at: now + self.upload_retention(),
        };
        let mut conn = self.pool().acquire().await?;
        let count = store::count_uploads(&mut conn, &upload.scope).await?;
        if count >= MAX_UNFINISHED {
            return Err(MediaError::TooManyUploads(count));
        }
        store::insert_upload(&mut conn, &upload).await?;
        // An earlier attempt of this write may have inserted it.
        let stored = store::find_upload(&mut conn, &upload.scope, &upload.id).await?;
        Ok(stored.unwrap_or(upload))
    }

    /// The upload. If all its bytes are stored and it is not finished, it is finished first, unless another request does.
    ///
    /// # Errors
    /// [`MediaError::UploadNotFound`], [`MediaError::UploadExpired`]; errors of finishing.
    pub(crate) async fn upload(&self, scope: &Scope, id: &Id) -> Result<Upload, MediaError> {
        let found = store::find_upload(&mut *self.pool().acquire().await?, scope, id).await?;
        let upload = found.ok_or_else(|| MediaError::UploadNotFound(id.to_string()))?;
        if upload.is_expired(self.now()) {
            return Err(MediaError::UploadExpired);
        }
        if !upload.is_unfinished() {
            return Ok(upload);
        }
        let (service, scope, id) = (self.clone(), scope.clone(), id.clone());
        match self.in_background(async move { service.finish_leftover(&scope, &id).await }).await {
            Err(MediaError::UploadLocked) => Ok(upload),
            finished => finished,
        }
    }

    /// Deletes the upload and its bytes; the asset of a finished one remains.
    ///
    /// # Errors
    /// [`MediaError::UploadNotFound`], [`MediaError::UploadExpired`], [`MediaError::UploadLocked`]; errors of the store and
    /// the database.
    pub(crate) async fn delete_upload(&self, scope: &Scope, id: &Id) -> Result<(), MediaError> {
        let (service, scope, id) = (self.clone(), scope.clone(), id.clone());
        self.in_background(async move {
            let (lease, upload) = UploadLease::acquire(&service, &scope, &id).await?;
            let deleted = lease.hold(Box::pin(service.delete_leased(&lease, &upload))).await;
            lease.release().await;
            deleted
        })
        .await
    }

    async fn delete_leased(&self, lease: &UploadLease, upload: &Upload) -> Result<(), MediaError> {
        if upload.is_expired(self.now()) {
            return Err(MediaError::UploadExpired);
        }
        self.blobs().discard_upload(upload.id.as_str(), &upload.progress).await?;
        let mut conn = self.pool().acquire().await?;
        if store::delete_upload(&mut conn, upload, lease.writer()).await? {
            Ok(())
        } else {
            Err(MediaError::UploadLocked)
        }
    }

    /// Waits until no request writes a resumable upload; for shutdown, when no more requests come.
    pub async fn uploads_finished(&self) {
        self.upload_tasks().close();
        self.upload_tasks().wait().await;
    }

    /// Runs `work` in a task of its own, which continues when the caller is dropped.
    async fn in_background<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, MediaError>> + Send + 'static,
    ) -> Result<T, MediaError> {
        let task = self.upload_tasks().spawn(tenancy::carry(work).in_current_span());
        task.await.map_err(std::io::Error::other)?
    }
}
