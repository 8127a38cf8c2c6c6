//! Writes the bytes of a resumable upload.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use object_store::multipart::MultipartStore;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt as _};
use tempfile::TempPath;
use tokio::sync::Semaphore;

use super::{StoredPart, UploadProgress, object_key, part_bytes, tail_key};
use crate::multipart::PART_TIMEOUT;
use crate::timeouts::{with_answer_timeout, with_timeout};
use crate::{BlobError, BlobStore};

/// Bytes of a file that are written before they are synced.
const SYNC_BYTES: u64 = 16 << 20;
/// Parts of this process that are in memory at the same time, while they are sent to the object store.
static PARTS_IN_MEMORY: Semaphore = Semaphore::const_new(8);

/// A resumable upload that this process writes. Bytes that were written and not stored are lost when it is dropped.
#[derive(Debug)]
pub struct ResumableUpload {
    target: Target,
    /// The local file that is written: the upload itself, or the current part. `None` after a failure.
    file: Option<File>,
    length: u64,
    stored: UploadProgress,
    new_parts: Vec<StoredPart>,
    /// Tails that later parts or tails replace.
    old_tails: Vec<String>,
    received: Received,
}

/// The bytes so far, stored or not.
#[derive(Clone, Debug)]
struct Received {
    digest: super::ResumableDigest,
    /// Number of bytes in `file` that are not synced, or that belong to the current part.
    in_chunk: u64,
}

#[derive(Debug)]
enum Target {
    /// The local file is the upload.
    File,
    /// The local file has the current part.
    Parts(PartsTarget),
}

struct PartsTarget {
    parts: Arc<dyn MultipartStore>,
    writes: Arc<dyn ObjectStore>,
    name: String,
    /// Key of the object, with the prefix of the store.
    object: Key,
    /// The name of the local file, which is unique, names tails; the file is removed on drop.
    part_file: TempPath,
}

impl std::fmt::Debug for PartsTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PartsTarget({})", self.object)
    }
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
        let mut stored = progress;
        let (target, file, in_chunk) = match &self.multipart_uploads {
            Some(uploads) => {
                let object = uploads.full_key(&object_key(name));
                if stored.multipart_id.is_none() {
                    stored.part_bytes = part_bytes(length);
                    let created = with_answer_timeout(uploads.store.create_multipart(&object)).await?;
                    stored.multipart_id = Some(created);
                }
                let tail = self.read_tail(name, &stored).await?;
                let in_chunk = tail.len() as u64;
                let (file, part_file) = self.staging_file().await?.into_parts();
                let file = write_all(file, tail).await?;
                let (parts, writes) = (uploads.store.clone(), self.writes.clone());
                let target = PartsTarget { parts, writes, name: name.to_owned(), object, part_file };
                (Target::Parts(target), file, in_chunk)
            }
            None => {
                let (directory, path) = (self.uploads_directory(), self.uploads_directory().join(name));
                let offset = stored.offset_bytes;
                let opened = tokio::task::spawn_blocking(move || open_file(&directory, &path, offset));
                (Target::File, opened.await.map_err(io::Error::other)??, 0)
            }
        };
        let received = Received { digest: stored.digest.clone(), in_chunk };
        let (new_parts, old_tails) = (Vec::new(), Vec::new());
        Ok(ResumableUpload { target, file: Some(file), length, stored, new_parts, old_tails, received })
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

impl ResumableUpload {
    /// Number of bytes so far, stored or not.
    #[must_use]
    pub const fn received_bytes(&self) -> u64 {
        self.received.digest.length_bytes()
    }

    /// What is stored: a process that continues after it loses the other bytes only.
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
    /// [`BlobError::Io`] or [`BlobError::Store`]; the upload can then be resumed after what is stored.
    pub async fn write(&mut self, mut piece: Bytes) -> Result<(), BlobError> {
        while !piece.is_empty() {
            let room = usize::try_from(self.chunk_bytes() - self.received.in_chunk).unwrap_or(usize::MAX);
            let next = piece.split_to(piece.len().min(room));
            self.append(next).await?;
            if self.received.in_chunk == self.chunk_bytes() {
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
        match &self.target {
            Target::Parts(_) if self.received_bytes() < self.length => self.store_tail().await,
            Target::File | Target::Parts(_) => self.store_chunk().await,
        }
    }

    /// Removes what the recorded progress no longer refers to. Call it after the progress was recorded.
    pub async fn remove_old_tails(&mut self) {
        let Target::Parts(target) = &self.target else { return };
        for tail in self.old_tails.drain(..) {
            let key = tail_key(&target.name, &tail);
            if let Err(error) = with_answer_timeout(target.writes.delete(&key)).await {
                tracing::warn!(%error, %key, "could not remove a replaced part of an upload");
            }
        }
    }

    fn chunk_bytes(&self) -> u64 {
        match self.target {
            Target::File => SYNC_BYTES,
            Target::Parts(_) => self.stored.part_bytes,
        }
    }

    async fn append(&mut self, piece: Bytes) -> Result<(), BlobError> {
        let mut file = self.take_file()?;
        let mut digest = std::mem::take(&mut self.received.digest);
        let length = piece.len() as u64;
        let written = tokio::task::spawn_blocking(move || {
            digest.update(&piece);
            file.write_all(&piece).map(|()| (file, digest))
        });
        let (file, digest) = written.await.map_err(io::Error::other)??;
        (self.file, self.received.digest) = (Some(file), digest);
        self.received.in_chunk += length;
        Ok(())
    }

    /// Syncs the file, or stores the current part.
    async fn store_chunk(&mut self) -> Result<(), BlobError> {
        let file = self.take_file()?;
        match &self.target {
            Target::File => {
                let synced = tokio::task::spawn_blocking(move || file.sync_data().map(|()| file));
                self.file = Some(synced.await.map_err(io::Error::other)??);
            }
            Target::Parts(target) => {
                let (file, content_id) = target.put_part(file, &self.stored).await?;
                self.new_parts.push(StoredPart { index: self.stored.parts, content_id });
                self.stored.parts += 1;
                self.old_tails.extend(self.stored.tail.take());
                self.file = Some(empty(file).await?);
            }
        }
        self.received.in_chunk = 0;
        self.mark_stored();
        Ok(())
    }

    /// Stores the incomplete part as an object.
    async fn store_tail(&mut self) -> Result<(), BlobError> {
        let file = self.take_file()?;
        let Target::Parts(target) = &self.target else { return Ok(()) };
        let tail = target.tail_name(self.received_bytes());
        self.file = Some(target.put_tail(file, &tail).await?);
        self.old_tails.extend(self.stored.tail.replace(tail));
        self.mark_stored();
        Ok(())
    }

    fn mark_stored(&mut self) {
        self.stored.offset_bytes = self.received_bytes();
        self.stored.digest = self.received.digest.clone();
    }

    fn take_file(&mut self) -> Result<File, BlobError> {
        let failed = || BlobError::Io(io::Error::other("an earlier write to this upload failed"));
        self.file.take().ok_or_else(failed)
    }
}

impl PartsTarget {
    /// Sends the current part; returns the store's id of its content.
    async fn put_part(&self, file: File, stored: &UploadProgress) -> Result<(File, String), BlobError> {
        let Some(multipart_id) = &stored.multipart_id else {
            return Err(BlobError::UploadLost(self.name.clone()));
        };
        // The semaphore is never closed.
        let _memory = PARTS_IN_MEMORY.acquire().await.ok();
        let (file, bytes) = read_all(file).await?;
        let sent = self.parts.put_part(&self.object, multipart_id, stored.parts as usize, bytes.into());
        let part = with_timeout(PART_TIMEOUT, sent).await?;
        Ok((file, part.content_id))
    }

    /// A name that no other tail of this upload has.
    fn tail_name(&self, offset_bytes: u64) -> String {
        let unique = self.part_file.file_name().and_then(|name| name.to_str()).unwrap_or("blob");
        format!("tail-{offset_bytes}-{unique}")
    }

    async fn put_tail(&self, file: File, tail: &str) -> Result<File, BlobError> {
        let _memory = PARTS_IN_MEMORY.acquire().await.ok();
        let (file, bytes) = read_all(file).await?;
        let key = tail_key(&self.name, tail);
        with_timeout(PART_TIMEOUT, self.writes.put(&key, bytes.into())).await?;
        Ok(file)
    }
}

/// Opens the file of an upload at `offset`, locked against other processes. Blocks.
fn open_file(directory: &Path, path: &Path, offset: u64) -> Result<File, BlobError> {
    let is_new = offset == 0;
    if is_new {
        std::fs::create_dir_all(directory)?;
    }
    let name = || path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let opened = File::options().read(true).write(true).create(is_new).truncate(false).open(path);
    let mut file = match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(BlobError::UploadLost(name())),
        opened => opened?,
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(BlobError::UploadBusy(name())),
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    if file.metadata()?.len() < offset {
        return Err(BlobError::UploadLost(name()));
    }
    file.set_len(offset)?;
    file.seek(SeekFrom::Start(offset))?;
    if is_new {
        // The name survives a crash, too.
        File::open(directory)?.sync_all()?;
    }
    Ok(file)
}

async fn write_all(mut file: File, bytes: Bytes) -> Result<File, BlobError> {
    let written = tokio::task::spawn_blocking(move || file.write_all(&bytes).map(|()| file));
    Ok(written.await.map_err(io::Error::other)??)
}

/// All bytes of the file; its position is then at its end.
async fn read_all(mut file: File) -> Result<(File, Bytes), BlobError> {
    let read = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        file.rewind()?;
        file.read_to_end(&mut bytes)?;
        Ok::<_, io::Error>((file, Bytes::from(bytes)))
    });
    Ok(read.await.map_err(io::Error::other)??)
}

async fn empty(mut file: File) -> Result<File, BlobError> {
    let emptied = tokio::task::spawn_blocking(move || {
        file.set_len(0)?;
        file.rewind()?;
        Ok::<_, io::Error>(file)
    });
    Ok(emptied.await.map_err(io::Error::other)??)
}
