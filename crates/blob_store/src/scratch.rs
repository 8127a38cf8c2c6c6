use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};
use tempfile::{NamedTempFile, TempDir, TempPath};

use crate::{BlobError, BlobId, BlobStore, StoredBlob};

/// A local file that another program writes and that becomes a blob once complete. It is removed if dropped before
/// [`ScratchFile::store`].
#[derive(Debug)]
pub struct ScratchFile {
    store: BlobStore,
    path: TempPath,
}

/// A local directory for intermediate files. It is removed with all its files when dropped.
#[derive(Debug)]
pub struct ScratchDirectory(TempDir);

impl ScratchDirectory {
    /// The path of the directory, in the staging directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl BlobStore {
    /// Creates an empty local directory for intermediate files.
    ///
    /// # Errors
    /// [`BlobError::Io`] when it cannot be created.
    pub async fn scratch_directory(&self) -> Result<ScratchDirectory, BlobError> {
        let staging = self.staging();
        let made = tokio::task::spawn_blocking(move || {
            tempfile::Builder::new().prefix("scratch-").tempdir_in(staging)
        });
        Ok(ScratchDirectory(made.await.map_err(io::Error::other)??))
    }

    /// Number of bytes that scratch files and uploads can use on the disk of the staging directory.
    ///
    /// # Errors
    /// [`BlobError::Io`] when the file system does not tell.
    pub async fn free_scratch_bytes(&self) -> Result<u64, BlobError> {
        let staging = self.staging();
        let asked = tokio::task::spawn_blocking(move || rustix::fs::statvfs(&*staging));
        let found = asked.await.map_err(io::Error::other)?.map_err(io::Error::from)?;
        Ok(found.f_bavail.saturating_mul(found.f_frsize))
    }

    /// Creates an empty local file for another program to write into.
    ///
    /// # Errors
    /// [`BlobError::Io`] when it cannot be created.
    pub async fn scratch(&self) -> Result<ScratchFile, BlobError> {
        Ok(ScratchFile::new(self.clone(), self.staging_file().await?))
    }
}

impl ScratchFile {
    pub(crate) fn new(store: BlobStore, file: NamedTempFile) -> Self {
        Self { store, path: file.into_temp_path() }
    }

    /// The path of the file, in the staging directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Hashes the file, syncs it and moves it to its final path, without copying any bytes.
    ///
    /// # Errors
    /// [`BlobError::Io`] or [`BlobError::Store`]; the file is removed in either case.
    pub async fn store(self) -> Result<StoredBlob, BlobError> {
        let Self { store, path } = self;
        let hashed = tokio::task::spawn_blocking(move || {
            let blob = digest(&path)?;
            Ok::<_, io::Error>((path, blob))
        });
        let (path, blob) = hashed.await.map_err(io::Error::other)??;
        store.commit(path, blob.id).await?;
        Ok(blob)
    }
}

fn digest(path: &Path) -> io::Result<StoredBlob> {
    let mut file = File::open(path)?;
    let (mut digest, mut size_bytes, mut piece) = (Sha256::new(), 0, vec![0; 256 << 10]);
    loop {
        match file.read(&mut piece)? {
            0 => break,
            count => {
                digest.update(&piece[..count]);
                size_bytes += count as u64;
            }
        }
    }
    file.sync_all()?;
    Ok(StoredBlob { id: BlobId::from_sha256(digest.finalize().into()), size_bytes })
}
