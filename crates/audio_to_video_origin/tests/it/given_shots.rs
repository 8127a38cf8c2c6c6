//! Shot lists of other engines.

use audio_to_video_origin::{Alignment, Error, MAX_CLIPS, NewShotList, VideoShot, store};
use media_time::{AssetTime, MediaTime, TimelineTime};
use primitives::Id;
use serde_json::json;
use test_kit::{scope, window_ms};

use crate::support::TestState;

fn shot(asset: &Id, start: i64) -> VideoShot {
    let length = MediaTime::from_millis(500);
    let source_start = AssetTime::from_millis(start);
    VideoShot {
        source_asset_id: asset.clone(),
        source_start,
        source_end: source_start + length,
        target_start: TimelineTime::from_millis(start),
        target_duration: length,
        meta: json!({"label": "part", "semantic_version": "v1"}).as_object().unwrap().clone(),
    }
}

fn list(shots: Vec<VideoShot>) -> NewShotList {
    let backend_version = "remove_silence_v1".to_owned();
    NewShotList { shots, backend_version, seed: Some(3), upstream_artifact_ids: Vec::new() }
}

#[tokio::test]
async fn given_shots_are_stored_once_and_found_by_their_windows() {
    let state = TestState::new().await;
    let (scope, film) = (scope("t1"), state.asset(Some(10_000)).await);
    let shots = vec![shot(&film, 0), shot(&film, 4_000)];
    let made = state.origins.keep_shots(&scope, list(shots.clone())).await.unwrap();
    assert_eq!(made.shots().unwrap(), shots);
    assert_eq!((made.meta.count, made.meta.seed, made.meta.alignment), (2, Some(3), Alignment::None));
    assert_eq!(made.meta.backend_version, "remove_silence_v1");
    assert_eq!(made.meta.semantic_version.as_deref(), Some("v1"));
    let id = made.artifact_id.clone().unwrap();
    assert_eq!(state.origins.find_shot_list(&scope, &id).await.unwrap(), made);
    assert_eq!(state.origins.keep_shots(&scope, list(shots)).await.unwrap(), made);

    let conn = &mut *state.conn().await;
    let artifact = media_v2::store::find_artifact(conn, &scope, &id).await.unwrap().unwrap();
    assert_eq!(artifact.parent_asset_id, film);
    assert_eq!(artifact.meta["backend_version"], "remove_silence_v1");
    for (start, end, expected) in [(4_100, 4_200, vec![id]), (1_000, 2_000, Vec::new())] {
        let window = window_ms(start, end);
        let found = store::find_shot_lists_using(conn, &scope, &film, window, 10).await.unwrap();
        assert_eq!(found, expected, "{start} to {end} ms");
    }
}

#[tokio::test]
async fn given_shots_have_the_limits_of_sequences() {
    let state = TestState::new().await;
    let (scope, film) = (scope("t1"), state.asset(Some(10_000)).await);
    let empty = state.origins.keep_shots(&scope, list(Vec::new())).await.unwrap();
    assert_eq!((empty.artifact_id, empty.meta.count), (None, 0));
    let refused = state.origins.keep_shots(&scope, list(vec![shot(&film, 0); MAX_CLIPS + 1])).await;
    assert!(matches!(refused, Err(Error::TooManyClips { clips: 100_001 })));
}
