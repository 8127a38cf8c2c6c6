//! `DELETE /media-v2/assets/{id}` without `cascade`.

use std::sync::Arc;

use db::testing::{TestDatabase, statements};
use housekeeping::Removal;
use serde_json::{Value, json};
use test_kit::{context, post_artifact};
use video_timeline::TimelineService;

use crate::support::{TestState, counts};

#[tokio::test]
async fn measurements_are_removed_with_their_asset() {
    let state = TestState::new().await;
    let (asset, other, stranger) =
        (state.asset().await, state.asset().await, state.asset_of("t2", &[]).await);
    let before = state.rows("t1").await;
    let artifacts = state.measure(&asset).await;
    let measured = state.rows("t1").await;
    for table in [
        "artifacts",
        "artifact_upstreams",
        "origin_maps",
        "sample_runs",
        "samples",
        "spoken_windows",
        "timeline_speakers",
        "waveforms",
    ] {
        assert!(measured.iter().any(|(name, _)| name == table), "{table}: {measured:?}");
    }
    let path = format!("/media-v2/assets/{asset}");
    assert_eq!(state.api.delete(&path).await.status, 204);
    let mut left = before;
    left.retain(|(table, _)| table != "media_assets");
    left.push(("media_assets".to_owned(), 1));
    assert_eq!(state.rows("t1").await, left);
    state.api.get(&path).await.problem(404, "asset_not_found");
    state.api.delete(&path).await.problem(404, "asset_not_found");
    for artifact in artifacts {
        state.api.get(&format!("/media-v2/artifacts/{artifact}")).await.problem(404, "artifact_not_found");
    }
    state.api.get(&format!("/media-v2/assets/{other}")).await.ok();
    state.api.tenant("t2").get(&format!("/media-v2/assets/{stranger}")).await.ok();
}

#[tokio::test]
async fn assets_of_others_are_not_removed() {
    let state = TestState::new().await;
    let asset = state.asset().await;
    let path = format!("/media-v2/assets/{asset}?cascade=true");
    for other in [state.api.tenant("t2"), state.api.header("x-env", "prod")] {
        other.delete(&path).await.problem(404, "asset_not_found");
    }
    state.api.delete("/media-v2/assets/none").await.problem(404, "asset_not_found");
    state.api.delete(&format!("/media-v2/assets/{asset}?cascaded=true")).await.problem(422, "invalid_query");
    state.api.get(&format!("/media-v2/assets/{asset}")).await.ok();
}

/// Deletes the asset, which something of `kind` with the id `id` keeps.
async fn is_kept(state: &TestState, asset: &str, kind: &str, id: &str) -> Value {
    let before = state.rows("t1").await;
    let problem = state.api.delete(&format!("/media-v2/assets/{asset}")).await.problem(409, "asset_in_use");
    let usages = problem["usages"].as_array().unwrap();
    let found = usages.iter().find(|usage| usage["kind"] == kind && usage["id"] == id);
    assert!(found.is_some(), "{kind} {id}: {problem}");
    assert!(counts(&problem)[kind].as_u64().unwrap() > 0, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains(kind), "{problem}");
    assert_eq!(state.rows("t1").await, before, "nothing is removed");
    found.unwrap().clone()
}

#[tokio::test]
async fn work_of_users_keeps_an_asset() {
    let state = TestState::new().await;
    let (project, track) = state.track().await;
    let other = state.asset().await;

    let asset = state.asset().await;
    let clip = state.clip(&track, &asset, json!({})).await;
    let usage = is_kept(&state, &asset, "clip", &clip).await;
    assert_eq!(usage, json!({"kind": "clip", "id": clip, "project_id": project}));

    // A clip of another recording represents a sample.
    let asset = state.asset().await;
    let hit = state.hit(&asset).await;
    let clip = state.clip(&track, &other, json!({"artifact_id": hit})).await;
    is_kept(&state, &asset, "clip", &clip).await;

    let asset = state.asset().await;
    let list = state.shot_list(&[&other, &asset]).await;
    is_kept(&state, &asset, "video_shot_list", &list).await;

    let asset = state.asset().await;
    let registered = post_artifact(&state.api, &asset, json!({})).await;
    is_kept(&state, &asset, "audio_hit", &registered).await;

    // Made of a sample, and registered with another recording.
    let asset = state.asset().await;
    let upstream = json!({"kind": "audio_sample_fx", "upstream_artifact_ids": [state.hit(&asset).await]});
    let effect = post_artifact(&state.api, &other, upstream).await;
    is_kept(&state, &asset, "audio_sample_fx", &effect).await;

    // Audio of another recording is mapped to this one, and a sample of this one to another.
    for from_other in [true, false] {
        let asset = state.asset().await;
        let (of, to) = if from_other { (&other, &asset) } else { (&asset, &other) };
        let mapped = state.hit(of).await;
        let map = json!({"parent_asset_id": to, "source_start_ms": 0, "source_end_ms": 5});
        state.api.put(&format!("/audio/to-video-origin/origin-maps/{mapped}"), &map).await.ok();
        is_kept(&state, &asset, "origin_map", &mapped).await;
    }
}

#[tokio::test]
async fn patterns_snippets_renders_and_jobs_keep_an_asset() {
    let state = TestState::new().await;
    let other = state.asset().await;

    let asset = state.asset().await;
    let hit = state.hit(&asset).await;
    let pattern = "INSERT INTO audio_patterns (tenant_id, env, id, created_at, timeline)
        SELECT $1, 'dev', $2, now(), jsonb_build_object('pattern_id', $2::text, 'clips',
            jsonb_build_array(jsonb_build_object('artifact_id', $3::text)))";
    state.execute(pattern, "pattern_1", &hit).await;
    is_kept(&state, &asset, "pattern", "pattern_1").await;

    let asset = state.asset().await;
    let snippet = "INSERT INTO origin_snippets (tenant_id, env, clip_id, audio_artifact_id, source_asset_id, source_start_us,
            source_end_us, project_id, sequence_id, track_id, mode, created_at, meta)
        SELECT $1, 'dev', 'clip_1', $2, $3, 0, 5, 'p', 's', 't', 'timeline_only', now(), '{}'";
    let hit = state.hit(&other).await;
    state.execute(snippet, &hit, &asset).await;
    is_kept(&state, &asset, "snippet", "clip_1").await;

    let asset = state.asset().await;
    let render = post_artifact(&state.api, &asset, json!({"kind": "render"})).await;
    is_kept(&state, &asset, "render", &render).await;

    let asset = state.asset().await;
    let job = "INSERT INTO jobs (tenant_id, env, id, kind, priority, state, ticket, request_id, access_level, path, body,
            created_at)
        SELECT $1, 'dev', $2, 'analyze', 'interactive', 'queued', 1, 'r', 'write', '/', jsonb_build_object('asset_id', $3::text),
            now()";
    state.execute(job, "job_1", &asset).await;
    is_kept(&state, &asset, "job", "job_1").await;
    // One that has ended does not.
    state
        .execute(
            "UPDATE jobs SET state = 'cancelled', finished_at = now() WHERE tenant_id = $1 AND id = $2 AND $3 = ''",
            "job_1",
            "",
        )
        .await;
    assert_eq!(state.api.delete(&format!("/media-v2/assets/{asset}")).await.status, 204);
}

#[tokio::test]
async fn rendered_file_is_removed_with_its_records() {
    let state = TestState::new().await;
    let (source, file) = (state.asset().await, state.asset().await);
    let render = post_artifact(&state.api, &source, json!({"kind": "render"})).await;
    let stored = "INSERT INTO renders (tenant_id, env, render_key, parent_asset_id, artifact_id, render_asset_id, plan)
        SELECT $1, 'dev', repeat('1', 64), a.parent_asset_id, $2, $3, '{}' FROM artifacts a WHERE a.id = $2";
    state.execute(stored, &render, &file).await;
    is_kept(&state, &source, "render", &render).await;
    assert_eq!(state.api.delete(&format!("/media-v2/assets/{file}")).await.status, 204);
    state.api.get(&format!("/media-v2/artifacts/{render}")).await.problem(404, "artifact_not_found");
    // Nothing refers to the source any more.
    assert_eq!(state.api.delete(&format!("/media-v2/assets/{source}")).await.status, 204);
}

#[tokio::test]
async fn usages_are_counted_and_the_first_ones_listed() {
    let state = TestState::new().await;
    let asset = state.asset().await;
    let mut registered = Vec::new();
    for _ in 0..23 {
        registered.push(post_artifact(&state.api, &asset, json!({})).await);
    }
    let list = state.shot_list(&[&asset]).await;
    let problem = state.api.delete(&format!("/media-v2/assets/{asset}")).await.problem(409, "asset_in_use");
    assert_eq!(counts(&problem), json!({"audio_hit": 23, "video_shot_list": 1}));
    registered.sort();
    let listed: Vec<Value> = registered[..20]
        .iter()
        .map(|id| json!({"kind": "audio_hit", "id": id, "project_id": null}))
        .chain([json!({"kind": "video_shot_list", "id": list, "project_id": null})])
        .collect();
    assert_eq!(problem["usages"], json!(listed));
}

#[tokio::test]
async fn fingerprints_leave_with_their_asset() {
    let state = TestState::new().await;
    let (asset, other) = (state.asset().await, state.asset().await);
    let index = "WITH owner AS (
            INSERT INTO fingerprint_owners (tenant_id, env) VALUES ($1, 'dev') RETURNING id
        ), source AS (
            INSERT INTO fingerprint_sources (tenant_id, env, asset_id, owner_id, version, duration_us, landmark_count,
                indexed_at)
            SELECT $1, 'dev', asset_id, owner.id, 1, 5, 3, now()
            FROM owner CROSS JOIN unnest(ARRAY [$2::text, $3::text]) AS asset_id
            RETURNING owner_id, id
        )
        INSERT INTO fingerprint_landmarks (owner_id, hash, source_id, frame)
        SELECT owner_id, frame, id, frame FROM source CROSS JOIN generate_series(1, 3) AS frame";
    state.execute(index, &asset, &other).await;
    assert_eq!(state.api.delete(&format!("/media-v2/assets/{asset}")).await.status, 204);
    let left = "SELECT s.asset_id, count(l) FROM fingerprint_landmarks l
        LEFT JOIN fingerprint_sources s ON s.owner_id = l.owner_id AND s.id = l.source_id GROUP BY s.asset_id";
    let left: Vec<(Option<String>, i64)> = sqlx::query_as(left).fetch_all(&state.media.pool()).await.unwrap();
    assert_eq!(left, [(Some(other), 3)]);
}

#[tokio::test]
async fn number_of_statements_does_not_grow_with_the_artifacts() {
    let state = TestState::new().await;
    let mut counted = Vec::new();
    for hits in [1, 30] {
        let asset = state.asset().await;
        for _ in 0..hits {
            state.hit(&asset).await;
        }
        let before = statements::on_this_thread();
        assert_eq!(state.api.delete(&format!("/media-v2/assets/{asset}")).await.status, 204);
        counted.push(statements::on_this_thread() - before);
    }
    assert!(counted[0] > 0 && counted[0] == counted[1], "{counted:?}");
}

#[tokio::test]
async fn dry_run_removes_nothing() {
    let state = TestState::new().await;
    let asset = state.asset().await;
    state.measure(&asset).await;
    let before = state.rows("t1").await;
    let id = asset.parse().unwrap();
    let removal = Removal { cascade: true, dry_run: true };
    let removed = state.housekeeping.remove_asset(&context("t1"), &id, removal).await.unwrap();
    assert_eq!((removed.assets, removed.artifacts), (1, 3));
    assert_eq!(state.rows("t1").await, before);
}

#[tokio::test]
async fn clips_of_a_remote_timeline_keep_an_asset() {
    let remote = TestDatabase::create().await;
    let media = test_kit::TestMedia::new().await;
    let timeline = TimelineService::new(remote.pool.clone(), media.clock.clone());
    let state = TestState::with_remote_timeline(Some(Arc::new(timeline.clone()))).await;
    let (router, _) = video_timeline::router(timeline).split_for_parts();
    let there =
        TestState { api: test_kit::Api::new(router), media, housekeeping: state.housekeeping.clone() };
    let (asset, (_, track)) = (state.asset().await, there.track().await);
    let clip = there.clip(&track, &asset, json!({})).await;
    let usage = is_kept(&state, &asset, "clip", &clip).await;
    assert_eq!(usage["project_id"], json!(null));
    assert_eq!(state.api.delete(&format!("/media-v2/assets/{asset}?cascade=true")).await.status, 204);
    assert_eq!(there.api.get(&format!("/video/clips/{clip}")).await.status, 200, "not ours to remove");
}
