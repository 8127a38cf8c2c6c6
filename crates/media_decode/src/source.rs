//! The bytes of a recording.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

/// A source that a recording is read from.
pub trait Source: Read + Seek + Send + Sync {
    /// Another handle on the same bytes, with its own position.
    ///
    /// # Errors
    /// When the source cannot be opened again.
    fn reopen(&self) -> io::Result<Box<dyn Source>>;

    /// The open file of the source, which another process can read; `None` for bytes in memory.
    fn file(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

impl Source for File {
    fn reopen(&self) -> io::Result<Box<dyn Source>> {
        Ok(Box::new(reopen_file(self)?))
    }

    fn file(&self) -> Option<BorrowedFd<'_>> {
        Some(self.as_fd())
    }
}

impl<T: AsRef<[u8]> + Clone + Send + Sync + 'static> Source for Cursor<T> {
    fn reopen(&self) -> io::Result<Box<dyn Source>> {
        Ok(Box::new(Cursor::new(self.get_ref().clone())))
    }
}

impl Source for Box<dyn Source> {
    fn reopen(&self) -> io::Result<Box<dyn Source>> {
        (**self).reopen()
    }

    fn file(&self) -> Option<BorrowedFd<'_>> {
        (**self).file()
    }
}

/// Opens the file of a handle again, even if it has been renamed or deleted.
///
/// # Errors
/// When the kernel refuses.
pub fn reopen_file(file: &impl AsFd) -> io::Result<File> {
    File::open(format!("/proc/self/fd/{}", file.as_fd().as_raw_fd()))
}
