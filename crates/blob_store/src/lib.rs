//! Content-addressed storage of bytes by their SHA-256.
//!
//! A blob is written once and never changes: the same bytes have the same [`BlobId`], are stored once, and can be
//! cached for ever. Writing goes through a staging file on local disk, hashed as it is written; only a complete, synced
//! file is moved to its final path, so an interrupted upload leaves nothing visible. One URL declares the storage: a
//! directory (`file://`) or an object store (`s3://`, `gs://`, `az://`). Blobs that no row refers to are removed by
//! [`BlobStore::remove_written_before`].
//!
//! [`ResumableUpload`] is for bytes that arrive in several requests, possibly to several processes.

mod collect;
mod damage;
mod id;
mod multipart;
mod reader;
mod remote;
mod resumable;
mod scratch;
mod size_attribute;
mod store;
mod timeouts;
mod writer;

pub use collect::ListedBlob;
pub use damage::DamagedBlob;
pub use id::{BlobId, InvalidBlobUri};
pub use reader::LocalBlob;
pub use remote::open_bucket;
pub use resumable::{ResumableDigest, ResumableUpload, StoredPart, UploadProgress};
pub use scratch::{ScratchDirectory, ScratchFile};
pub use store::BlobStore;
pub use writer::{BlobWriter, StoredBlob};

/// Why bytes could not be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The storage URL cannot be used.
    #[error("storage URL {url}: {reason}; expected file:///directory, s3://bucket/prefix, gs://… or az://…")]
    InvalidUrl {
        /// The URL, without credentials.
        url: String,
        /// Why it cannot be used.
        reason: String,
    },
    /// No blob has this id.
    #[error("no blob {0}")]
    NotFound(BlobId),
    /// The size of the blob differs from its size when it was stored.
    #[error("blob {0} is damaged: it has another size than when it was kept")]
    Damaged(BlobId),
    /// The blob is larger than the caller allows.
    #[error("blob {id} has {size} bytes, more than the {limit} allowed here")]
    TooLarge {
        /// The id of the blob.
        id: BlobId,
        /// Size of the blob in bytes.
        size: u64,
        /// The caller's limit in bytes.
        limit: u64,
    },
    /// Another request writes the resumable upload.
    #[error("upload {0} is written by another request")]
    UploadBusy(String),
    /// Stored bytes of the resumable upload are missing.
    #[error("stored bytes of upload {0} are missing")]
    UploadLost(String),
    /// An operation of the object store failed.
    #[error("the blob store failed")]
    Store(#[from] object_store::Error),
    /// An operation on a local file failed.
    #[error("the blob store's staging failed")]
    Io(#[from] std::io::Error),
}
