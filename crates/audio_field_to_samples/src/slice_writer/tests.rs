use std::time::Duration;

use fake_s3::FakeS3;
use tokio::sync::mpsc;

use super::*;

fn open(s3: &FakeS3, staging: &std::path::Path) -> BlobStore {
    BlobStore::open(&FakeS3::url().parse().unwrap(), s3.options(), staging).unwrap()
}

/// Stores `slices` slices of one piece each.
async fn keep_slices(store: &BlobStore, slices: usize) -> Result<HashMap<usize, StoredBlob>, BlobError> {
    let (sender, receiver) = mpsc::channel(16);
    tokio::spawn(async move {
        for cut in 0..slices {
            let bytes = format!("slice {cut}").into();
            if sender.send(Piece { cut, bytes, last: true }).await.is_err() {
                return;
            }
        }
    });
    write_slices(store, receiver).await
}

#[tokio::test(flavor = "multi_thread")]
async fn slices_reach_an_object_store_eight_at_a_time() {
    let (s3, staging) = (FakeS3::start().unwrap(), tempfile::tempdir().unwrap());
    let store = open(&s3, staging.path());
    s3.delay_puts(Duration::from_millis(30));
    let kept = keep_slices(&store, 185).await.unwrap();
    assert!((4..=8).contains(&s3.most_puts_at_once()), "{}", s3.most_puts_at_once());
    assert_eq!((kept.len(), s3.objects()), (185, 185));
    for cut in [0, 7, 184] {
        assert_eq!(store.get(kept[&cut].id, 99).await.unwrap(), format!("slice {cut}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn store_error_stops_the_other_slices() {
    let (s3, staging) = (FakeS3::start().unwrap(), tempfile::tempdir().unwrap());
    let store = open(&s3, staging.path());
    s3.delay_puts(Duration::from_millis(30));
    s3.refuse("PUT");
    let failed = keep_slices(&store, 185).await;
    assert!(matches!(failed, Err(BlobError::Store(_))), "{failed:?}");
    let puts = s3.requests().iter().filter(|request| request.starts_with("PUT")).count();
    assert!(puts <= 16, "{puts}");
    assert_eq!(s3.objects(), 0);
}
