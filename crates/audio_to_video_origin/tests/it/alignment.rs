//! Alignment of shots to the semantics of their sources.

use serde_json::{Value, json};
use test_kit::scope;

use crate::support::{TestState, at, clip, sequence, times};

#[tokio::test]
async fn first_speech_shifts_the_shot() {
    let state = TestState::new().await;
    let film = state.asset(Some(60_000)).await;
    let hit = state.hit(&film, 10_000, 20_000).await;
    state.timeline(&film, None, "signal", &[100, 9_000], &[]).await;
    let list = state.shots(json!([clip(&hit, 0, 250, 500)])).await;
    assert_eq!(times(&list), [[10_600.0, 10_850.0, 0.0]]);
    let meta = &list["shots"][0]["meta"];
    assert_eq!(meta["semantic_offset_ms"], 100);
    assert_eq!(meta["semantic_version"], "signal_v1");
    assert_eq!(meta["semantic_backend_type"], "signal");
    assert_eq!(meta["semantic_cache_key"], list["meta"]["semantic_cache_key"]);
    assert_eq!(list["meta"]["semantic_version"], "signal_v1");
}

#[tokio::test]
async fn shots_follow_each_alignment_mode() {
    let state = TestState::new().await;
    let film = state.asset(Some(60_000)).await;
    let hit = state.hit(&film, 10_000, 20_000).await;
    state.timeline(&film, None, "signal", &[100, 10_040], &[9_950, 10_200]).await;
    for (alignment, start) in
        [("first_speech", 10_100.0), ("speech_in_window", 10_040.0), ("beat", 9_950.0), ("none", 10_000.0)]
    {
        let mut request = sequence(json!([clip(&hit, 0, 250, 0)]));
        request["alignment"] = json!(alignment);
        let list = state.ask(&request).await.ok();
        assert_eq!(times(&list)[0][0], start, "{alignment}");
        assert_eq!(list["meta"]["alignment"], alignment);
        assert_eq!(list["shots"][0]["meta"]["semantic_version"], "signal_v1");
    }
}

#[tokio::test]
async fn shot_reports_clamping_to_its_recording() {
    let state = TestState::new().await;
    let film = state.asset(Some(10_300)).await;
    let hit = state.hit(&film, 10_000, 10_300).await;
    state.timeline(&film, None, "signal", &[100], &[]).await;
    let list = state.shots(json!([clip(&hit, 0, 250, 0), clip(&hit, 300, 200, 0)])).await;
    assert_eq!(times(&list), [[10_050.0, 10_300.0, 0.0], [10_100.0, 10_300.0, 300.0]]);
    let offset_meta = |shot: usize| {
        let meta = &list["shots"][shot]["meta"];
        (meta["semantic_offset_ms"].clone(), meta["offset_clamped"].clone())
    };
    assert_eq!(offset_meta(0), (json!(50), json!(true)));
    assert_eq!(offset_meta(1), (json!(100), json!(false)));
}

#[tokio::test]
async fn stub_timeline_is_used_and_marked() {
    let state = TestState::new().await;
    let film = state.asset(Some(60_000)).await;
    let hit = state.hit(&film, 10_000, 20_000).await;
    state.timeline(&film, None, "stub", &[30], &[]).await;
    let list = state.shots(json!([clip(&hit, 0, 250, 0)])).await;
    assert_eq!(times(&list)[0][0], 10_030.0);
    assert_eq!(list["shots"][0]["meta"]["semantic_backend_type"], "stub");
    state.timeline(&film, None, "signal", &[70], &[]).await;
    let list = state.shots(json!([clip(&hit, 0, 250, 0)])).await;
    assert_eq!(times(&list)[0][0], 10_070.0, "a measurement goes before");
}

/// An artifact's own timeline uses the artifact's time.
#[tokio::test]
async fn artifact_timeline_takes_precedence_over_the_recordings() {
    let state = TestState::new().await;
    let film = state.asset(Some(60_000)).await;
    let hit = state.hit(&film, 10_000, 20_000).await;
    state.timeline(&film, None, "signal", &[100], &[]).await;
    state.timeline(&film, Some(&hit), "signal", &[40], &[]).await;
    let mut request = sequence(json!([clip(&hit, 0, 250, 10)]));
    assert_eq!(times(&state.ask(&request).await.ok())[0][0], 10_050.0);
    request["alignment"] = json!("speech_in_window");
    assert_eq!(times(&state.ask(&request).await.ok())[0][0], 10_040.0);
}

#[tokio::test]
async fn missing_semantics_shift_nothing_or_are_rejected() {
    let state = TestState::new().await;
    let (film, silent, mute) = (state.asset(None).await, state.asset(None).await, state.asset(None).await);
    let hits = [state.hit(&silent, 0, 9).await, state.hit(&film, 0, 9).await, state.hit(&mute, 0, 9).await];
    state.timeline(&film, None, "signal", &[5], &[]).await;
    let mut request =
        sequence(json!([clip(&hits[1], 0, 1, 0), clip(&hits[0], 1, 1, 0), clip(&hits[2], 2, 1, 0)]));
    let list = state.ask(&request).await.ok();
    assert_eq!(times(&list)[1], [0.0, 1.0, 1.0]);
    assert_eq!(list["shots"][1]["meta"]["semantic_version"], Value::Null);
    assert_eq!(list["meta"]["semantic_version"], "signal_v1", "of the last shot that has one");
    request["require_semantics"] = json!(true);
    let problem = state.ask(&request).await.problem(422, "semantics_missing");
    let mut missing = [json!(silent), json!(mute)];
    missing.sort_by_key(Value::to_string);
    assert_eq!(problem["ids"], json!(missing));
}

#[tokio::test]
async fn invalid_timeline_is_reported() {
    let state = TestState::new().await;
    let film = state.asset(None).await;
    let hit = state.hit(&film, 0, 9).await;
    let blob = state.media.service.blobs().put("{\"events\": 1}".into()).await.unwrap();
    let kind = media_v2::ArtifactKind::AudioSemanticTimeline;
    let mut new = media_v2::NewArtifact::new(kind, film.clone(), blob.id.uri(), "b", &json!({}));
    let meta = json!({"model_used": "m", "duration_ms": 1, "cache_key": "k"});
    new.meta.extend(meta.as_object().unwrap().clone());
    let conn = &mut *state.conn().await;
    let made = media_v2::store::insert_artifact(conn, &scope("t1"), at(0), new).await.unwrap().id;
    let problem =
        state.ask(&sequence(json!([clip(&hit, 0, 1, 0)]))).await.problem(422, "semantics_unreadable");
    assert!(problem["detail"].as_str().unwrap().contains(made.as_str()));
}
