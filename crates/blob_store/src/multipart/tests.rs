use std::time::{Duration, SystemTime};

use super::*;
use crate::{BlobError, BlobStore};
use fake_s3::FakeS3;

/// Bytes of two parts and a bit.
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
    tokio::time::timeout(Duration::from_secs(10), waited).await.unwrap();
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
async fn a_small_blob_is_one_put() {
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
async fn a_large_blob_is_put_together_in_order() {
    let (s3, staging, store) = world();
    let blob = store.put(large()).await.unwrap();
    assert_eq!(store.get(blob.id, u64::MAX).await.unwrap(), large());
    assert_eq!((s3.objects(), s3.unfinished_uploads(), records(staging.path()).len()), (1, 0, 0));
}

#[tokio::test]
async fn every_error_aborts_the_upload() {
    for refused in ["partNumber=2", "POST /bucket/blobs/sha256"] {
        let (s3, staging, store) = world();
        // The upload is made before its end is refused.
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
async fn a_caller_that_goes_away_aborts_the_upload() {
    let (s3, staging, store) = world();
    s3.delay_puts(Duration::from_millis(300));
    let upload = tokio::spawn(async move { store.put(large()).await.map(drop) });
    until(|| s3.unfinished_uploads() == 1 && !records(staging.path()).is_empty()).await;
    upload.abort();
    until(|| s3.unfinished_uploads() == 0 && records(staging.path()).is_empty()).await;
    assert_eq!(s3.objects(), 0);
}

#[tokio::test]
async fn the_sweep_aborts_uploads_of_processes_that_died() {
    let (s3, staging, store) = world();
    // As a process leaves it that is killed: the record, and what the store knows.
    let multiparts = store.multiparts.clone().unwrap();
    let key = Path::from("blobs/sha256/ab/abc");
    let mut upload = Upload::begin(multiparts.store.clone(), key, staging.path()).await.unwrap();
    drop(upload.0.take());
    assert_eq!((s3.unfinished_uploads(), records(staging.path()).len()), (1, 1));

    store.sweep_staging().await;
    assert_eq!(s3.unfinished_uploads(), 1, "it may go on yet");
    let record = std::fs::File::options().write(true).open(&records(staging.path())[0]).unwrap();
    record.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    // A store that is away leaves it to the next sweep; opening the store does not remove the record.
    s3.refuse("DELETE");
    let store = open(&s3, staging.path());
    store.sweep_staging().await;
    assert_eq!((s3.unfinished_uploads(), records(staging.path()).len()), (1, 1));
    s3.refuse("nothing");
    store.sweep_staging().await;
    assert_eq!((s3.unfinished_uploads(), records(staging.path()).len()), (0, 0));
}
