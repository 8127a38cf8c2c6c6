//! Blobs whose bytes are not those of their name.

use std::time::SystemTime;

use futures::TryStreamExt;
use object_store::path::Path as Key;
use object_store::{ObjectMeta, ObjectStoreExt};
use sha2::{Digest, Sha256};

use crate::store::{in_time, key, named};
use crate::{BlobError, BlobId, BlobStore};

/// Bytes of a blob that are not those of its name.
#[derive(Clone, Debug)]
pub struct DamagedBlob {
    id: BlobId,
    version: Version,
}

/// Version of the bytes under a name: differs between a file and its replacement, and between versions of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Version {
    e_tag: Option<String>,
    modified: SystemTime,
    size: u64,
}

impl Version {
    fn of(meta: &ObjectMeta) -> Self {
        Self { e_tag: meta.e_tag.clone(), modified: meta.last_modified.into(), size: meta.size }
    }
}

impl BlobStore {
    /// Hashes the blob: is it what its name says?
    ///
    /// # Errors
    /// [`BlobError::NotFound`] or the store's. One of another size than when it was kept is `false`.
    pub async fn is_intact(&self, id: BlobId) -> Result<bool, BlobError> {
        Ok(self.find_damage(id).await?.is_none())
    }

    /// Hashes the blob: those bytes that are not what its name says.
    ///
    /// # Errors
    /// Those of [`BlobStore::is_intact`].
    pub async fn find_damage(&self, id: BlobId) -> Result<Option<DamagedBlob>, BlobError> {
        let found = in_time(self.store.get(&key(id))).await.map_err(|error| named(id, error))?;
        let version = Version::of(&found.meta);
        let mut pieces = found.into_stream();
        let mut digest = Sha256::new();
        while let Some(piece) = pieces.try_next().await? {
            digest = tokio::task::spawn_blocking(move || digest.chain_update(&piece))
                .await
                .map_err(std::io::Error::other)?;
        }
        let is_intact = BlobId::from_sha256(digest.finalize().into()) == id;
        Ok((!is_intact).then_some(DamagedBlob { id, version }))
    }

    /// Moves a damaged blob to `damaged/`: reads then answer that it is missing, until the same bytes come again. False
    /// when what was found damaged is no longer there: an upload of the same bytes has replaced it. In a directory no
    /// upload comes between the look and the move; an object store knows no such lock.
    ///
    /// # Errors
    /// [`BlobError::Io`] or [`BlobError::Store`].
    pub async fn set_aside(&self, damaged: &DamagedBlob) -> Result<bool, BlobError> {
        let id = damaged.id;
        let _alone = self.lock_alone().await?;
        match in_time(self.store.head(&key(id))).await {
            Ok(meta) if Version::of(&meta) == damaged.version => {}
            Ok(_) | Err(object_store::Error::NotFound { .. }) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        let aside = Key::from_iter(["damaged", &id.to_hex()]);
        self.writes.rename(&key(id), &aside).await.map_err(|error| named(id, error))?;
        Ok(true)
    }
}
