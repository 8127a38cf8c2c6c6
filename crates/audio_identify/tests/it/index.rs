//! The index: what is written, when, and how it leaves.

use audio_fingerprint::{Fingerprinter, Landmark};
use audio_identify::{AnalysisIndex, IndexOptions};
use audio_semantic_timeline::{AnalysedRecording, AnalysisCompanion as _};
use media_time::MediaTime;
use media_v2::{AssetKind, NewAsset};
use primitives::Clock as _;
use serde_json::json;
use test_kit::scope;

use crate::music::piece;
use crate::support::TestState;

fn landmarks(samples: &[f32]) -> Vec<Landmark> {
    let mut fingerprinter = Fingerprinter::new();
    fingerprinter.push(samples);
    fingerprinter.finish()
}

#[tokio::test]
async fn recordings_are_indexed_once_unless_rebuilt() {
    let state = TestState::new().await;
    for seed in [1, 2] {
        state.upload(&piece(seed, 10)).await;
    }
    state.upload_of("t2", &piece(3, 10)).await;
    let of_other = IndexOptions { tenant_id: Some("t2".parse().unwrap()), ..IndexOptions::default() };
    assert_eq!(state.index_with(&of_other).await.indexed, 1);
    let batch = state.index().await;
    assert_eq!((batch.indexed, batch.duration), (2, MediaTime::from_millis(20_000)));
    assert!(batch.skipped.is_empty() && batch.last.is_some());
    let count = state.landmarks().await;
    assert!(count > 300, "{count}");
    let batch = state.index().await;
    assert!(batch.indexed == 0 && batch.last.is_none());
    let rebuild = IndexOptions { rebuild: true, ..IndexOptions::default() };
    assert_eq!(state.index_with(&rebuild).await.indexed, 3);
    assert_eq!(state.landmarks().await, count, "the old rows are replaced");
}

#[tokio::test]
async fn outdated_landmarks_are_made_again() {
    let state = TestState::new().await;
    let asset = state.upload(&piece(1, 5)).await;
    state.index().await;
    let count = state.landmarks().await;
    state.execute("UPDATE fingerprint_sources SET version = version + 1").await;
    let found = state.identify(&asset, json!({})).await;
    assert_eq!(found["searched"]["indexed_assets"], 0, "of another version");
    assert_eq!(state.index().await.indexed, 1);
    // Decoded with other samples than before.
    state.execute("UPDATE media_assets SET decoder = 'decode2'").await;
    assert_eq!(state.index().await.indexed, 1);
    assert_eq!((state.index().await.indexed, state.landmarks().await), (0, count));
}

#[tokio::test]
async fn unreadable_recording_is_listed_once() {
    let state = TestState::new().await;
    let blob = state.media.service.blobs().put("RIFF, but no recording".into()).await.unwrap();
    let asset = NewAsset { kind: Some(AssetKind::Audio), source_uri: blob.id.uri(), ..NewAsset::default() };
    let asset_id = state.media.insert_asset("t1", asset).await;
    let batch = state.index().await;
    assert_eq!((batch.indexed, batch.skipped.len()), (0, 1));
    let (owner, id, error) = &batch.skipped[0];
    assert_eq!((owner, id), (&scope("t1"), &asset_id), "{error}");
    assert!(state.index().await.last.is_none(), "not tried again");
    let rebuild = IndexOptions { rebuild: true, ..IndexOptions::default() };
    assert_eq!(state.index_with(&rebuild).await.skipped.len(), 1);
}

#[tokio::test]
async fn landmarks_of_an_analysis_are_part_of_its_transaction() {
    let state = TestState::new().await;
    let samples = piece(4, 10);
    let asset = state.upload(&samples).await;
    let made = landmarks(&samples);
    let analysed =
        AnalysedRecording { asset_id: &asset.id, duration: MediaTime::from_millis(10_000), landmarks: &made };
    let (owner, now) = (scope("t1"), state.media.clock.now());
    AnalysisIndex.prepare(&mut state.media.pool().acquire().await.unwrap(), &owner).await.unwrap();
    let mut transaction = state.media.pool().begin().await.unwrap();
    AnalysisIndex.register(&mut transaction, &owner, now, analysed).await.unwrap();
    transaction.rollback().await.unwrap();
    assert_eq!(state.landmarks().await, 0);
    let mut transaction = state.media.pool().begin().await.unwrap();
    AnalysisIndex.register(&mut transaction, &owner, now, analysed).await.unwrap();
    transaction.commit().await.unwrap();
    let count = state.landmarks().await;
    assert!(count > 100 && count <= made.len() as i64, "{count} of {}", made.len());
    // The batch has nothing left to do, and another analysis writes nothing.
    assert!(state.index().await.last.is_none());
    let mut transaction = state.media.pool().begin().await.unwrap();
    AnalysisIndex.register(&mut transaction, &owner, now, analysed).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(state.landmarks().await, count);
}

#[tokio::test]
async fn analyses_of_one_recording_do_not_wait_for_each_other() {
    let state = TestState::new().await;
    let samples = piece(4, 5);
    let (asset, made) = (state.upload(&samples).await, landmarks(&samples));
    let duration = MediaTime::from_millis(5_000);
    let analysed = AnalysedRecording { asset_id: &asset.id, duration, landmarks: &made };
    let (owner, now) = (scope("t1"), state.media.clock.now());
    AnalysisIndex.prepare(&mut state.media.pool().acquire().await.unwrap(), &owner).await.unwrap();
    let mut first = state.media.pool().begin().await.unwrap();
    AnalysisIndex.register(&mut first, &owner, now, analysed).await.unwrap();
    let mut second = state.media.pool().begin().await.unwrap();
    AnalysisIndex.prepare(&mut state.media.pool().acquire().await.unwrap(), &owner).await.unwrap();
    AnalysisIndex.register(&mut second, &owner, now, analysed).await.unwrap();
    second.commit().await.unwrap();
    assert_eq!(state.landmarks().await, 0, "the first one writes them");
    first.commit().await.unwrap();
    assert!(state.landmarks().await > 0);
}

#[tokio::test]
async fn landmarks_leave_with_their_asset() {
    let state = TestState::new().await;
    state.upload(&piece(5, 10)).await;
    let kept = state.upload(&piece(6, 10)).await;
    state.index().await;
    let before = state.landmarks().await;
    state.execute("DELETE FROM media_assets WHERE id = (SELECT min(id) FROM media_assets)").await;
    let after = state.landmarks().await;
    assert!(after > 0 && after < before, "{before} {after}");
    state.execute("DELETE FROM media_assets").await;
    assert_eq!(state.landmarks().await, 0, "those of {} too", kept.id);
}
