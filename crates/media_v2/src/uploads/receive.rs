use axum::body::{Body, Bytes};
use blob_store::ResumableUpload;
use futures::StreamExt as _;
use http_kit::BodyTimedOut;
use primitives::{Id, Scope};

use super::activity::Activity;
use super::{Checksum, UploadLease};
use crate::model::Upload;
use crate::{MediaError, MediaService, store};

/// The bytes of one request.
#[derive(Debug)]
pub(crate) struct Chunk {
    /// Position of the first byte in the upload.
    pub(crate) offset_bytes: u64,
    /// Declared number of bytes.
    pub(crate) length_bytes: Option<u64>,
    pub(crate) checksum: Option<Checksum>,
    pub(crate) body: Body,
}

impl MediaService {
    /// Appends the bytes of a request. Bytes with a checksum are stored together, others as they arrive, also if the client
    /// disconnects. After the last byte the upload is finished.
    ///
    /// # Errors
    /// [`MediaError::UploadNotFound`], [`MediaError::UploadExpired`], [`MediaError::UploadLocked`],
    /// [`MediaError::UploadOffset`], [`MediaError::UploadTooLong`], [`MediaError::ChecksumMismatch`],
    /// [`MediaError::UploadInterrupted`], [`MediaError::UploadTimedOut`]; errors of the store, the probe queue and the
    /// database.
    pub(crate) async fn append_upload(
        &self,
        scope: &Scope,
        id: &Id,
        chunk: Chunk,
    ) -> Result<Upload, MediaError> {
        let (service, scope, id) = (self.clone(), scope.clone(), id.clone());
        self.in_background(async move {
            let (lease, upload) = UploadLease::acquire(&service, &scope, &id).await?;
            let activity = Activity::default();
            let receiving = Box::pin(service.receive(&lease, upload, chunk, &activity));
            let received = lease.hold_for_client(&activity, receiving).await;
            lease.release().await;
            received
        })
        .await
    }

    async fn receive(
        &self,
        lease: &UploadLease,
        upload: Upload,
        chunk: Chunk,
        activity: &Activity,
    ) -> Result<Upload, MediaError> {
        if upload.is_expired(self.now()) {
            return Err(MediaError::UploadExpired);
        }
        let stored_bytes = upload.progress.offset_bytes;
        if chunk.offset_bytes != stored_bytes {
            return Err(MediaError::UploadOffset { stored_bytes });
        }
        let length_bytes = upload.length_bytes;
        if chunk.length_bytes.is_some_and(|sent| sent > length_bytes - stored_bytes) {
            return Err(MediaError::UploadTooLong { length_bytes });
        }
        let upload = if stored_bytes < length_bytes {
            Receiver::begin(self, lease, upload, chunk.checksum).await?.receive(chunk.body, activity).await?
        } else {
            upload
        };
        if upload.is_unfinished() { self.finish(lease, upload).await } else { Ok(upload) }
    }
}

/// A request that writes an upload.
struct Receiver<'a> {
    service: &'a MediaService,
    lease: &'a UploadLease,
    upload: Upload,
    session: ResumableUpload,
    checksum: Option<Checksum>,
}

impl<'a> Receiver<'a> {
    async fn begin(
        service: &'a MediaService,
        lease: &'a UploadLease,
        upload: Upload,
        checksum: Option<Checksum>,
    ) -> Result<Self, MediaError> {
        let progress = upload.progress.clone();
        let session =
            service.blobs().resume_upload(upload.id.as_str(), upload.length_bytes, progress).await?;
        let mut receiver = Self { service, lease, upload, session, checksum };
        if *receiver.session.stored() != receiver.upload.progress {
            receiver.record().await?;
        }
        Ok(receiver)
    }

    /// Stores the bytes of `body`, or what arrives of it.
    async fn receive(mut self, body: Body, activity: &Activity) -> Result<Upload, MediaError> {
        let read = self.read(body, activity).await;
        let checksum = self.checksum.take();
        if let Err(error) = read {
            // Incomplete bytes cannot be verified.
            if checksum.is_none() && is_of_client(&error) {
                self.store().await?;
            }
            return Err(error);
        }
        if checksum.is_some_and(|checksum| !checksum.matches()) {
            return Err(MediaError::ChecksumMismatch);
        }
        self.store().await?;
        Ok(self.upload)
    }

    async fn store(&mut self) -> Result<(), MediaError> {
        self.session.store_all().await?;
        self.record().await
    }

    async fn read(&mut self, body: Body, activity: &Activity) -> Result<(), MediaError> {
        let mut pieces = body.into_data_stream();
        loop {
            match activity.wait_for(pieces.next()).await {
                Some(Some(Ok(piece))) => self.write(piece).await?,
                Some(Some(Err(error))) if BodyTimedOut::caused(&error) => {
                    return Err(MediaError::UploadTimedOut);
                }
                Some(Some(Err(_))) => return Err(MediaError::UploadInterrupted),
                Some(None) => return Ok(()),
                None => return Err(MediaError::UploadTimedOut),
            }
        }
    }

    async fn write(&mut self, piece: Bytes) -> Result<(), MediaError> {
        let length_bytes = self.upload.length_bytes;
        if piece.len() as u64 > length_bytes - self.session.received_bytes() {
            return Err(MediaError::UploadTooLong { length_bytes });
        }
        if let Some(checksum) = &mut self.checksum {
            checksum.update(&piece);
        }
        self.session.write(piece).await?;
        let has_stored = self.session.stored().offset_bytes > self.upload.progress.offset_bytes;
        if has_stored && self.checksum.is_none() { self.record().await } else { Ok(()) }
    }

    /// Records the stored bytes in the row.
    async fn record(&mut self) -> Result<(), MediaError> {
        let (progress, parts) = (self.session.stored().clone(), self.session.take_new_parts());
        let expires_at = self.service.now() + self.service.upload_retention();
        let mut transaction = self.service.pool().begin().await?;
        let writer = self.lease.writer();
        if !store::save_upload(&mut transaction, &self.upload, writer, &progress, expires_at).await? {
            return Err(MediaError::UploadLocked);
        }
        store::insert_upload_parts(&mut transaction, &self.upload, &parts).await?;
        transaction.commit().await?;
        self.session.remove_old_tails().await;
        (self.upload.progress, self.upload.expires_at) = (progress, expires_at);
        Ok(())
    }
}

/// Whether the client has caused the error: the bytes that arrived before are stored.
fn is_of_client(error: &MediaError) -> bool {
    matches!(
        error,
        MediaError::UploadInterrupted | MediaError::UploadTimedOut | MediaError::UploadTooLong { .. }
    )
}
