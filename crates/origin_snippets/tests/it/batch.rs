//! Tests of the objects that a batch creates.

use std::sync::Arc;

use media_time::AssetTime;
use primitives::{Id, WriteSeed};
use serde_json::{Value, json};
use test_kit::{context, window_ms};
use video_timeline::{
    ClipFilter, HttpTimeline, HttpTimelineConfig, Paging, TimelineService, TrackKind, VideoTimeline,
};

use crate::support::{TestState, id};
use db::testing::statements;

#[tokio::test]
async fn batch_matches_the_documented_example() {
    let state = TestState::new().await;
    let film = state.asset("t1", None).await;
    let hit = state.hit(&film, Some(window_ms(200, 400)), &[]).await;
    let request = json!({
        "tenant_id": "t1", "env": "dev", "mode": "timeline_only",
        "items": [{"audio_artifact_id": hit, "padding_ms": 250, "max_duration_ms": 500}],
    });
    let made = state.batch(&request).await.ok();
    let (project, sequence) = (id(&made["project_id"]), id(&made["sequence_id"]));
    let (track, clip) = (id(&made["meta"]["track_id"]), id(&made["snippets"][0]["video_clip_id"]));
    assert_eq!(
        made,
        json!({
            "snippets": [{
                "audio_artifact_id": hit, "source_asset_id": film, "source_start_ms": 0, "source_end_ms": 500,
                "video_clip_id": clip, "video_artifact_id": null,
                "meta": {
                    "padding_ms": 250, "max_duration_ms": 500, "artifact_start_ms": 200, "artifact_end_ms": 400,
                    "asset_duration_ms": null, "op_type": "origin_snippets.build_v1", "op_version": "v1",
                },
            }],
            "project_id": project, "sequence_id": sequence,
            "meta": {"mode": "timeline_only", "track_id": track, "next_cursor": null},
        })
    );
}

#[tokio::test]
async fn origin_in_an_artifacts_meta_is_used() {
    let state = TestState::new().await;
    let (film, take) = (state.asset("t1", Some(60_000)).await, state.asset("t1", None).await);
    for (meta, asset, start, end) in [
        (json!({}), &film, 2_000, 3_000),
        (json!({"source_asset_id": take, "source_start_ms": 40.5}), &take, 40, 1_040),
        (json!({"source_asset_id": take}), &take, 0, 1_000),
        (json!({"source_start_ms": 500, "source_end_ms": 700}), &film, 500, 700),
    ] {
        let hit = state.hit_with_meta(&film, meta.clone()).await;
        let items = json!([{"audio_artifact_id": hit, "padding_ms": 0}]);
        let made = state.batch(&json!({"items": items})).await.ok();
        let snippet = &made["snippets"][0];
        assert_eq!(snippet["source_asset_id"], json!(asset), "{meta}");
        let found =
            ["source_start_ms", "source_end_ms"].map(|field| snippet[field].as_f64().unwrap().floor());
        assert_eq!(found, [f64::from(start), f64::from(end)], "{meta}");
        // A map takes precedence over the meta.
        state.map(&hit, &film, window_ms(7_000, 7_100)).await;
        let mapped = state.batch(&json!({"items": items})).await.ok();
        assert_eq!(mapped["snippets"][0]["source_start_ms"], 7_000, "{meta}");
    }
}

#[tokio::test]
async fn clips_are_on_one_track_labelled_origin() {
    let state = TestState::new().await;
    let film = state.asset("t1", Some(60_000)).await;
    let late = state.hit(&film, Some(window_ms(5_000, 5_200)), &[]).await;
    let soon = state.hit(&film, Some(window_ms(1_000, 1_000)), &[]).await;
    let items = json!([
        {"audio_artifact_id": late}, {"audio_artifact_id": soon, "padding_ms": 0.5}, {"audio_artifact_id": late},
    ]);
    let made = state.batch(&json!({"items": items, "render_profile": "draft_480p_fast"})).await.ok();
    let order: Vec<&Value> =
        made["snippets"].as_array().unwrap().iter().map(|s| &s["audio_artifact_id"]).collect();
    assert_eq!(order, [late.as_str(), soon.as_str(), late.as_str()], "in the order of the items");

    let project = state.timeline.get_project(&context("t1"), &id(&made["project_id"])).await.unwrap();
    assert_eq!(project.title, format!("Origin snippets of {late} and 2 more"));
    assert_eq!(project.render_profile.unwrap().as_str(), "draft_480p_fast");
    let sequences = state.sequences(&project.id).await;
    assert_eq!((sequences.len(), &sequences[0].id), (1, &id(&made["sequence_id"])));
    let tracks = state.tracks(&sequences[0].id).await;
    assert_eq!((tracks.len(), tracks[0].kind, tracks[0].label.as_str()), (1, TrackKind::Video, "origin"));
    assert_eq!(tracks[0].id, id(&made["meta"]["track_id"]));

    let clips = state.clips(&tracks[0].id).await;
    let us = AssetTime::from_micros;
    let windows: Vec<_> = clips.iter().map(|clip| (clip.in_point, clip.out_point)).collect();
    let twice = (us(4_750_000), us(5_450_000));
    assert_eq!(windows, [(us(999_500), us(1_000_500)), twice, twice]);
    for clip in &clips {
        assert_eq!(
            (clip.timeline_start.since_zero(), clip.speed, &clip.asset_id),
            (clip.in_point.since_zero(), 1.0, &film)
        );
        assert_eq!(clip.meta["audio_artifact_id"], json!(clip.artifact_id));
        assert_eq!(clip.meta["op_type"], "origin_snippets.build_v1");
    }
    assert_eq!(clips[0].id, id(&made["snippets"][1]["video_clip_id"]));
}

#[tokio::test]
async fn origin_is_the_chains_map_or_the_artifacts_own_window() {
    let state = TestState::new().await;
    let (sound, film) = (state.asset("t1", Some(60_000)).await, state.asset("t1", Some(20_000)).await);
    let mapped = state.hit(&sound, Some(window_ms(0, 100)), &[]).await;
    state.map(&mapped, &film, window_ms(10_000, 10_300)).await;
    let derived = state.hit(&sound, Some(window_ms(7, 8)), &[&mapped]).await;
    let own = state.hit(&sound, Some(window_ms(59_900, 60_000)), &[]).await;
    let items: Vec<Value> = [&mapped, &derived, &own].map(|id| json!({"audio_artifact_id": id})).into();
    let made = state.batch(&json!({"items": items})).await.ok();
    let origins: Vec<Value> = made["snippets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| {
            json!([
                s["source_asset_id"],
                s["source_start_ms"],
                s["source_end_ms"],
                s["meta"]["artifact_start_ms"]
            ])
        })
        .collect();
    let of_map = json!([film, 9_750, 10_550, 10_000]);
    assert_eq!(origins, [of_map.clone(), of_map, json!([sound, 59_650, 60_000, 59_900])]);
    let uses = ClipFilter::Artifact(derived);
    assert_eq!(
        state.timeline.list_clips(&context("t1"), &uses, &Paging::default()).await.unwrap().items.len(),
        1
    );
}

#[tokio::test]
async fn rendered_snippet_has_an_origin_map_of_its_window() {
    let state = TestState::with_ffmpeg().await;
    let film = state.recording().await;
    let hit = state.hit(&film, Some(window_ms(2_000, 2_100)), &[]).await;
    // One hit has its own map, as detectors create them; the other has none.
    let mapped = state.hit(&film, None, &[]).await;
    state.map(&mapped, &film, window_ms(2_000, 2_100)).await;
    let item = |id: &Id, padding: u32| json!({"audio_artifact_id": id, "padding_ms": padding});
    let request = json!({"mode": "render_clips", "render_profile": "draft_480p_fast",
        "items": [item(&hit, 250), item(&mapped, 250), item(&mapped, 0)]});
    for _ in 0..2 {
        let made = state.batch(&request).await.ok();
        let expected = [window_ms(1_750, 2_350), window_ms(1_750, 2_350), window_ms(2_000, 2_100)];
        for (snippet, expected) in made["snippets"].as_array().unwrap().iter().zip(expected) {
            let file = id(&snippet["video_artifact_id"]);
            let found = state.origin(&file).await;
            assert_eq!((found.origin.asset_id, found.origin.window), (film.clone(), expected));
            assert_eq!(found.chain, std::slice::from_ref(&file), "its own map");
            let again = state.batch(&json!({"items": [item(&file, 0)]})).await.ok();
            let bounds = ["source_start_ms", "source_end_ms"].map(|field| &again["snippets"][0][field]);
            assert_eq!(bounds, [&json!(expected.start()), &json!(expected.end())]);
        }
    }
}

#[tokio::test]
async fn empty_batch_creates_nothing() {
    let state = TestState::new().await;
    for mode in ["timeline_only", "render_clips"] {
        let made = state.batch(&json!({"items": [], "mode": mode})).await.ok();
        assert_eq!(
            made,
            json!({"snippets": [], "project_id": null, "sequence_id": null,
                "meta": {"mode": mode, "track_id": null, "next_cursor": null}})
        );
    }
    state.assert_untouched().await;
}

#[tokio::test]
async fn empty_window_is_reported_in_its_snippet() {
    let state = TestState::new().await;
    let film = state.asset("t1", Some(5_000)).await;
    let good = state.hit(&film, Some(window_ms(1_000, 1_100)), &[]).await;
    let behind = state.hit(&film, Some(window_ms(9_000, 9_500)), &[]).await;
    let items = json!([
        {"audio_artifact_id": good, "max_duration_ms": 0}, {"audio_artifact_id": good}, {"audio_artifact_id": behind},
        {"audio_artifact_id": behind, "padding_ms": 4_001},
    ]);
    let request = json!({"items": items});
    let send = || WriteSeed::scope(Some(WriteSeed::new("a write under a key")), state.batch(&request));
    let made = send().await.ok();
    let column = |name: &str| -> Vec<Value> {
        made["snippets"].as_array().unwrap().iter().map(|snippet| snippet[name].clone()).collect()
    };
    assert_eq!(column("audio_artifact_id"), [json!(good), json!(good), json!(behind), json!(behind)]);
    assert_eq!(column("source_start_ms"), [json!(750), json!(750), json!(8_750), json!(4_999)]);
    assert_eq!(column("source_end_ms"), [json!(750), json!(1_350), json!(8_750), json!(5_000)]);
    let has_clip: Vec<bool> = column("video_clip_id").iter().map(Value::is_string).collect();
    assert_eq!(has_clip, [false, true, false, true]);
    let errors: Vec<Value> = column("meta").iter().map(|meta| meta["window_error"].clone()).collect();
    assert_eq!(errors[0], "empty_window: `max_duration_ms` is 0; use a greater one");
    let error = errors[2].as_str().unwrap();
    assert!(error.starts_with(&format!("empty_window: {behind} starts at ")), "{error}");
    assert_eq!([&errors[1], &errors[3]], [&Value::Null; 2]);

    assert_eq!(state.clips(&id(&made["meta"]["track_id"])).await.len(), 2);
    assert_eq!(send().await.ok(), made, "also of a batch that was committed before");
    let listed = state.for_audio("t1", good.as_str()).await.ok();
    assert_eq!(listed["snippets"].as_array().unwrap().len(), 1, "no clip, no entry");
}

#[tokio::test]
async fn batch_of_empty_windows_creates_no_timeline() {
    let state = TestState::new().await;
    let hit = state.hit_at("t1", window_ms(1_000, 1_100)).await;
    let project = state.project("t1").await;
    let items = json!([{"audio_artifact_id": hit, "max_duration_ms": 0}]);
    let made = state.batch(&json!({"items": items, "attach_to_project_id": project.id})).await.ok();
    assert!(made["snippets"][0]["source_asset_id"].is_string());
    let ids = [&made["snippets"][0]["video_clip_id"], &made["project_id"], &made["sequence_id"]];
    assert_eq!(ids, [&Value::Null; 3]);
    state.assert_untouched().await;
}

#[tokio::test]
async fn attached_project_gets_a_new_sequence_for_each_batch() {
    let state = TestState::new().await;
    let hit = state.hit_at("t1", window_ms(1_000, 2_000)).await;
    let project = state.project("t1").await;
    let request = json!({"items": [{"audio_artifact_id": hit}], "attach_to_project_id": project.id});
    let (first, second) = (state.batch(&request).await.ok(), state.batch(&request).await.ok());
    assert_eq!([&first["project_id"], &second["project_id"]], [&json!(project.id); 2]);
    let sequences: Vec<_> =
        state.sequences(&project.id).await.into_iter().map(|sequence| sequence.id).collect();
    assert_eq!(sequences, [id(&first["sequence_id"]), id(&second["sequence_id"])]);
    assert_eq!(state.timeline.get_project(&context("t1"), &project.id).await.unwrap(), project, "as it was");
}

#[tokio::test]
async fn batch_uses_a_constant_number_of_statements() {
    let state = TestState::new().await;
    let film = state.asset("t1", Some(60_000)).await;
    let mut items = Vec::new();
    for index in 0..100 {
        let hit = state.hit(&film, Some(window_ms(index * 100, index * 100 + 50)), &[]).await;
        items.push(json!({"audio_artifact_id": hit}));
    }
    let mut counts = Vec::new();
    for count in [1, 1_000] {
        let some: Vec<&Value> = items.iter().cycle().take(count).collect();
        let before = statements::on_this_thread();
        let made = state.batch(&json!({"items": some})).await.ok();
        assert_eq!(made["snippets"].as_array().unwrap().len(), count);
        counts.push(statements::on_this_thread() - before);
    }
    println!("statements for a batch of 1 and of 1000 items: {counts:?}");
    assert_eq!(counts[0], counts[1]);
    assert!((6..=16).contains(&counts[0]), "statements are counted at all: {counts:?}");
}

/// The timeline served over HTTP on a free port; it stores idempotency keys in the database of `pool`.
fn served(local: TimelineService, pool: sqlx::PgPool) -> HttpTimeline {
    let (router, _) = video_timeline::router(local).split_for_parts();
    let keys = axum::middleware::from_fn_with_state(
        http_kit::idempotency::Keys::new(pool),
        http_kit::idempotency::layer,
    );
    let router = http_kit::boundary::layer(router.layer(keys));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    HttpTimeline::new(HttpTimelineConfig::new(url)).unwrap()
}

#[tokio::test]
async fn retry_finds_a_committed_batch_on_a_remote_timeline() {
    let state = TestState::with_remote(|local, pool| Arc::new(served(local, pool))).await;
    let hits =
        [state.hit_at("t1", window_ms(1_000, 1_200)).await, state.hit_at("t1", window_ms(0, 100)).await];
    let request = json!({"items": [{"audio_artifact_id": hits[0]}, {"audio_artifact_id": hits[1]}]});
    let send = || WriteSeed::scope(Some(WriteSeed::new("a write under a key")), state.batch(&request));
    let made = send().await.ok();
    assert_eq!(send().await.ok(), made);
    let other = WriteSeed::scope(Some(WriteSeed::new("another")), state.batch(&request));
    assert_ne!(other.await.ok()["sequence_id"], made["sequence_id"]);
}
