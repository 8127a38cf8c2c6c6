//! `DELETE /media-v2/assets/{id}?cascade=true`.

use db::testing::TestDatabase;
use serde_json::json;
use test_kit::post_artifact;

use crate::support::TestState;

async fn remove(state: &TestState, asset: &str) {
    let reply = state.api.delete(&format!("/media-v2/assets/{asset}?cascade=true")).await;
    assert_eq!(reply.status, 204, "{}", reply.text());
}

#[tokio::test]
async fn cascade_removes_what_users_made_with_the_asset() {
    let state = TestState::new().await;
    let other = state.asset().await;
    let (_, track) = state.track().await;
    let before = state.rows("t1").await;
    let asset = state.asset().await;
    state.measure(&asset).await;
    let hit = state.hit(&asset).await;
    state.clip(&track, &asset, json!({})).await;
    state.shot_list(&[&asset, &other]).await;
    post_artifact(&state.api, &other, json!({"kind": "audio_sample_fx", "upstream_artifact_ids": [hit]}))
        .await;
    for (statement, id) in [
        (
            "INSERT INTO audio_patterns (tenant_id, env, id, created_at, timeline)
             SELECT $1, 'dev', $2, now(), jsonb_build_object('pattern_id', $2::text, 'clips',
                 jsonb_build_array(jsonb_build_object('artifact_id', $3::text)))",
            "pattern_1",
        ),
        (
            "INSERT INTO origin_snippets (tenant_id, env, clip_id, audio_artifact_id, source_asset_id, source_start_us,
                 source_end_us, project_id, sequence_id, track_id, mode, created_at, meta)
             SELECT $1, 'dev', $2, $3, parent_asset_id, 0, 5, 'p', 's', 't', 'timeline_only', now(), '{}'
             FROM artifacts WHERE id = $3",
            "clip_1",
        ),
    ] {
        state.execute(statement, id, &hit).await;
    }
    remove(&state, &asset).await;
    assert_eq!(state.rows("t1").await, before);
}

#[tokio::test]
async fn clips_of_other_recordings_stay_and_represent_nothing() {
    let state = TestState::new().await;
    let (asset, other) = (state.asset().await, state.asset().await);
    let (_, track) = state.track().await;
    let hit = state.hit(&asset).await;
    let clip = state.clip(&track, &other, json!({"artifact_id": hit})).await;
    remove(&state, &asset).await;
    let clip = state.api.get(&format!("/video/clips/{clip}")).await.ok();
    assert_eq!((&clip["asset_id"], &clip["artifact_id"]), (&json!(other), &json!(null)));
}

#[tokio::test]
async fn films_leave_with_any_of_their_sources() {
    let state = TestState::new().await;
    let (asset, other, film) = (state.asset().await, state.asset().await, state.asset().await);
    let render = post_artifact(&state.api, &film, json!({"kind": "render"})).await;
    let stored = "INSERT INTO renders (tenant_id, env, render_key, parent_asset_id, artifact_id, render_asset_id, plan)
        VALUES ($1, 'dev', repeat('1', 64), $3, $2, $3, '{}')";
    state.execute(stored, &render, &film).await;
    for source in [&asset, &other] {
        let segment = json!({"kind": "render_segment", "upstream_artifact_ids": [render]});
        post_artifact(&state.api, source, segment).await;
    }
    remove(&state, &asset).await;
    state.api.get(&format!("/media-v2/assets/{film}")).await.problem(404, "asset_not_found");
    let other = state.api.get(&format!("/media-v2/assets/{other}")).await.ok();
    assert_eq!(other["artifacts"], json!([]));
    assert_eq!(state.rows("t1").await, [("media_assets".to_owned(), 1)]);
}

#[tokio::test]
async fn shared_file_of_a_render_stays_with_the_other_recording() {
    let state = TestState::new().await;
    let (asset, same, file) = (state.asset().await, state.asset().await, state.asset().await);
    let stored = "INSERT INTO renders (tenant_id, env, render_key, parent_asset_id, artifact_id, render_asset_id, plan)
        SELECT $1, 'dev', repeat('1', 64), parent_asset_id, $2, $3, '{}' FROM artifacts WHERE id = $2";
    for parent in [&asset, &same] {
        let render = post_artifact(&state.api, parent, json!({"kind": "render"})).await;
        state.execute(stored, &render, &file).await;
    }
    remove(&state, &asset).await;
    state.api.get(&format!("/media-v2/assets/{file}")).await.ok();
    remove(&state, &same).await;
    state.api.get(&format!("/media-v2/assets/{file}")).await.problem(404, "asset_not_found");
    assert!(state.rows("t1").await.is_empty());
}

#[tokio::test]
async fn runs_of_other_recordings_that_name_a_removed_sample_are_removed() {
    let state = TestState::new().await;
    let (asset, other) = (state.asset().await, state.asset().await);
    let phrase = json!({"kind": "audio_phrase", "upstream_artifact_ids": [state.hit(&asset).await]});
    let phrase = post_artifact(&state.api, &other, phrase).await;
    let run = "INSERT INTO sample_runs (tenant_id, env, cache_key, asset_id, created_at, found)
        SELECT $1, 'dev', $3, $2, now(), jsonb_build_object('samples', jsonb_build_array(
            jsonb_build_object('artifact_id', $3::text)))";
    state.execute(run, &other, &phrase).await;
    state.execute(run, &other, "another").await;
    remove(&state, &asset).await;
    let left: Vec<String> =
        sqlx::query_scalar("SELECT cache_key FROM sample_runs").fetch_all(&state.media.pool()).await.unwrap();
    assert_eq!(left, ["another"]);
}

/// Without this, a table that a later migration adds could keep assets from being removed, or keep rows of them.
#[tokio::test]
async fn every_table_that_refers_to_assets_or_artifacts_is_known() {
    let database = TestDatabase::create().await;
    let references: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT conrelid::regclass::text FROM pg_constraint
         WHERE contype = 'f' AND confrelid IN ('media_assets'::regclass, 'artifacts'::regclass, 'shot_lists'::regclass)
         ORDER BY 1",
    )
    .fetch_all(&database.pool)
    .await
    .unwrap();
    let known = [
        "artifact_upstreams",
        "artifacts",
        "fingerprint_sources",
        "origin_maps",
        "origin_snippets",
        "pattern_renders",
        "renders",
        "sample_runs",
        "samples",
        "shot_list_sources",
        "shot_lists",
        "spoken_windows",
        "timeline_corrections",
        "timeline_speakers",
    ];
    assert_eq!(references, known, "see `store/deletion.rs`");
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_removals_and_registrations_leave_no_half_asset() {
    let state = TestState::new().await;
    for _ in 0..5 {
        let asset = state.asset().await;
        let path = format!("/media-v2/assets/{asset}");
        let hit = state.hit(&asset).await;
        let artifacts = format!("{path}/artifacts");
        let new = json!({"kind": "audio_hit", "uri": "mem:x", "upstream_artifact_ids": [hit]});
        let cascade = format!("{path}?cascade=true");
        let (first, second, registered, more) = tokio::join!(
            state.api.delete(&cascade),
            state.api.delete(&cascade),
            state.api.post(&artifacts, &new),
            state.api.post(&artifacts, &new),
        );
        let mut statuses = [first.status, second.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 404]);
        for registered in [registered, more] {
            assert!([201, 404].contains(&registered.status), "{}", registered.text());
        }
        assert!(state.rows("t1").await.is_empty());
    }
}
