//! `DELETE /media-v2/artifacts/{id}`.

use db::testing::statements;
use serde_json::{Value, json};
use test_kit::post_artifact;

use crate::support::{TestState, counts};

fn path(artifact: &str) -> String {
    format!("/media-v2/artifacts/{artifact}")
}

async fn delete(state: &TestState, artifact: &str, query: &str) -> u16 {
    state.api.delete(&format!("{}{query}", path(artifact))).await.status
}

#[tokio::test]
async fn artifact_is_removed_with_what_was_measured_from_it() {
    let state = TestState::new().await;
    let asset = state.asset().await;
    let before = state.rows("t1").await;
    let artifacts = state.measure(&asset).await;
    let [timeline, transcript, hit] = artifacts.as_slice() else { panic!("{artifacts:?}") };
    assert_eq!(delete(&state, timeline, "").await, 204);
    for gone in [timeline, transcript] {
        state.api.get(&path(gone)).await.problem(404, "artifact_not_found");
    }
    state.api.delete(&path(timeline)).await.problem(404, "artifact_not_found");
    state.api.get(&path(hit)).await.ok();
    let left = state.rows("t1").await;
    for table in ["spoken_windows", "timeline_speakers", "artifact_upstreams"] {
        assert!(left.iter().all(|(name, _)| name != table), "{table}: {left:?}");
    }
    // Its own origin map does not keep it, and leaves with it, like the run that found it.
    assert_eq!(delete(&state, hit, "").await, 204);
    let mut left = state.rows("t1").await;
    left.retain(|(table, _)| table != "waveforms");
    assert_eq!(left, before);
}

#[tokio::test]
async fn artifacts_of_others_are_not_removed() {
    let state = TestState::new().await;
    let asset = state.asset().await;
    let hit = state.hit(&asset).await;
    for other in [state.api.tenant("t2"), state.api.header("x-env", "prod")] {
        other.delete(&path(&hit)).await.problem(404, "artifact_not_found");
    }
    state.api.delete(&path("none")).await.problem(404, "artifact_not_found");
    state.api.delete(&format!("{}?cascaded=true", path(&hit))).await.problem(422, "invalid_query");
    state.api.get(&path(&hit)).await.ok();
}

/// Deletes the artifact, which something of `kind` with the id `id` keeps, and then with `cascade`.
async fn is_kept_and_removed(state: &TestState, artifact: &str, kind: &str, id: &str) {
    let before = state.rows("t1").await;
    let problem = state.api.delete(&path(artifact)).await.problem(409, "artifact_in_use");
    assert_eq!(counts(&problem), json!({kind: 1}), "{problem}");
    assert_eq!((&problem["usages"][0]["kind"], &problem["usages"][0]["id"]), (&json!(kind), &json!(id)));
    assert!(problem["detail"].as_str().unwrap().contains(kind), "{problem}");
    assert_eq!(state.rows("t1").await, before, "nothing is removed");
    assert_eq!(delete(state, artifact, "?cascade=true").await, 204);
    state.api.get(&path(artifact)).await.problem(404, "artifact_not_found");
}

#[tokio::test]
async fn work_of_users_keeps_an_artifact() {
    let state = TestState::new().await;
    let (asset, other) = (state.asset().await, state.asset().await);
    let (_, track) = state.track().await;

    // A clip of another recording stays, and represents no sample then.
    let hit = state.hit(&asset).await;
    let clip = state.clip(&track, &other, json!({"artifact_id": hit})).await;
    is_kept_and_removed(&state, &hit, "clip", &clip).await;
    assert_eq!(state.api.get(&format!("/video/clips/{clip}")).await.ok()["artifact_id"], Value::Null);

    let hit = state.hit(&asset).await;
    let upstream = json!({"kind": "audio_sample_fx", "upstream_artifact_ids": [hit]});
    let effect = post_artifact(&state.api, &other, upstream).await;
    is_kept_and_removed(&state, &hit, "audio_sample_fx", &effect).await;
    state.api.get(&path(&effect)).await.problem(404, "artifact_not_found");

    let hit = state.hit(&asset).await;
    let pattern = "INSERT INTO audio_patterns (tenant_id, env, id, created_at, timeline)
        SELECT $1, 'dev', $2, now(), jsonb_build_object('pattern_id', $2::text, 'clips',
            jsonb_build_array(jsonb_build_object('artifact_id', $3::text)))";
    state.execute(pattern, "pattern_1", &hit).await;
    is_kept_and_removed(&state, &hit, "pattern", "pattern_1").await;

    let hit = state.hit(&asset).await;
    let job = "INSERT INTO jobs (tenant_id, env, id, kind, priority, state, ticket, request_id, access_level, path, body,
            created_at)
        SELECT $1, 'dev', $2, 'origin_snippets', 'interactive', 'queued', 1, 'r', 'write', '/',
            jsonb_build_object('artifact_id', $3::text), now()";
    state.execute(job, "job_1", &hit).await;
    is_kept_and_removed(&state, &hit, "job", "job_1").await;
}

#[tokio::test]
async fn registered_artifact_does_not_keep_itself() {
    let state = TestState::new().await;
    let (asset, other) = (state.asset().await, state.asset().await);
    let registered = post_artifact(&state.api, &asset, json!({})).await;
    // Its origin is in another recording.
    let map = json!({"parent_asset_id": other, "source_start_ms": 0, "source_end_ms": 5});
    state.api.put(&format!("/audio/to-video-origin/origin-maps/{registered}"), &map).await.ok();
    assert_eq!(delete(&state, &registered, "").await, 204);
    let list = state.shot_list(&[&asset, &other]).await;
    assert_eq!(delete(&state, &list, "").await, 204);
    for asset in [asset, other] {
        assert_eq!(state.api.delete(&format!("/media-v2/assets/{asset}")).await.status, 204);
    }
}

#[tokio::test]
async fn render_is_removed_with_its_file_and_its_segments() {
    let state = TestState::new().await;
    let (source, file) = (state.asset().await, state.asset().await);
    let render = post_artifact(&state.api, &source, json!({"kind": "render"})).await;
    let segment = json!({"kind": "render_segment", "upstream_artifact_ids": [render]});
    let segment = post_artifact(&state.api, &source, segment).await;
    let stored = "INSERT INTO renders (tenant_id, env, render_key, parent_asset_id, artifact_id, render_asset_id, plan)
        SELECT $1, 'dev', repeat('1', 64), a.parent_asset_id, $2, $3, '{}' FROM artifacts a WHERE a.id = $2";
    state.execute(stored, &render, &file).await;
    // A segment belongs to the film.
    let problem = state.api.delete(&path(&segment)).await.problem(409, "artifact_in_use");
    assert_eq!(counts(&problem), json!({"render": 1}));
    let (_, track) = state.track().await;
    let clip = state.clip(&track, &file, json!({})).await;
    let problem = state.api.delete(&path(&render)).await.problem(409, "artifact_in_use");
    assert_eq!(counts(&problem), json!({"clip": 1}));
    assert!(state.api.delete(&format!("/video/clips/{clip}")).await.status < 300);
    assert_eq!(delete(&state, &render, "").await, 204);
    state.api.get(&path(&segment)).await.problem(404, "artifact_not_found");
    state.api.get(&format!("/media-v2/assets/{file}")).await.problem(404, "asset_not_found");
    state.api.get(&format!("/media-v2/assets/{source}")).await.ok();
}

#[tokio::test]
async fn number_of_statements_does_not_grow_with_what_was_measured_from_an_artifact() {
    let state = TestState::new().await;
    let asset = state.asset().await;
    let mut counted = Vec::new();
    for derived in [1, 30] {
        let hit = state.hit(&asset).await;
        let own = json!({"meta": {"backend_version": "samples_v2"}, "upstream_artifact_ids": [hit]});
        for _ in 0..derived {
            post_artifact(&state.api, &asset, own.clone()).await;
        }
        let before = statements::on_this_thread();
        assert_eq!(delete(&state, &hit, "").await, 204);
        counted.push(statements::on_this_thread() - before);
    }
    assert!(counted[0] > 0 && counted[0] == counted[1], "{counted:?}");
}
