//! Writes the bytes of a resumable upload.

use bytes::Bytes;
use object_store::ObjectStoreExt as _;

use super::file::UploadFile;
use super::parts::PartWriter;
use super::{ResumableDigest, StoredPart, UploadProgress, object_key, part_bytes, tail_key};
use crate::multipart::{MultipartUploads, PART_TIMEOUT};
use crate::timeouts::{with_answer_timeout, with_timeout};
use crate::{BlobError, BlobStore};

/// Bytes of a file that are written before they are synced.
const SYNC_BYTES: u64 = 16 << 20;

/// A resumable upload that this process writes. Bytes that were written and not stored are lost when it is dropped.
#[derive(Debug)]
pub struct ResumableUpload {
    sink: Sink,
    length: u64,
    stored: UploadProgress,
    new_parts: Vec<StoredPart>,
    /// Tails that later parts or tails replace.
    old_tails: Vec<String>,
    /// SHA-256 of the bytes so far, stored or not.
    digest: ResumableDigest,
    /// Number of bytes that are not synced, or that belong to the current part.
    in_chunk: u64,
}

/// Where the bytes go.
#[derive(Debug)]
enum Sink {
    File(UploadFile),
    Parts(PartWriter),
}

impl BlobStore {
    /// Continues the upload `name` of `length` bytes after `progress`, or begins it. `name` is a plain file name that no
    /// other upload has. The progress of the result may have a new multipart upload, to be recorded before bytes are
    /// written.
    ///
    /// # Errors
    /// [`BlobError::UploadBusy`] when a process on the same directory still writes it; [`BlobError::UploadLost`] when
    /// stored bytes are missing; [`BlobError::Io`] or [`BlobError::Store`].
    pub async fn resume_upload(
        &self,
        name: &str,
        length: u64,
        progress: UploadProgress,
    ) -> Result<ResumableUpload, BlobError> {
        let (mut stored, mut in_chunk) = (progress, 0);
        let sink = match &self.multipart_uploads {
            Some(uploads) => {
                begin_multipart(uploads, name, length, &mut stored).await?;
                let tail = self.read_tail(name, &stored).await?;
                in_chunk = tail.len() as u64;
                let largest_part = stored.part_bytes.min(length);
                Sink::Parts(PartWriter::new(self, uploads, name, largest_part, tail).await?)
            }
            None => Sink::File(UploadFile::open(self.uploads_directory(), name, stored.offset_bytes).await?),
        };
        let digest = stored.digest.clone();
        let (new_parts, old_tails) = (Vec::new(), Vec::new());
        Ok(ResumableUpload { sink, length, stored, new_parts, old_tails, digest, in_chunk })
    }

    /// The bytes after the last whole part.
    async fn read_tail(&self, name: &str, stored: &UploadProgress) -> Result<Bytes, BlobError> {
        let expected = stored.offset_bytes.saturating_sub(u64::from(stored.parts) * stored.part_bytes);
        let lost = || BlobError::UploadLost(name.to_owned());
        let bytes = match &stored.tail {
            None => Bytes::new(),
            Some(tail) => {
                let key = tail_key(name, tail);
                let read = with_timeout(PART_TIMEOUT, async { self.store.get(&key).await?.bytes().await });
                match read.await {
                    Err(object_store::Error::NotFound { .. }) => return Err(lost()),
                    read => read?,
                }
            }
        };
        if bytes.len() as u64 == expected { Ok(bytes) } else { Err(lost()) }
    }
}

/// Creates the multipart upload, unless there is one.
async fn begin_multipart(
    uploads: &MultipartUploads,
    name: &str,
    length: u64,
    stored: &mut UploadProgress,
) -> Result<(), BlobError> {
    if stored.multipart_id.is_none() {
        let object = uploads.full_key(&object_key(name));
        stored.multipart_id = Some(with_answer_timeout(uploads.store.create_multipart(&object)).await?);
        stored.part_bytes = part_bytes(length);
    }
    Ok(())
}

impl ResumableUpload {
    /// Number of bytes so far, stored or not.
    #[must_use]
    pub const fn received_bytes(&self) -> u64 {
        self.digest.length_bytes()
    }

    /// The stored bytes: a process that continues after them loses the others only.
    #[must_use]
    pub const fn stored(&self) -> &UploadProgress {
        &self.stored
    }

    /// The parts that were stored since the last call; the caller keeps them with the progress.
    #[must_use]
    pub fn take_new_parts(&mut self) -> Vec<StoredPart> {
        std::mem::take(&mut self.new_parts)
    }

    /// Appends bytes, at most up to the length of the upload. From time to time this stores the bytes so far.
    ///
    /// # Errors
    /// [`BlobError::Io`] or [`BlobError::Store`]; the upload can then be resumed after the stored bytes.
    pub async fn write(&mut self, mut piece: Bytes) -> Result<(), BlobError> {
        while !piece.is_empty() {
            let room = usize::try_from(self.chunk_bytes() - self.in_chunk).unwrap_or(usize::MAX);
            let next = piece.split_to(piece.len().min(room));
            self.append(next).await?;
            if self.in_chunk == self.chunk_bytes() {
                self.store_chunk().await?;
            }
        }
        Ok(())
    }

    /// Stores all bytes so far.
    ///
    /// # Errors
    /// [`BlobError::Io`] or [`BlobError::Store`].
    pub async fn store_all(&mut self) -> Result<(), BlobError> {
        if self.received_bytes() == self.stored.offset_bytes {
            return Ok(());
        }
        let is_last = self.received_bytes() == self.length;
        match &mut self.sink {
            Sink::Parts(parts) if !is_last => {
                let tail = tail_name(&self.digest);
                parts.put_tail(&tail).await?;
                self.old_tails.extend(self.stored.tail.replace(tail));
                self.mark_stored();
                Ok(())
            }
            Sink::Parts(_) | Sink::File(_) => self.store_chunk().await,
        }
    }

    /// Removes what the recorded progress no longer refers to. Call it after the progress was recorded.
    pub async fn remove_old_tails(&mut self) {
        let Sink::Parts(parts) = &self.sink else { return };
        for tail in self.old_tails.drain(..) {
            parts.remove_tail(&tail).await;
        }
    }

    fn chunk_bytes(&self) -> u64 {
        match self.sink {
            Sink::File(_) => SYNC_BYTES,
            Sink::Parts(_) => self.stored.part_bytes,
        }
    }

    async fn append(&mut self, piece: Bytes) -> Result<(), BlobError> {
        let length = piece.len() as u64;
        let digest = self.digest.clone();
        self.digest = match &mut self.sink {
            Sink::File(file) => file.append(piece, digest).await?,
            Sink::Parts(parts) => parts.append(piece, digest).await?,
        };
        self.in_chunk += length;
        Ok(())
    }

    /// Syncs the file, or stores the current part.
    async fn store_chunk(&mut self) -> Result<(), BlobError> {
        match &mut self.sink {
            Sink::File(file) => file.sync().await?,
            Sink::Parts(parts) => {
                let content_id = parts.put_part(&self.stored).await?;
                self.new_parts.push(StoredPart { index: self.stored.parts, content_id });
                self.stored.parts += 1;
                self.old_tails.extend(self.stored.tail.take());
            }
        }
        self.in_chunk = 0;
        self.mark_stored();
        Ok(())
    }

    fn mark_stored(&mut self) {
        self.stored.offset_bytes = self.received_bytes();
        self.stored.digest = self.digest.clone();
    }
}

/// The name of the object with the bytes after the last whole part. All bytes so far determine it: two processes that write
/// the same name write the same bytes.
fn tail_name(digest: &ResumableDigest) -> String {
    let hash = digest.clone().finish().to_hex();
    format!("tail-{}-{}", digest.length_bytes(), &hash[..16])
}
