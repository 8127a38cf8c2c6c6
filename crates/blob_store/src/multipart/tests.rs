use std::time::{Duration, SystemTime};

use super::*;
use crate::{BlobError, BlobStore};
use fake_s3::FakeS3;

/// Bytes that fill two parts and begin a third.
fn large() -> Bytes {
    (0..2 * PART + 1_000).map(|index| (index % 251) as u8).collect::<Vec<_>>().into()
}

fn records(staging: &FilePath) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(staging).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(RECORD_PREFIX)).collect()
}

async fn until(done: impl Fn() -> bool) {
    let waited = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waited).await.unwrap();
}

fn open(s3: &FakeS3, staging: &FilePath) -> BlobStore {
    BlobStore::open(&FakeS3::url().parse().unwrap(), s3.options(), staging).unwrap()
}

fn world() -> (FakeS3, tempfile::TempDir, BlobStore) {
    let (s3, staging) = (FakeS3::start().unwrap(), tempfile::tempdir().unwrap());
    let store = open(&s3, staging.path());
    (s3, staging, store)
}

#[tokio::test]
async fn small_blob_is_uploaded_in_one_put() {
    let (s3, _staging, store) = world();
    let blob = store.put(Bytes::from(vec![7; PART])).await.unwrap();
    assert_eq!(store.get(blob.id, u64::MAX).await.unwrap().len(), PART);
    let requests = s3.requests();
    let methods: Vec<&str> = requests.iter().filter_map(|request| request.split(' ').next()).collect();
    assert_eq!(methods, ["HEAD", "PUT", "GET"], "{requests:?}");
    assert!(
        requests[1].starts_with("PUT /bucket/blobs/sha256/") && !requests[1].contains('?'),
        "{requests:?}"
    );
}

#[tokio::test]
async fn multipart_upload_assembles_the_parts_in_order() {
    let (s3, staging, store) = world();
    let blob = store.put(large()).await.unwrap();
    assert_eq!(store.get(blob.id, u64::MAX).await.unwrap(), large());
    assert_eq!((s3.objects(), s3.unfinished_uploads(), records(staging.path()).len()), (1, 0, 0));
}

#[tokio::test]
async fn multipart_upload_is_aborted_on_every_error() {
    for refused in ["partNumber=2", "POST /bucket/blobs/sha256"] {
        let (s3, staging, store) = world();
        // The upload is created before its completion is refused.
        if refused.starts_with("POST") {
            s3.delay_puts(Duration::from_millis(300));
            let refusing = s3.clone();
            tokio::spawn(async move {
                until(|| refusing.unfinished_uploads() == 1).await;
                refusing.refuse(refused);
            });
        } else {
            s3.refuse(refused);
        }
        let failed = store.put(large()).await;
        assert!(matches!(failed, Err(BlobError::Store(_))), "{refused}: {failed:?}");
        assert_eq!((s3.objects(), s3.unfinished_uploads()), (0, 0), "{refused}: {:?}", s3.requests());
        assert_eq!(std::fs::read_dir(staging.path()).unwrap().count(), 0, "{refused}");
    }
}

#[tokio::test]
async fn multipart_upload_is_aborted_when_the_caller_is_dropped() {
    let (s3, staging, store) = world();
    // Longer than the test: no part is stored before the caller is dropped, on the slowest machine.
    s3.delay_puts(Duration::from_secs(60));
    let upload = tokio::spawn(async move { store.put(large()).await.map(drop) });
    until(|| s3.unfinished_uploads() == 1 && !records(staging.path()).is_empty()).await;
    upload.abort();
    until(|| s3.unfinished_uploads() == 0 && records(staging.path()).is_empty()).await;
    assert_eq!(s3.objects(), 0);
}

#[tokio::test]
async fn staging_sweep_aborts_uploads_of_dead_processes() {
    let (s3, staging, store) = world();
    // The state after a killed process: the record, and the upload in the store.
    let multipart_uploads = store.multipart_uploads.clone().unwrap();
    let key = Path::from("blobs/sha256/ab/abc");
    let mut upload =
        MultipartUpload::begin(multipart_uploads.store.clone(), key, staging.path()).await.unwrap();
    drop(upload.0.take());
    assert_eq!((s3.unfinished_uploads(), records(staging.path()).len()), (1, 1));

    store.sweep_staging().await;
    assert_eq!(s3.unfinished_uploads(), 1, "it may go on yet");
    let record = std::fs::File::options().write(true).open(&records(staging.path())[0]).unwrap();
    record.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    // An unavailable store leaves the upload to the next sweep; opening the store does not remove the record.
    s3.refuse("DELETE");
    let store = open(&s3, staging.path());
    store.sweep_staging().await;
    assert_eq!((s3.unfinished_uploads(), records(staging.path()).len()), (1, 1));
    s3.refuse("nothing");
    store.sweep_staging().await;
    assert_eq!((s3.unfinished_uploads(), records(staging.path()).len()), (0, 0));
}
