use std::io::Write;
use std::path::Path;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use tokio::io::AsyncReadExt;

use crate::{BlobError, BlobId, BlobStore};

/// A blob that is being written. Dropped before [`BlobWriter::finish`], it leaves no file.
///
/// # Examples
///
/// ```
/// use blob_store::{BlobError, BlobStore};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), BlobError> {
/// let directory = tempfile::tempdir()?;
/// let store = BlobStore::open_directory(directory.path())?;
/// let mut writer = store.writer().await?;
/// writer.write("hark ".into()).await?;
/// writer.write("back".into()).await?;
/// let id = writer.id()?;
/// // Nothing can be read before the end.
/// assert!(matches!(store.size(id).await, Err(BlobError::NotFound(_))));
///
/// let stored = writer.finish().await?;
/// assert_eq!((stored.id, stored.size_bytes), (id, 9));
/// assert_eq!(store.size(id).await?, 9);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct BlobWriter {
    store: BlobStore,
    staged: Option<Staged>,
}

#[derive(Debug)]
struct Staged {
    file: NamedTempFile,
    digest: Sha256,
    size_bytes: u64,
}

/// A blob that was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredBlob {
    /// SHA-256 of the bytes: their name in the store.
    pub id: BlobId,
    /// Size of the blob in bytes.
    pub size_bytes: u64,
}

impl BlobStore {
    /// Creates a writer for bytes that arrive in pieces.
    ///
    /// # Errors
    /// [`BlobError::Io`] when the staging file cannot be created.
    pub async fn writer(&self) -> Result<BlobWriter, BlobError> {
        Ok(BlobWriter::new(self.clone(), self.staging_file().await?))
    }

    /// Stores `bytes`.
    ///
    /// # Errors
    /// [`BlobError::Io`] or [`BlobError::Store`].
    pub async fn put(&self, bytes: Bytes) -> Result<StoredBlob, BlobError> {
        let mut writer = self.writer().await?;
        writer.write(bytes).await?;
        writer.finish().await
    }

    /// Stores a copy of the local file `path`.
    ///
    /// # Errors
    /// [`BlobError::Io`] or [`BlobError::Store`].
    pub async fn put_file(&self, path: &Path) -> Result<StoredBlob, BlobError> {
        let mut file = tokio::fs::File::open(path).await?;
        let mut writer = self.writer().await?;
        loop {
            let mut piece = Vec::with_capacity(1 << 18);
            if file.read_buf(&mut piece).await? == 0 {
                return writer.finish().await;
            }
            writer.write(piece.into()).await?;
        }
    }
}

impl BlobWriter {
    fn new(store: BlobStore, file: NamedTempFile) -> Self {
        Self { store, staged: Some(Staged { file, digest: Sha256::new(), size_bytes: 0 }) }
    }

    /// Number of bytes written so far.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.staged.as_ref().map_or(0, |staged| staged.size_bytes)
    }

    /// Appends `bytes` and updates the digest.
    ///
    /// # Errors
    /// [`BlobError::Io`], for example when the disk is full; the writer is then unusable.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), BlobError> {
        let mut staged = self.take()?;
        let staged = tokio::task::spawn_blocking(move || {
            staged.digest.update(&bytes);
            staged.size_bytes += bytes.len() as u64;
            staged.file.write_all(&bytes).map(|()| staged)
        });
        self.staged = Some(staged.await.map_err(std::io::Error::other)??);
        Ok(())
    }

    /// The path of the local file with the bytes so far, for inspection before they are stored (probing an upload).
    ///
    /// # Errors
    /// [`BlobError::Io`] after a failed write.
    pub fn staged_path(&self) -> Result<&Path, BlobError> {
        self.staged.as_ref().map(|staged| staged.file.path()).ok_or_else(broken)
    }

    /// The id of a blob with the bytes so far.
    ///
    /// # Errors
    /// [`BlobError::Io`] after a failed write.
    pub fn id(&self) -> Result<BlobId, BlobError> {
        let staged = self.staged.as_ref().ok_or_else(broken)?;
        Ok(BlobId::from_sha256(staged.digest.clone().finalize().into()))
    }

    /// Syncs the file and moves it to its final path. Identical bytes are stored once.
    ///
    /// # Errors
    /// [`BlobError::Io`] or [`BlobError::Store`]; no file remains in either case.
    pub async fn finish(mut self) -> Result<StoredBlob, BlobError> {
        let Staged { file, digest, size_bytes } = self.take()?;
        let id = BlobId::from_sha256(digest.finalize().into());
        let path = tokio::task::spawn_blocking(move || {
            file.as_file().sync_all()?;
            Ok::<_, std::io::Error>(file.into_temp_path())
        });
        self.store.commit(path.await.map_err(std::io::Error::other)??, id).await?;
        Ok(StoredBlob { id, size_bytes })
    }

    fn take(&mut self) -> Result<Staged, BlobError> {
        self.staged.take().ok_or_else(broken)
    }
}

fn broken() -> BlobError {
    BlobError::Io(std::io::Error::other("an earlier write to this blob failed"))
}
