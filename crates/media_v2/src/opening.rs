//! Opens the bytes of assets and artifacts.

use std::fs::File;
use std::io::Seek;

use blob_store::BlobId;
use scheduling::Cancellation;

use crate::digest::digest;
use crate::fingerprint::FileFingerprint;
use crate::source::Opening;
use crate::{Content, MediaError, MediaReader, MediaService};

impl MediaService {
    /// Opens the bytes of an asset or artifact for reading on a worker thread.
    ///
    /// # Errors
    /// [`MediaError::SourceNotAllowed`], [`MediaError::SourceUnreadable`], [`MediaError::SourceChanged`] for bytes
    /// outside the store; [`MediaError::ContentMissing`], [`MediaError::ContentDamaged`] and [`MediaError::Blob`] for
    /// bytes inside.
    pub async fn open_source(&self, content: Content<'_>) -> Result<MediaReader, MediaError> {
        match BlobId::from_uri(content.uri) {
            Ok(id) => {
                let blob = self.blobs().open_local(id).await?;
                check_size(content, blob.size_bytes())?;
                Ok(blob.into())
            }
            Err(_) => Ok(self.open_file(content).await?.into()),
        }
    }

    /// Checks that the bytes of an asset or artifact are there and unchanged, without reading them.
    ///
    /// # Errors
    /// As [`MediaService::open_source`].
    pub async fn check_source(&self, content: Content<'_>) -> Result<(), MediaError> {
        match BlobId::from_uri(content.uri) {
            Ok(id) => check_size(content, self.blobs().size(id).await?),
            Err(_) => self.open_file(content).await.map(drop),
        }
    }

    /// Opens the document of a measurement. A file outside the store is hashed first, because it may have changed since
    /// it was registered.
    ///
    /// # Errors
    /// [`MediaError::SourceChanged`]; errors of [`MediaService::open_source`].
    pub async fn open_document(&self, content: Content<'_>) -> Result<MediaReader, MediaError> {
        let is_file = BlobId::from_uri(content.uri).is_err();
        let Some(expected) = content.sha256.filter(|_| is_file).map(str::to_owned) else {
            return self.open_source(content).await;
        };
        let mut file = self.open_file(content).await?;
        let checked = tokio::task::spawn_blocking(move || {
            let (found, _) = digest(&file, &Cancellation::default())?;
            file.rewind()?;
            if found.to_hex() == expected { Ok(file.into()) } else { Err(MediaError::SourceChanged) }
        });
        checked.await.map_err(std::io::Error::other)?
    }

    /// Opens an allowed file, if it still has the registered bytes.
    pub(crate) async fn open_file(&self, content: Content<'_>) -> Result<File, MediaError> {
        let (policy, uri) = (self.source_policy().clone(), content.uri.to_owned());
        let (tenant_id, env) = (content.tenant_id.clone(), content.env.clone());
        let opened = tokio::task::spawn_blocking(move || {
            let file = policy.open(&uri, Opening::Read { tenant_id: &tenant_id, env: &env })?;
            let (size, fingerprint) = (file.metadata()?.len(), FileFingerprint::found(&file)?);
            Ok::<_, MediaError>((file, size, fingerprint))
        });
        let (file, size, fingerprint) = opened.await.map_err(std::io::Error::other)??;
        if content.size_bytes.is_some_and(|registered| registered != size) {
            return Err(MediaError::SourceChanged);
        }
        match content.file {
            Some(registered) if self.changed_files().contains(registered.asset_id, fingerprint) => {
                Err(MediaError::SourceChanged)
            }
            Some(registered) if registered.fingerprint != fingerprint => {
                self.check_unchanged(content, registered, file).await
            }
            _ => Ok(file),
        }
    }
}

/// Checks that a blob has the size that its row declares; otherwise it is damaged.
pub(crate) fn check_size(content: Content<'_>, size: u64) -> Result<(), MediaError> {
    match content.size_bytes {
        Some(registered) if registered != size => Err(MediaError::ContentDamaged(content.uri.to_owned())),
        _ => Ok(()),
    }
}
