use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::prefix::PrefixStore;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt, WriteMultipart};
use tempfile::{NamedTempFile, TempPath};
use tokio::io::AsyncReadExt;
use url::Url;

use crate::multipart::{MultipartUploads, PART, PART_TIMEOUT, RECORD_PREFIX};
use crate::remote::{self, Remote};
use crate::resumable::UPLOADS;
use crate::size_attribute;
use crate::timeouts::{with_answer_timeout, with_timeout};
use crate::{BlobError, BlobId, LocalBlob};

/// Staging files older than this belong to a process that has died.
const STALE: Duration = Duration::from_secs(24 * 3600);
/// Key prefix of all blobs.
pub(crate) const PREFIX: &str = "sha256";
/// Key prefix of the objects that [`BlobStore::check`] writes.
const CHECK: &str = "check";
/// A handle to the blob storage. Cheap to clone.
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
/// let first = store.put("hark back".into()).await?;
/// let again = store.put("hark back".into()).await?;
/// assert_eq!(first, again, "the same bytes have the same id and are stored once");
/// assert_eq!(store.get(first.id, 100).await?, "hark back");
/// assert!(matches!(store.get(first.id, 8).await, Err(BlobError::TooLarge { size: 9, .. })));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct BlobStore {
    pub(crate) store: Arc<dyn ObjectStore>,
    /// The same store for uploads and copies, which have other timeouts.
    pub(crate) writes: Arc<dyn ObjectStore>,
    /// The directory behind `store`, if it is one: files are moved there, not copied.
    pub(crate) root: Option<Arc<Path>>,
    staging: Arc<Path>,
    /// Multipart uploads; `None` where the store has none that can be aborted later.
    pub(crate) multipart_uploads: Option<MultipartUploads>,
}

impl BlobStore {
    /// Opens the store at `url`; creates its directory for a `file://` URL.
    ///
    /// `options` are credentials and settings of the object store (`aws_access_key_id`, …; names as in the
    /// `object_store` crate). `staging` is a local directory for incoming files; for `file://` it is `<root>/staging`,
    /// so that moving a file is atomic.
    ///
    /// # Errors
    /// [`BlobError::InvalidUrl`] for a URL that cannot be used, [`BlobError::Io`] when a directory cannot be created.
    pub fn open(
        url: &Url,
        options: impl IntoIterator<Item = (String, String)>,
        staging: &Path,
    ) -> Result<Self, BlobError> {
        let url = without_credentials(url);
        let invalid = |reason: String| BlobError::InvalidUrl { url: url.to_string(), reason };
        if url.scheme() == "file" {
            let root = url.to_file_path().map_err(|()| invalid("not an absolute path".to_owned()))?;
            return Self::open_directory(&root);
        }
        let opened = remote::open(&url, options).map_err(|error| invalid(error.to_string()))?;
        let Remote { reads, writes, parts, prefix } = opened;
        std::fs::create_dir_all(staging)?;
        sweep(staging);
        let staging: Arc<Path> = staging.into();
        Ok(Self {
            multipart_uploads: parts
                .map(|parts| MultipartUploads::new(parts, prefix.clone(), staging.clone())),
            store: Arc::new(PrefixStore::new(reads, prefix.clone())),
            writes: Arc::new(PrefixStore::new(writes, prefix)),
            root: None,
            staging,
        })
    }

    /// Opens the store in a local directory, which is created if missing.
    ///
    /// # Errors
    /// [`BlobError::Io`] when the directory cannot be created.
    pub fn open_directory(root: &Path) -> Result<Self, BlobError> {
        let staging = root.join("staging");
        std::fs::create_dir_all(&staging)?;
        sweep(&staging);
        let store: Arc<dyn ObjectStore> = Arc::new(LocalFileSystem::new_with_prefix(root)?);
        Ok(Self {
            writes: store.clone(),
            store,
            root: Some(root.into()),
            staging: staging.into(),
            multipart_uploads: None,
        })
    }

    /// The size of the blob in bytes.
    ///
    /// # Errors
    /// [`BlobError::NotFound`], [`BlobError::Damaged`], [`BlobError::Io`] or [`BlobError::Store`].
    pub async fn size(&self, id: BlobId) -> Result<u64, BlobError> {
        if let Some(path) = self.local_path(id) {
            return Ok(open_stored(id, path).await?.size_bytes());
        }
        let meta =
            with_answer_timeout(self.store.head(&key(id))).await.map_err(|error| with_id(id, error))?;
        Ok(meta.size)
    }

    /// Streams bytes `range` of the blob, clamped to its end.
    ///
    /// # Errors
    /// [`BlobError::NotFound`], [`BlobError::Damaged`] or [`BlobError::Io`]; [`BlobError::Store`], also from the
    /// stream.
    pub async fn read(
        &self,
        id: BlobId,
        range: Range<u64>,
    ) -> Result<impl Stream<Item = Result<Bytes, BlobError>> + Send + 'static + use<>, BlobError> {
        if range.is_empty() {
            self.size(id).await?;
            return Ok(futures::future::Either::Left(futures::stream::empty()));
        }
        if self.root.is_some() {
            self.size(id).await?;
        }
        let options = GetOptions::new().with_range(Some(GetRange::Bounded(range)));
        let found = with_answer_timeout(self.store.get_opts(&key(id), options))
            .await
            .map_err(|error| with_id(id, error))?;
        Ok(futures::future::Either::Right(found.into_stream().map_err(BlobError::Store)))
    }

    /// Reads the whole blob if it has at most `limit` bytes.
    ///
    /// # Errors
    /// [`BlobError::TooLarge`], [`BlobError::NotFound`], [`BlobError::Damaged`], [`BlobError::Io`] or
    /// [`BlobError::Store`].
    pub async fn get(&self, id: BlobId, limit: u64) -> Result<Bytes, BlobError> {
        if self.root.is_some() {
            self.size(id).await?;
        }
        let found =
            with_answer_timeout(self.store.get(&key(id))).await.map_err(|error| with_id(id, error))?;
        let size = found.meta.size;
        if size > limit {
            return Err(BlobError::TooLarge { id, size, limit });
        }
        Ok(found.bytes().await?)
    }

    /// Opens the blob as a local, seekable file: the stored file itself, or a copy of a remote blob that is removed
    /// with the handle.
    ///
    /// # Errors
    /// [`BlobError::NotFound`], [`BlobError::Damaged`], [`BlobError::Io`] or [`BlobError::Store`].
    pub async fn open_local(&self, id: BlobId) -> Result<LocalBlob, BlobError> {
        if let Some(path) = self.local_path(id) {
            return open_stored(id, path).await;
        }
        let size = self.size(id).await?;
        let mut pieces = std::pin::pin!(self.read(id, 0..size).await?);
        let (file, path) = self.staging_file().await?.into_parts();
        let mut copy = tokio::fs::File::from_std(file);
        while let Some(piece) = pieces.try_next().await? {
            tokio::io::AsyncWriteExt::write_all(&mut copy, &piece).await?;
        }
        tokio::io::AsyncSeekExt::rewind(&mut copy).await?;
        LocalBlob::new(copy.into_std().await, path.to_path_buf(), Some(path))
    }

    /// Checks that the store works: writes a few bytes, reads them back and removes them.
    ///
    /// # Errors
    /// [`BlobError::Io`] or [`BlobError::Store`].
    pub async fn check(&self) -> Result<(), BlobError> {
        let staged = self.staging_file().await?;
        let name = staged.path().file_name().and_then(|name| name.to_str()).unwrap_or("check").to_owned();
        let key = Key::from_iter([CHECK, &name]);
        with_answer_timeout(self.store.put(&key, Bytes::from_static(b"harkback").into())).await?;
        let read = with_answer_timeout(async { self.store.get(&key).await?.bytes().await }).await;
        with_answer_timeout(self.store.delete(&key)).await?;
        read?;
        Ok(())
    }

    /// Uploads a local file: a small one in one request, which leaves nothing if it fails, a larger one in parts.
    pub(crate) async fn upload(&self, path: &Path, id: BlobId) -> Result<(), BlobError> {
        let mut file = tokio::fs::File::open(path).await?;
        if file.metadata().await?.len() <= PART as u64 {
            let mut whole = Vec::new();
            file.read_to_end(&mut whole).await?;
            with_timeout(PART_TIMEOUT, self.writes.put(&key(id), whole.into())).await?;
            return Ok(());
        }
        match &self.multipart_uploads {
            Some(multipart_uploads) => multipart_uploads.upload(file, &key(id)).await,
            None => self.upload_buffered(file, id).await,
        }
    }

    /// Uploads a large file to a store without resumable multipart uploads, through `object_store`'s buffered writer.
    async fn upload_buffered(&self, mut file: tokio::fs::File, id: BlobId) -> Result<(), BlobError> {
        let upload = with_answer_timeout(self.writes.put_multipart(&key(id))).await?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PART);
        loop {
            let mut piece = Vec::with_capacity(PART);
            let read = file.read_buf(&mut piece).await.map_err(BlobError::from);
            let kept = with_timeout(PART_TIMEOUT, upload.wait_for_capacity(1)).await.map_err(BlobError::from);
            match kept.and(read) {
                Ok(0) => break,
                Ok(_) => upload.put(piece.into()),
                Err(error) => {
                    if let Err(error) = upload.abort().await {
                        tracing::warn!(%error, key = %key(id), "could not abort an upload");
                    }
                    return Err(error);
                }
            }
        }
        // Aborts the upload itself on failure.
        upload.finish().await?;
        Ok(())
    }

    fn local_path(&self, id: BlobId) -> Option<PathBuf> {
        self.local(id).map(|(_, path)| path)
    }

    /// The directory of the store, if it is one, and the path of the blob in it.
    pub(crate) fn local(&self, id: BlobId) -> Option<(Arc<Path>, PathBuf)> {
        let root = self.root.clone()?;
        let path = root.join(key(id).as_ref());
        Some((root, path))
    }

    /// Removes files that a dead process left in staging more than a day ago, and aborts its unfinished uploads to an
    /// object store.
    pub async fn sweep_staging(&self) {
        if let Some(multipart_uploads) = &self.multipart_uploads {
            multipart_uploads.abort_stale(is_stale).await;
        }
        let (staging, root) = (self.staging.clone(), self.root.clone());
        let swept = tokio::task::spawn_blocking(move || {
            sweep(&staging);
            if let Some(root) = root {
                sweep(&root.join(CHECK));
            }
        });
        // A failed cleanup has been logged.
        let _ = swept.await;
    }

    pub(crate) fn staging(&self) -> Arc<Path> {
        self.staging.clone()
    }

    pub(crate) async fn staging_file(&self) -> Result<NamedTempFile, BlobError> {
        let staging = self.staging.clone();
        let file = tokio::task::spawn_blocking(move || {
            tempfile::Builder::new().prefix("blob-").tempfile_in(staging)
        });
        Ok(file.await.map_err(std::io::Error::other)??)
    }
}

impl fmt::Debug for BlobStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobStore({})", self.store)
    }
}

/// Opens a file of a store in a directory; [`BlobError::Damaged`] if it was truncated since it was stored.
async fn open_stored(id: BlobId, path: PathBuf) -> Result<LocalBlob, BlobError> {
    let opened = tokio::task::spawn_blocking(move || {
        let file = std::fs::File::open(&path)?;
        let matches = size_attribute::matches(&file)?;
        Ok::<_, std::io::Error>((file, path, matches))
    });
    match opened.await.map_err(std::io::Error::other)? {
        Ok((file, path, true)) => LocalBlob::new(file, path, None),
        Ok((_, _, false)) => Err(BlobError::Damaged(id)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(BlobError::NotFound(id)),
        Err(error) => Err(error.into()),
    }
}

/// The key has two levels, which bounds the number of entries in a directory.
pub(crate) fn key(id: BlobId) -> Key {
    let hex = id.to_hex();
    Key::from_iter([PREFIX, &hex[..2], &hex])
}

pub(crate) fn with_id(id: BlobId, error: object_store::Error) -> BlobError {
    match error {
        object_store::Error::NotFound { .. } => BlobError::NotFound(id),
        other => BlobError::Store(other),
    }
}

/// Removes credentials: they belong in the options; in a URL they would end up in logs.
fn without_credentials(url: &Url) -> Url {
    let mut url = url.clone();
    // Fails only for URLs that cannot have credentials.
    let _ = url.set_username("").and(url.set_password(None));
    url
}

/// Renames the file, then syncs its parent directories, so that the name survives a crash too.
pub(crate) fn move_into_place(file: TempPath, target: &Path) -> std::io::Result<()> {
    let directory = target.parent().unwrap_or(Path::new("/"));
    std::fs::create_dir_all(directory)?;
    file.persist(target).map_err(|error| error.error)?;
    sync_parents(directory)
}

/// Syncs `directory` and the two above it, which may be new.
pub(crate) fn sync_parents(directory: &Path) -> std::io::Result<()> {
    directory.ancestors().take(3).try_for_each(|directory| std::fs::File::open(directory)?.sync_all())
}

/// Removes files that a killed process left in staging, except records of uploads, which are aborted first, and files of
/// resumable uploads, which have rows. Failures do not prevent a start.
fn sweep(staging: &Path) {
    for entry in std::fs::read_dir(staging).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_kept = name.to_string_lossy().starts_with(RECORD_PREFIX) || name == UPLOADS;
        let Some(meta) = entry.metadata().ok().filter(|meta| !is_kept && is_stale(meta)) else { continue };
        let removed = match meta.is_dir() {
            true => std::fs::remove_dir_all(entry.path()),
            false => std::fs::remove_file(entry.path()),
        };
        if let Err(error) = removed {
            tracing::warn!(path = %entry.path().display(), %error, "could not remove a stale staging file");
        }
    }
}

fn is_stale(meta: &std::fs::Metadata) -> bool {
    let age = meta.modified().ok().and_then(|time| time.elapsed().ok());
    age.is_some_and(|age| age > STALE)
}
