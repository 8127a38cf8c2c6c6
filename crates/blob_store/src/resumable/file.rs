//! The file of a resumable upload, in a directory.

use std::fs::{File, TryLockError};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::ResumableDigest;
use crate::BlobError;

/// The file of an upload, locked against other writers. It is unusable after an error.
#[derive(Debug)]
pub(super) struct UploadFile(Option<File>);

impl UploadFile {
    /// Opens the file `name` of `directory` at `offset`, and removes the bytes after it; creates it at the offset 0.
    ///
    /// # Errors
    /// [`BlobError::UploadBusy`] when another process has it open, [`BlobError::UploadLost`] when it has fewer bytes;
    /// [`BlobError::Io`].
    pub(super) async fn open(directory: PathBuf, name: &str, offset: u64) -> Result<Self, BlobError> {
        let name = name.to_owned();
        let opened = tokio::task::spawn_blocking(move || open_at(&directory, name, offset));
        Ok(Self(Some(opened.await.map_err(io::Error::other)??)))
    }

    /// Appends bytes, also to `digest`, which is returned.
    pub(super) async fn append(
        &mut self,
        piece: Bytes,
        mut digest: ResumableDigest,
    ) -> Result<ResumableDigest, BlobError> {
        let mut file = self.0.take().ok_or_else(super::failed)?;
        let written = tokio::task::spawn_blocking(move || {
            digest.update(&piece);
            file.write_all(&piece).map(|()| (file, digest))
        });
        let (file, digest) = written.await.map_err(io::Error::other)??;
        self.0 = Some(file);
        Ok(digest)
    }

    /// Makes the bytes so far survive a crash.
    pub(super) async fn sync(&mut self) -> Result<(), BlobError> {
        let file = self.0.take().ok_or_else(super::failed)?;
        let synced = tokio::task::spawn_blocking(move || file.sync_data().map(|()| file));
        self.0 = Some(synced.await.map_err(io::Error::other)??);
        Ok(())
    }
}

fn open_at(directory: &Path, name: String, offset: u64) -> Result<File, BlobError> {
    let is_new = offset == 0;
    if is_new {
        std::fs::create_dir_all(directory)?;
    }
    let path = directory.join(&name);
    let opened = File::options().read(true).write(true).create(is_new).truncate(false).open(path);
    let mut file = match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(BlobError::UploadLost(name)),
        opened => opened?,
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(BlobError::UploadBusy(name)),
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    if file.metadata()?.len() < offset {
        return Err(BlobError::UploadLost(name));
    }
    file.set_len(offset)?;
    file.seek(SeekFrom::Start(offset))?;
    if is_new {
        // The name survives a crash, too.
        File::open(directory)?.sync_all()?;
    }
    Ok(file)
}
