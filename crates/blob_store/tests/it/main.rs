//! The store in a directory, through its public interface.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use blob_store::{BlobError, BlobId, BlobStore, ListedBlob};
use bytes::Bytes;
use futures::TryStreamExt;
use test_kit::files::count_files;
use url::Url;

async fn read(store: &BlobStore, id: BlobId, range: std::ops::Range<u64>) -> Vec<u8> {
    store.read(id, range).await.unwrap().try_collect::<Vec<_>>().await.unwrap().concat()
}

#[tokio::test]
async fn reads_return_whole_blobs_and_ranges() {
    let directory = tempfile::tempdir().unwrap();
    let store = BlobStore::open_directory(directory.path()).unwrap();
    let blob = store.put(Bytes::from_static(b"hark back")).await.unwrap();
    // `printf 'hark back' | sha256sum`
    assert_eq!(blob.id.to_hex(), "e7e0ddaa8157fca5919d62f64bd81f993523fa015c6e8bf3843a5849e04cfddf");
    assert_eq!(blob.size_bytes, 9);
    assert_eq!(read(&store, blob.id, 0..9).await, b"hark back");
    assert_eq!(read(&store, blob.id, 5..900).await, b"back");
    assert_eq!(read(&store, blob.id, 3..3).await, b"");
    assert_eq!(store.get(blob.id, 9).await.unwrap(), "hark back");
    assert!(matches!(store.get(blob.id, 8).await, Err(BlobError::TooLarge { size: 9, .. })));

    let mut text = String::new();
    store.open_local(blob.id).await.unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "hark back");
}

#[tokio::test]
async fn the_same_bytes_are_kept_once() {
    let directory = tempfile::tempdir().unwrap();
    let store = BlobStore::open_directory(directory.path()).unwrap();
    let file = directory.path().join("outside");
    std::fs::write(&file, "same").unwrap();
    let first = store.put_file(&file).await.unwrap();
    std::fs::remove_file(file).unwrap();
    assert_eq!(store.put(Bytes::from_static(b"same")).await.unwrap(), first);
    assert_eq!(count_files(directory.path()), 1);
}

#[tokio::test]
async fn only_blobs_older_than_the_cutoff_are_listed_and_removed() {
    let directory = tempfile::tempdir().unwrap();
    let memory = BlobStore::open(&Url::parse("memory:///").unwrap(), [], directory.path()).unwrap();
    let local = BlobStore::open_directory(&directory.path().join("blobs")).unwrap();
    for store in [memory, local] {
        let blob = store.put(Bytes::from_static(b"orphan")).await.unwrap();
        let written = tempfile::tempfile().unwrap().metadata().unwrap().modified().unwrap();
        let (before, after) = (written - Duration::from_secs(60), written + Duration::from_secs(60));
        let listed = async |cutoff| store.written_before(cutoff).try_collect::<Vec<_>>().await.unwrap();
        assert_eq!(listed(before).await, []);
        assert_eq!(listed(after).await, [ListedBlob { id: blob.id, size_bytes: 6 }], "{store:?}");
        assert!(!store.remove_written_before(blob.id, before).await.unwrap(), "it is young");
        assert_eq!(read(&store, blob.id, 0..6).await, b"orphan");
        assert!(store.remove_written_before(blob.id, after).await.unwrap());
        assert!(matches!(store.get(blob.id, 9).await, Err(BlobError::NotFound(_))));
        assert!(!store.remove_written_before(blob.id, after).await.unwrap(), "it is gone");
        assert_eq!(store.put(Bytes::from_static(b"orphan")).await.unwrap(), blob);
        assert_eq!(read(&store, blob.id, 0..6).await, b"orphan");
    }
}

/// An upload of known bytes renews an old blob, so that it cannot be removed before its new row is written.
#[tokio::test]
async fn uploading_known_bytes_renews_the_blob() {
    let directory = tempfile::tempdir().unwrap();
    let store = BlobStore::open_directory(directory.path()).unwrap();
    let blob = store.put(Bytes::from_static(b"again")).await.unwrap();
    let hex = blob.id.to_hex();
    let path = directory.path().join("sha256").join(&hex[..2]).join(&hex);
    let written = std::fs::metadata(&path).unwrap().modified().unwrap();
    let cutoff = written - Duration::from_secs(60);
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(written - Duration::from_secs(3_600)).unwrap();
    assert_eq!(store.written_before(cutoff).try_collect::<Vec<_>>().await.unwrap().len(), 1);
    store.put(Bytes::from_static(b"again")).await.unwrap();
    assert!(!store.remove_written_before(blob.id, cutoff).await.unwrap());
}

#[tokio::test]
async fn unfinished_writer_leaves_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let store = BlobStore::open_directory(directory.path()).unwrap();
    let mut writer = store.writer().await.unwrap();
    writer.write(Bytes::from(vec![1; 1 << 20])).await.unwrap();
    assert_eq!(count_files(directory.path()), 1);
    drop(writer);
    assert_eq!(count_files(directory.path()), 0);
}

#[tokio::test]
async fn unknown_blob_error_contains_the_id() {
    let directory = tempfile::tempdir().unwrap();
    let store = BlobStore::open_directory(directory.path()).unwrap();
    let unknown = BlobId::from_sha256([7; 32]);
    assert!(matches!(store.size(unknown).await, Err(BlobError::NotFound(id)) if id == unknown));
    assert!(matches!(store.read(unknown, 0..0).await.err(), Some(BlobError::NotFound(_))));
    assert!(matches!(store.open_local(unknown).await, Err(BlobError::NotFound(_))));
}

#[tokio::test]
async fn object_store_returns_the_stored_bytes() {
    let staging = tempfile::tempdir().unwrap();
    let url = "memory:///".parse().unwrap();
    let store = BlobStore::open(&url, [], staging.path()).unwrap();
    let large = Bytes::from(vec![42; 20 << 20]);
    let blob = store.put(large.clone()).await.unwrap();
    assert_eq!(read(&store, blob.id, (20 << 20) - 3..u64::MAX).await, [42; 3]);
    let mut copy = store.open_local(blob.id).await.unwrap();
    let mut bytes = Vec::new();
    copy.read_to_end(&mut bytes).unwrap();
    assert!(bytes == large);
    drop(copy);
    assert_eq!(count_files(staging.path()), 0, "the local copy outlived its handle");
}

#[test]
fn unsupported_storage_url_is_refused() {
    let url = "ftp://user:secret@host/x".parse().unwrap();
    let error = BlobStore::open(&url, [], Path::new("/tmp")).unwrap_err().to_string();
    assert!(error.contains("ftp://host/x") && !error.contains("secret"), "{error}");
}

/// Truncates a stored file, as a failing disk might.
fn truncate(directory: &Path, id: BlobId) {
    let hex = id.to_hex();
    let file = std::fs::File::options()
        .write(true)
        .open(directory.join("sha256").join(&hex[..2]).join(&hex))
        .unwrap();
    file.set_len(3).unwrap();
}

#[tokio::test]
async fn truncated_blob_is_detected_and_repaired_by_an_upload() {
    let directory = tempfile::tempdir().unwrap();
    let store = BlobStore::open_directory(directory.path()).unwrap();
    let bytes = Bytes::from_static(b"hark back");
    let id = store.put(bytes.clone()).await.unwrap().id;
    assert!(store.find_damage(id).await.unwrap().is_none());
    truncate(directory.path(), id);
    assert!(store.find_damage(id).await.unwrap().is_some());
    let noticed = [
        store.size(id).await.map(drop),
        store.read(id, 0..9).await.map(drop),
        store.get(id, 9).await.map(drop),
        store.open_local(id).await.map(drop),
    ];
    for result in noticed {
        assert!(matches!(result, Err(BlobError::Damaged(damaged)) if damaged == id), "{result:?}");
    }
    assert_eq!(store.put(bytes.clone()).await.unwrap().id, id);
    assert_eq!(store.get(id, 9).await.unwrap(), bytes);

    // Same size, different bytes.
    let hex = id.to_hex();
    std::fs::write(directory.path().join("sha256").join(&hex[..2]).join(&hex), b"hark BACK").unwrap();
    let damaged = store.find_damage(id).await.unwrap().unwrap();
    assert!(store.set_aside(&damaged).await.unwrap());
    assert!(!store.set_aside(&damaged).await.unwrap(), "it is gone");
    assert!(matches!(store.size(id).await, Err(BlobError::NotFound(_))));
    assert_eq!(std::fs::read(directory.path().join("damaged").join(&hex)).unwrap(), b"hark BACK");
    store.put(bytes.clone()).await.unwrap();
    assert!(store.find_damage(id).await.unwrap().is_none());
}

#[tokio::test]
async fn set_aside_keeps_a_blob_repaired_by_an_upload() {
    let directory = tempfile::tempdir().unwrap();
    let store = BlobStore::open_directory(directory.path()).unwrap();
    let bytes = Bytes::from_static(b"hark back");
    let id = store.put(bytes.clone()).await.unwrap().id;
    truncate(directory.path(), id);
    let damaged = store.find_damage(id).await.unwrap().unwrap();
    store.put(bytes.clone()).await.unwrap();
    assert!(!store.set_aside(&damaged).await.unwrap());
    assert_eq!(store.get(id, 9).await.unwrap(), bytes);
    assert!(!directory.path().join("damaged").exists());
}

#[tokio::test]
async fn staging_sweep_removes_stale_files_of_an_open_store() {
    let directory = tempfile::tempdir().unwrap();
    let store = BlobStore::open_directory(directory.path()).unwrap();
    let staging = directory.path().join("staging");
    for (name, age) in [("old", 25 * 3_600), ("young", 3_600)] {
        let file = std::fs::File::create(staging.join(name)).unwrap();
        let now = file.metadata().unwrap().modified().unwrap();
        file.set_modified(now - Duration::from_secs(age)).unwrap();
    }
    store.sweep_staging().await;
    let left: Vec<_> = std::fs::read_dir(staging).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["young"]);
}

#[tokio::test]
async fn storage_check_leaves_no_files() {
    let directory = tempfile::tempdir().unwrap();
    let store = BlobStore::open_directory(directory.path()).unwrap();
    store.check().await.unwrap();
    assert_eq!(count_files(directory.path()), 0);
}
