use bytes::Bytes;
use fake_s3::FakeS3;
use object_store::ObjectStoreExt as _;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::BlobId;

/// Bytes that fill two parts and begin a third.
fn large() -> Bytes {
    (0..2 * PART + 1_000).map(|index| (index % 251) as u8).collect::<Vec<_>>().into()
}

fn id(bytes: &[u8]) -> BlobId {
    BlobId::from_sha256(Sha256::digest(bytes).into())
}

/// A caller that records progress and parts, as the rows of the database do.
struct Recorder {
    store: BlobStore,
    progress: UploadProgress,
    parts: Vec<String>,
    length: u64,
}

impl Recorder {
    fn new(store: &BlobStore, length: usize) -> Self {
        let (progress, parts) = (UploadProgress::default(), Vec::new());
        Self { store: store.clone(), progress, parts, length: length as u64 }
    }

    /// Writes `bytes` as one request of another process would.
    async fn append(&mut self, bytes: Bytes) -> Result<(), BlobError> {
        let mut upload = self.store.resume_upload("upload_1", self.length, self.progress.clone()).await?;
        upload.write(bytes).await?;
        upload.store_all().await?;
        self.record(&mut upload);
        upload.remove_old_tails().await;
        Ok(())
    }

    fn record(&mut self, upload: &mut ResumableUpload) {
        for part in upload.take_new_parts() {
            self.parts.truncate(part.index as usize);
            self.parts.push(part.content_id);
        }
        self.progress = upload.stored().clone();
    }

    async fn complete(&self) -> Result<BlobId, BlobError> {
        let blob = self.store.complete_upload("upload_1", &self.progress, self.parts.clone()).await?;
        Ok(blob.id)
    }
}

/// A store in a directory, an object store, and a store without multipart uploads.
fn stores() -> (tempfile::TempDir, FakeS3, [BlobStore; 3]) {
    let (directory, s3) = (tempfile::tempdir().unwrap(), FakeS3::start().unwrap());
    let path = |name: &str| directory.path().join(name);
    let stores = [
        BlobStore::open_directory(&path("blobs")).unwrap(),
        BlobStore::open(&FakeS3::url().parse().unwrap(), s3.options(), &path("s3")).unwrap(),
        BlobStore::open(&"memory:///".parse().unwrap(), [], &path("memory")).unwrap(),
    ];
    (directory, s3, stores)
}

#[tokio::test]
async fn upload_in_pieces_of_any_size_becomes_one_blob() {
    let (directory, s3, stores) = stores();
    let bytes = large();
    for store in stores {
        let mut upload = Recorder::new(&store, bytes.len());
        let cuts = [0, 1, 100, PART - 1, PART + 5, PART + 6, 2 * PART, bytes.len()];
        for cut in cuts.windows(2) {
            upload.append(bytes.slice(cut[0]..cut[1])).await.unwrap();
            assert_eq!(upload.progress.offset_bytes, cut[1] as u64, "{store:?}");
        }
        assert_eq!(upload.complete().await.unwrap(), id(&bytes), "{store:?}");
        assert_eq!(store.get(id(&bytes), u64::MAX).await.unwrap(), bytes);
        assert_eq!(upload.complete().await.unwrap(), id(&bytes), "repeated");
        store.discard_upload("upload_1", &upload.progress).await.unwrap();
        assert_eq!(upload.complete().await.unwrap(), id(&bytes), "repeated after its bytes were removed");
    }
    assert_eq!((s3.objects(), s3.unfinished_uploads()), (1, 0), "{:?}", s3.requests());
    let left = test_kit::files::count_files(directory.path());
    assert_eq!(left, 1, "the blob in the directory");
}

#[tokio::test]
async fn parts_are_in_local_files_where_memory_is_used_up() {
    let (directory, _s3, [_, store, _]) = stores();
    let used = u32::try_from(parts::MEMORY.available_permits()).unwrap();
    let _used = parts::MEMORY.try_acquire_many(used);
    let bytes = large();
    let mut upload = Recorder::new(&store, bytes.len());
    for cut in [0, 100, PART + 5, bytes.len()].windows(2) {
        upload.append(bytes.slice(cut[0]..cut[1])).await.unwrap();
    }
    assert_eq!(upload.complete().await.unwrap(), id(&bytes));
    assert_eq!(test_kit::files::count_files(directory.path()), 0);
}

#[tokio::test]
async fn bytes_after_the_recorded_progress_are_replaced() {
    let (_directory, s3, stores) = stores();
    let bytes = large();
    for store in stores {
        let mut upload = Recorder::new(&store, bytes.len());
        upload.append(bytes.slice(..PART + 100)).await.unwrap();
        // A process that is killed before its progress was recorded.
        let mut killed =
            store.resume_upload("upload_1", upload.length, upload.progress.clone()).await.unwrap();
        killed.write(Bytes::from(vec![9; PART])).await.unwrap();
        killed.store_all().await.unwrap();
        drop(killed);
        upload.append(bytes.slice(PART + 100..)).await.unwrap();
        assert_eq!(upload.complete().await.unwrap(), id(&bytes), "{store:?}");
        assert_eq!(store.get(id(&bytes), u64::MAX).await.unwrap(), bytes);
        store.discard_upload("upload_1", &upload.progress).await.unwrap();
    }
    assert_eq!(s3.objects(), 1, "also the tail that was not recorded is removed");
}

#[tokio::test]
async fn discarded_upload_leaves_nothing() {
    let (directory, s3, stores) = stores();
    for store in stores {
        let mut upload = Recorder::new(&store, 3 * PART);
        upload.append(large().slice(..PART + 100)).await.unwrap();
        store.discard_upload("upload_1", &upload.progress).await.unwrap();
        store.discard_upload("upload_1", &upload.progress).await.unwrap();
        let lost = upload.append(Bytes::from_static(b"more")).await;
        assert!(matches!(lost, Err(BlobError::UploadLost(_))), "{store:?}: {lost:?}");
    }
    assert_eq!((s3.objects(), s3.unfinished_uploads()), (0, 0), "{:?}", s3.requests());
    assert_eq!(test_kit::files::count_files(directory.path()), 0);
}

#[tokio::test]
async fn file_of_an_upload_has_one_writer() {
    let directory = tempfile::tempdir().unwrap();
    let store = BlobStore::open_directory(directory.path()).unwrap();
    let first = store.resume_upload("upload_1", 9, UploadProgress::default()).await.unwrap();
    let second = store.resume_upload("upload_1", 9, UploadProgress::default()).await;
    assert!(matches!(second, Err(BlobError::UploadBusy(_))), "{second:?}");
    drop(first);
    store.resume_upload("upload_1", 9, UploadProgress::default()).await.unwrap();
}

#[tokio::test]
async fn object_that_is_too_large_for_one_request_is_copied_in_parts() {
    let (_directory, s3, [_, store, _]) = stores();
    let bytes = large();
    let blob = store.put(bytes.clone()).await.unwrap();
    let (from, to) = (crate::store::key(blob.id), Key::from("copies/one"));
    let uploads = store.multipart_uploads.clone().unwrap();
    uploads.copy(&store.store, &from, &to, blob.size_bytes).await.unwrap();
    let copy = store.store.get(&to).await.unwrap().bytes().await.unwrap();
    assert_eq!(copy, bytes);
    assert_eq!(s3.unfinished_uploads(), 0);
}

#[test]
fn large_uploads_have_larger_parts() {
    for (length, expected) in [(0, 8 << 20), (1, 8 << 20), (64 << 30, 8 << 20), (512 << 30, 59 << 20)] {
        let bytes = part_bytes(length);
        assert_eq!(bytes, expected, "{length}");
        assert!(length.div_ceil(bytes) <= MAX_PARTS);
    }
}
