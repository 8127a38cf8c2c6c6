use blob_store::StoredBlob;
use media_decode::MediaInput;
use primitives::{Id, Scope};

use super::{UploadLease, UploadMetadata};
use crate::model::{Upload, UploadState};
use crate::probe_result::ProbeResult;
use crate::service::set_content;
use crate::{MediaError, MediaReader, MediaService, NewAsset, store};

impl MediaService {
    /// Makes the bytes of a completely received upload an asset. Repeating it after a failure or a crash continues, and
    /// makes the same asset.
    ///
    /// # Errors
    /// [`MediaError::Queue`] when too many files wait to be probed; [`MediaError::UploadLocked`] when the lease is lost;
    /// errors of the store and the database.
    pub(super) async fn finish(&self, lease: &UploadLease, mut upload: Upload) -> Result<Upload, MediaError> {
        let parts = store::upload_parts(&mut *self.pool().acquire().await?, &upload).await?;
        let blob = self.blobs().complete_upload(upload.id.as_str(), &upload.progress, parts).await?;
        let asset = self.uploaded_asset(&upload, blob).await?;
        let now = self.now();
        let expires_at = now + self.upload_retention();
        let mut transaction = self.pool().begin().await?;
        if !store::finish_upload(&mut transaction, &upload, lease.writer(), expires_at).await? {
            return Err(MediaError::UploadLocked);
        }
        store::insert_asset(&mut transaction, &upload.scope, now, asset).await?;
        transaction.commit().await?;
        (upload.state, upload.expires_at) = (UploadState::Finished, expires_at);
        if let Err(error) = self.blobs().discard_upload(upload.id.as_str(), &upload.progress).await {
            tracing::warn!(%error, upload_id = %upload.id, "could not remove the parts of a finished upload");
        }
        Ok(upload)
    }

    /// Finishes an upload whose end was interrupted.
    ///
    /// # Errors
    /// Those of [`UploadLease::acquire`] and [`MediaService::finish`].
    pub(super) async fn finish_leftover(&self, scope: &Scope, id: &Id) -> Result<Upload, MediaError> {
        let (lease, upload) = UploadLease::acquire(self, scope, id).await?;
        let finished = if upload.is_unfinished() {
            lease.hold(Box::pin(self.finish(&lease, upload))).await
        } else {
            Ok(upload)
        };
        lease.release().await;
        finished
    }

    /// The asset of an upload, with its probed properties.
    async fn uploaded_asset(&self, upload: &Upload, blob: StoredBlob) -> Result<NewAsset, MediaError> {
        let UploadMetadata { file_name, description } = UploadMetadata::parse(&upload.metadata)?;
        let mut asset = description.into_asset(upload.user_id.clone())?;
        asset.id = Some(upload.asset_id.clone());
        let reader = MediaReader::from(self.blobs().open_local(blob.id).await?);
        let input = MediaInput::new(reader, self.decoders().clone());
        let probed = self.probe_queue().run(move |cancellation| ProbeResult::probe(&input, cancellation));
        probed.await??.apply_to(&mut asset);
        set_content(&mut asset, blob, file_name);
        Ok(asset)
    }
}
