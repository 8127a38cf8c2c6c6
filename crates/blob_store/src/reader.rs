use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use crate::BlobError;

/// A blob as a local file: blocking reads and seeks, for decoders on worker threads.
#[derive(Debug)]
pub struct LocalBlob {
    file: File,
    size_bytes: u64,
    path: PathBuf,
    /// A temporary copy of a remote blob, removed on drop.
    _copy: Option<TempPath>,
}

impl LocalBlob {
    pub(crate) fn new(file: File, path: PathBuf, copy: Option<TempPath>) -> Result<Self, BlobError> {
        let size_bytes = file.metadata()?.len();
        Ok(Self { file, size_bytes, path, _copy: copy })
    }

    /// Size of the blob in bytes.
    #[must_use]
    pub const fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// The path of the file, valid as long as this handle lives: for programs that need a path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl AsFd for LocalBlob {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Read for LocalBlob {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Seek for LocalBlob {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.file.seek(position)
    }
}
