//! Selection of the timeline for a clip, on a real database.

use audio_semantic_timeline::corrections::CorrectionEntry;
use audio_semantic_timeline::corrections::store::{
    insert_correction, newest_correction, withdraw_correction,
};
use audio_semantic_timeline::store::{
    TimelineOf, find_default_timelines, find_stream_timeline, find_timelines, wrongly_analysed,
};
use chrono::{DateTime, TimeDelta, Utc};
use db::testing::TestDatabase;
use media_v2::{Artifact, ArtifactKind, AssetDecoder, NewArtifact, NewAsset, store};
use primitives::Id;
use serde_json::json;
use sqlx::PgConnection;
use test_kit::scope;

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
}

/// A timeline of `asset` (or of `source`, if given), registered at that minute.
async fn timeline(
    conn: &mut PgConnection,
    asset: &Id,
    source: Option<&Artifact>,
    backend_type: &str,
    minute: i64,
) -> Id {
    let version = if backend_type == "stub" { audio_semantic_timeline::stub::VERSION } else { "signal_v1" };
    timeline_of_version(conn, asset, source, backend_type, version, minute).await
}

async fn timeline_of_version(
    conn: &mut PgConnection,
    asset: &Id,
    source: Option<&Artifact>,
    backend_type: &str,
    version: &str,
    minute: i64,
) -> Id {
    let kind = ArtifactKind::AudioSemanticTimeline;
    let mut new = NewArtifact::new(kind, asset.clone(), "blob://none".into(), version, &json!({}));
    let source_id = source.map(|artifact| artifact.id.clone());
    let meta = json!({
        "model_used": "m", "duration_ms": 1, "backend_type": backend_type,
        "cache_key": format!("{asset}|{source_id:?}|{backend_type}|{minute}"), "source_artifact_id": source_id,
    });
    new.meta.extend(meta.as_object().unwrap().clone());
    new.upstream_artifact_ids = source_id.into_iter().collect();
    store::insert_artifact(conn, &scope("t1"), at(minute), new).await.unwrap().id
}

#[tokio::test]
async fn measured_timelines_and_the_clips_own_take_precedence() {
    let database = TestDatabase::create().await;
    let conn = &mut database.pool.acquire().await.unwrap();
    let asset = store::insert_asset(conn, &scope("t1"), at(0), NewAsset::default()).await.unwrap().id;
    let cut =
        NewArtifact::new(ArtifactKind::AudioResampled, asset.clone(), "blob://none".into(), "x", &json!({}));
    let cut = store::insert_artifact(conn, &scope("t1"), at(0), cut).await.unwrap();

    let of_asset = TimelineOf { asset_id: asset.clone(), artifact_id: None };
    let of_cut = TimelineOf { asset_id: asset.clone(), artifact_id: Some(cut.id.clone()) };
    let unknown = TimelineOf { asset_id: "unknown".parse().unwrap(), artifact_id: None };
    let wanted = [of_cut, unknown, of_asset];
    let none = find_timelines(conn, &scope("t1"), &wanted).await.unwrap();
    assert_eq!(none, [None, None, None]);

    let stub = timeline(conn, &asset, None, "stub", 9).await;
    let found = find_timelines(conn, &scope("t1"), &wanted).await.unwrap();
    assert_eq!(found, [Some(stub.clone()), None, Some(stub)]);

    let _older = timeline(conn, &asset, None, "signal", 1).await;
    let newer = timeline(conn, &asset, None, "signal", 2).await;
    let found = find_timelines(conn, &scope("t1"), &wanted).await.unwrap();
    assert_eq!(found, [Some(newer.clone()), None, Some(newer.clone())], "the newest measured one");

    let stub_of_cut = timeline(conn, &asset, Some(&cut), "stub", 3).await;
    let found = find_timelines(conn, &scope("t1"), &wanted).await.unwrap();
    assert_eq!(found, [Some(stub_of_cut), None, Some(newer)], "the clip's own, even a stub");

    let foreign = find_timelines(conn, &scope("t2"), &wanted).await.unwrap();
    assert_eq!(foreign, [None, None, None]);
}

#[tokio::test]
async fn timeline_of_an_artifact_applies_in_any_recording() {
    let database = TestDatabase::create().await;
    let conn = &mut database.pool.acquire().await.unwrap();
    let tape = store::insert_asset(conn, &scope("t1"), at(0), NewAsset::default()).await.unwrap().id;
    let film = store::insert_asset(conn, &scope("t1"), at(0), NewAsset::default()).await.unwrap().id;
    let hit = NewArtifact::new(ArtifactKind::AudioHit, tape.clone(), "blob://none".into(), "x", &json!({}));
    let hit = store::insert_artifact(conn, &scope("t1"), at(0), hit).await.unwrap();
    let of_film = timeline(conn, &film, None, "signal", 1).await;
    let wanted = [TimelineOf { asset_id: film, artifact_id: Some(hit.id.clone()) }];
    assert_eq!(find_timelines(conn, &scope("t1"), &wanted).await.unwrap(), [Some(of_film)]);
    let of_hit = timeline(conn, &tape, Some(&hit), "stub", 2).await;
    assert_eq!(find_timelines(conn, &scope("t1"), &wanted).await.unwrap(), [Some(of_hit)]);
    assert_eq!(find_timelines(conn, &scope("t2"), &wanted).await.unwrap(), [None]);
}

#[tokio::test]
async fn default_timelines_are_of_the_default_audio_stream() {
    let database = TestDatabase::create().await;
    let conn = &mut database.pool.acquire().await.unwrap();
    let film = store::insert_asset(conn, &scope("t1"), at(0), NewAsset::default()).await.unwrap().id;
    let talk = store::insert_asset(conn, &scope("t1"), at(0), NewAsset::default()).await.unwrap().id;
    let kind = ArtifactKind::AudioSemanticTimeline;
    let mut second = NewArtifact::new(kind, film.clone(), "blob://none".into(), "signal_v1", &json!({}));
    let meta = json!({
        "model_used": "m", "duration_ms": 1, "backend_type": "signal", "cache_key": "stream 1", "audio_stream": 1,
    });
    second.meta.extend(meta.as_object().unwrap().clone());
    let second = store::insert_artifact(conn, &scope("t1"), at(9), second).await.unwrap().id;
    let of_talk = timeline(conn, &talk, None, "signal", 1).await;
    let assets = [film.clone(), talk.clone(), film.clone()];
    let found = find_default_timelines(conn, &scope("t1"), &assets).await.unwrap();
    assert_eq!(found, [None, Some(of_talk.clone()), None]);
    let wanted = [TimelineOf { asset_id: film.clone(), artifact_id: None }];
    assert_eq!(find_timelines(conn, &scope("t1"), &wanted).await.unwrap(), [Some(second)], "the only one");

    let of_film = timeline(conn, &film, None, "signal", 2).await;
    let found = find_default_timelines(conn, &scope("t1"), &assets).await.unwrap();
    assert_eq!(found, [Some(of_film.clone()), Some(of_talk), Some(of_film)]);
    assert_eq!(find_default_timelines(conn, &scope("t2"), &[film]).await.unwrap(), [None]);
}

/// A correction of an analysis.
async fn correction(conn: &mut PgConnection, asset: &Id, analysis: &Id, revision: i32, minute: i64) -> Id {
    let id = timeline(conn, asset, None, "corrected", minute).await;
    let entry = CorrectionEntry {
        artifact_id: id.clone(),
        revision,
        backend_version: "v".to_owned(),
        user_id: None,
        edit_count: 1,
        created_at: at(minute),
    };
    insert_correction(conn, &scope("t1"), analysis, &entry).await.unwrap();
    id
}

#[tokio::test]
async fn newest_correction_of_the_analysis_in_force_is_selected() {
    let database = TestDatabase::create().await;
    let conn = &mut database.pool.acquire().await.unwrap();
    let asset = store::insert_asset(conn, &scope("t1"), at(0), NewAsset::default()).await.unwrap().id;
    let wanted = [TimelineOf { asset_id: asset.clone(), artifact_id: None }];
    let older = timeline(conn, &asset, None, "signal", 1).await;
    let newer = timeline(conn, &asset, None, "signal", 2).await;
    let _of_older = correction(conn, &asset, &older, 1, 9).await;
    assert_eq!(find_timelines(conn, &scope("t1"), &wanted).await.unwrap(), [Some(newer.clone())]);
    let first = correction(conn, &asset, &newer, 1, 3).await;
    let second = correction(conn, &asset, &newer, 2, 4).await;
    assert_eq!(find_timelines(conn, &scope("t1"), &wanted).await.unwrap(), [Some(second.clone())]);
    let default = find_default_timelines(conn, &scope("t1"), std::slice::from_ref(&asset)).await.unwrap();
    assert_eq!(default, [Some(second.clone())]);
    withdraw_correction(conn, &scope("t1"), &second, at(5)).await.unwrap();
    assert_eq!(find_timelines(conn, &scope("t1"), &wanted).await.unwrap(), [Some(first.clone())]);
    withdraw_correction(conn, &scope("t1"), &first, at(6)).await.unwrap();
    assert_eq!(find_timelines(conn, &scope("t1"), &wanted).await.unwrap(), [Some(newer.clone())]);
    assert!(newest_correction(conn, &scope("t1"), std::slice::from_ref(&newer)).await.unwrap().is_none());
    assert!(newest_correction(conn, &scope("t2"), &[older]).await.unwrap().is_none());
    // None of these is of another audio stream.
    assert_eq!(find_stream_timeline(conn, &scope("t1"), &asset, 1).await.unwrap(), None);
}

#[tokio::test]
async fn timeline_of_a_wrong_decoder_is_ignored() {
    let database = TestDatabase::create().await;
    let conn = &mut database.pool.acquire().await.unwrap();
    for (decoder, wrong, right) in [
        (AssetDecoder::Ffmpeg, "signal_v8+s42", "signal_v8+s42+ffmpeg-5.1"),
        (
            AssetDecoder::Ffmpeg,
            "whisper_aubio_v9+tiny-1a2b3c4d+s42+decode2",
            "whisper_aubio_v9+s42+ffmpeg-7.0",
        ),
        (AssetDecoder::Decode2, "signal_v3+s42", "signal_v8+s42+decode2"),
    ] {
        let new = NewAsset { decoder: Some(decoder), ..NewAsset::default() };
        let asset = store::insert_asset(conn, &scope("t1"), at(0), new).await.unwrap().id;
        let wanted = [TimelineOf { asset_id: asset.clone(), artifact_id: None }];
        let stale = timeline_of_version(conn, &asset, None, "signal", wrong, 9).await;
        assert_eq!(find_timelines(conn, &scope("t1"), &wanted).await.unwrap(), [None], "{wrong}");
        assert!(store::is_wrongly_decoded(conn, &scope("t1"), &stale).await.unwrap());
        let assets = std::slice::from_ref(&asset);
        assert_eq!(wrongly_analysed(conn, &scope("t1"), assets).await.unwrap(), assets);
        assert!(wrongly_analysed(conn, &scope("t2"), assets).await.unwrap().is_empty());

        // Timelines of the stub and of callers are accepted with any decoder.
        let stub = timeline(conn, &asset, None, "stub", 1).await;
        assert_eq!(find_timelines(conn, &scope("t1"), &wanted).await.unwrap(), [Some(stub)]);
        let external = timeline_of_version(conn, &asset, None, "external", "external", 2).await;
        assert_eq!(find_timelines(conn, &scope("t1"), &wanted).await.unwrap(), [Some(external)]);
        let new = timeline_of_version(conn, &asset, None, "signal", right, 3).await;
        assert_eq!(
            find_timelines(conn, &scope("t1"), &wanted).await.unwrap(),
            [Some(new.clone())],
            "{right}"
        );
        assert!(!store::is_wrongly_decoded(conn, &scope("t1"), &new).await.unwrap());
    }
}
