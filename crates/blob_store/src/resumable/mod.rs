//! Uploads that continue after a broken connection, a restart, or in another process on the same store.
//!
//! The bytes of an upload are in the store before it is complete: in a directory as one file below `uploads/`, in an
//! object store as the parts of a multipart upload and, after the last whole part, as an object with the rest (the
//! *tail*). [`UploadProgress`] describes the stored bytes; the caller keeps it in a database row, and passes it to the next
//! process. Bytes that were stored after the progress was recorded are overwritten.
//!
//! The caller ensures that one process writes an upload at a time. In a directory a file lock ensures it, too. In an object
//! store, what a process writes that lost an upload without noticing does no harm: progress refers to parts by the store's
//! ids of their contents, and to tails by the hash of all bytes before their end.

mod complete;
mod digest;
mod file;
mod parts;
mod write;

pub use digest::ResumableDigest;
pub use write::ResumableUpload;

use std::io;
use std::path::{Path, PathBuf};

use object_store::path::Path as Key;

use crate::multipart::PART;
use crate::{BlobError, BlobStore};

/// Directory, and key prefix, of incomplete uploads.
pub(crate) const UPLOADS: &str = "uploads";
/// Maximum number of parts of an upload: less than the 10 000 of S3.
const MAX_PARTS: u64 = 9_000;
/// The size of parts is a multiple of this, in bytes.
const PART_UNIT: u64 = 1 << 20;

/// The durable state of a resumable upload: everything that another process needs to continue it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UploadProgress {
    /// Number of bytes that are stored.
    pub offset_bytes: u64,
    /// SHA-256 of these bytes.
    pub digest: ResumableDigest,
    /// Id of the multipart upload of an object store.
    pub multipart_id: Option<String>,
    /// Number of whole parts in the object store.
    pub parts: u32,
    /// Size of a whole part in bytes; 0 before the first write.
    pub part_bytes: u64,
    /// Name of the object with the bytes after the last whole part.
    pub tail: Option<String>,
}

/// A part in an object store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPart {
    /// Position of the part, from 0.
    pub index: u32,
    /// The store's id of its content.
    pub content_id: String,
}

/// Size of the parts of an upload of `length` bytes, in bytes.
fn part_bytes(length: u64) -> u64 {
    length.div_ceil(MAX_PARTS).next_multiple_of(PART_UNIT).max(PART as u64)
}

/// Key of the object that the parts of an upload become.
fn object_key(name: &str) -> Key {
    Key::from_iter([UPLOADS, name, "object"])
}

/// Key of a tail.
fn tail_key(name: &str, tail: &str) -> Key {
    Key::from_iter([UPLOADS, name, tail])
}

/// The error of a write after another has failed.
fn failed() -> BlobError {
    BlobError::Io(io::Error::other("an earlier write to this upload failed"))
}

impl BlobStore {
    /// Directory of the files of incomplete uploads, for stores without multipart uploads.
    fn uploads_directory(&self) -> PathBuf {
        let staging = self.staging();
        let base: &Path = self.root.as_deref().unwrap_or(&*staging);
        base.join(UPLOADS)
    }
}

#[cfg(test)]
mod tests;
