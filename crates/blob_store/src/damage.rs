//! Blobs whose bytes do not match their id.

use std::time::SystemTime;

use futures::TryStreamExt;
use object_store::path::Path as Key;
use object_store::{ObjectMeta, ObjectStoreExt};
use sha2::{Digest, Sha256};

use crate::store::{key, with_id};
use crate::timeouts::with_answer_timeout;
use crate::{BlobError, BlobId, BlobStore};

/// A stored blob whose bytes do not match its id.
#[derive(Clone, Debug)]
pub struct DamagedBlob {
    id: BlobId,
    version: Version,
}

/// Version of the bytes under a key: differs between a file and its replacement, and between versions of an object.
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
    /// Hashes the blob; returns the damaged version when the digest does not match its id, also when its size has
    /// changed since it was stored.
    ///
    /// # Errors
    /// [`BlobError::NotFound`], [`BlobError::Store`], or [`BlobError::Io`] when the thread that hashes fails.
    pub async fn find_damage(&self, id: BlobId) -> Result<Option<DamagedBlob>, BlobError> {
        let found =
            with_answer_timeout(self.store.get(&key(id))).await.map_err(|error| with_id(id, error))?;
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

    /// Moves a damaged blob to `damaged/`: reads then return [`BlobError::NotFound`] until the same bytes are uploaded
    /// again. False when the damaged version is no longer there because an upload of the same bytes has replaced it. In
    /// a directory no upload happens between the check and the move; an object store has no such lock.
    ///
    /// # Errors
    /// [`BlobError::Io`] or [`BlobError::Store`]; [`BlobError::NotFound`] when the blob is removed between the check
    /// and the move.
    pub async fn set_aside(&self, damaged: &DamagedBlob) -> Result<bool, BlobError> {
        let id = damaged.id;
        let _alone = self.lock_exclusive().await?;
        match with_answer_timeout(self.store.head(&key(id))).await {
            Ok(meta) if Version::of(&meta) == damaged.version => {}
            Ok(_) | Err(object_store::Error::NotFound { .. }) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        self.writes.rename(&key(id), &set_aside_key(id)).await.map_err(|error| with_id(id, error))?;
        Ok(true)
    }

    /// Removes the damaged copy of a blob that [`BlobStore::set_aside`] moved, if there is one.
    ///
    /// # Errors
    /// [`BlobError::Store`].
    pub async fn remove_damaged(&self, id: BlobId) -> Result<(), BlobError> {
        match with_answer_timeout(self.writes.delete(&set_aside_key(id))).await {
            Err(error) if !matches!(error, object_store::Error::NotFound { .. }) => Err(error.into()),
            _ => Ok(()),
        }
    }
}

/// Where a damaged blob is moved.
fn set_aside_key(id: BlobId) -> Key {
    Key::from_iter(["damaged", &id.to_hex()])
}
