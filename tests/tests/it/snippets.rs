//! Origin snippets: from audio artifacts to clips and files; failed windows, missing programs, crashes.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use e2e::{Api, Deployment, Server, media};
use serde_json::{Value, json};
use test_kit::wait_for;
use tokio::time::sleep;

use crate::analysis::{ANALYZE, assert_covers};

const BATCH: &str = "/origin-snippets/batch";
const DRAFT: &str = "draft_480p_fast";

/// Registers a hit of `[start, end)` of the asset; returns its id.
async fn hit(api: &Api, asset: &Value, start_ms: u32, end_ms: u32) -> Value {
    let path = format!("/media-v2/assets/{}/artifacts", asset["id"].as_str().unwrap());
    let hit = json!({"kind": "audio_hit", "uri": "mem:hit", "start_ms": start_ms, "end_ms": end_ms});
    api.post(&path, &hit).await.ok()["id"].clone()
}

async fn artifact(api: &Api, id: &Value) -> Value {
    api.get(&format!("/media-v2/artifacts/{}", id.as_str().unwrap())).await.ok()
}

async fn for_audio(api: &Api, id: &Value) -> Value {
    api.get(&format!("/origin-snippets/for-audio/{}", id.as_str().unwrap())).await.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_are_rendered_with_their_lineage() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev").user("u1");
    let film = api.upload(&media::fixture("talk_and_music.mp4")).await;
    let (first, second) = (hit(&api, &film, 200, 400).await, hit(&api, &film, 200, 400).await);
    let item = |id: &Value| json!({"audio_artifact_id": id, "padding_ms": 250, "max_duration_ms": 500});
    let request = json!({"tenant_id": "t1", "env": "dev", "user_id": "u1", "mode": "render_clips",
        "render_profile": DRAFT, "items": [item(&first), item(&second)]});
    let made = api.post(BATCH, &request).await.ok();

    let snippet = &made["snippets"][0];
    assert_eq!(
        (&snippet["source_start_ms"], &snippet["source_end_ms"]),
        (&json!(0), &json!(500)),
        "{snippet}"
    );
    assert_eq!(snippet["source_asset_id"], film["id"]);
    let registered = artifact(&api, &snippet["video_artifact_id"]).await;
    assert_eq!(
        (&registered["kind"], &registered["parent_asset_id"]),
        (&json!("render_snippet"), &film["id"])
    );
    assert_eq!((&registered["start_ms"], &registered["end_ms"]), (&json!(0), &json!(500)));
    assert_eq!(registered["upstream_artifact_ids"], json!([first]));
    let expected = json!({
        "op_type": "origin_snippets.build_v1", "op_version": "v1", "source_start_ms": 0, "source_end_ms": 500,
        "project_id": made["project_id"], "sequence_id": made["sequence_id"], "clip_id": snippet["video_clip_id"],
        "render_artifact_id": snippet["meta"]["render_artifact_id"],
        "render_asset_id": snippet["meta"]["render_asset_id"], "render_profile": DRAFT, "mode": "render_clips",
        "audio_artifact_id": first,
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&registered["meta"][name], value, "{name}");
    }
    assert_file(&api, &snippet["video_artifact_id"]).await;
    assert_eq!(
        shown(&api, &snippet["video_artifact_id"]).await,
        json!([film["id"], 0, 100]),
        "padding included"
    );
    assert_eq!(shown(&api, &first).await, json!([film["id"], 200, 300]));
    let render = artifact(&api, &snippet["meta"]["render_artifact_id"]).await;
    assert_eq!((&render["kind"], &render["uri"]), (&json!("render"), &registered["uri"]));
    assert!(render["meta"]["render_key"].is_string(), "{render}");
    for meta in [&snippet["meta"], &registered["meta"]] {
        assert_eq!(meta["render_key"], render["meta"]["render_key"]);
    }

    let twin = &made["snippets"][1];
    assert_ne!(twin["video_artifact_id"], snippet["video_artifact_id"], "each clip has a lineage of its own");
    assert_eq!(twin["meta"]["render_artifact_id"], snippet["meta"]["render_artifact_id"], "rendered once");

    let again = json!({"mode": "render_clips", "render_profile": DRAFT, "items": [item(&first)],
        "attach_to_project_id": made["project_id"]});
    let again = api.post(BATCH, &again).await.ok();
    assert_eq!(again["project_id"], made["project_id"]);
    assert_ne!(again["sequence_id"], made["sequence_id"]);
    let reused = &again["snippets"][0]["meta"];
    assert_eq!(reused["render_artifact_id"], snippet["meta"]["render_artifact_id"], "found, not made again");

    let listed = for_audio(&api, &first).await;
    let ids: Vec<&Value> =
        listed["snippets"].as_array().unwrap().iter().map(|s| &s["video_artifact_id"]).collect();
    assert_eq!(ids, [&again["snippets"][0]["video_artifact_id"], &snippet["video_artifact_id"]]);
    server.stop().await;
}

/// The source recording, begin and end of a shot of the artifact's first 100 ms.
async fn shown(api: &Api, id: &Value) -> Value {
    let clip = json!({"artifact_id": id, "start_ms": 0, "duration_ms": 100});
    let request = json!({"sequence": {"tracks": [{"name": "a", "clips": [clip]}]}, "alignment": "none"});
    let shot = &api.post("/audio/to-video-origin", &request).await.ok()["shots"][0];
    json!([shot["source_asset_id"], shot["source_start_ms"], shot["source_end_ms"]])
}

/// Asserts that the artifact's bytes are an MP4 file.
async fn assert_file(api: &Api, id: &Value) {
    let content = api.get(&format!("/media-v2/artifacts/{}/content", id.as_str().unwrap())).await;
    assert_eq!((content.status, content.header("content-type")), (200, Some("video/mp4")));
    assert_eq!(&content.body[4..8], b"ftyp");
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_window_does_not_lose_the_others() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let film = api.upload(&media::fixture("talk_and_music.mp4")).await;
    let gone = api.upload(&media::fixture("silent_video.mp4")).await;
    let (good, bad) = (hit(&api, &film, 1_000, 1_100).await, hit(&api, &gone, 500, 600).await);
    let lost = blob(server.deployment().data_directory(), &gone).unwrap();
    std::fs::remove_file(&lost).unwrap();

    let items: Vec<Value> = [&bad, &good].map(|id| json!({"audio_artifact_id": id, "padding_ms": 0})).into();
    let request = json!({"items": items, "mode": "render_clips", "render_profile": DRAFT});
    let made = api.post(BATCH, &request).await.ok();
    let (failed, rendered) = (&made["snippets"][0], &made["snippets"][1]);
    assert_eq!(failed["video_artifact_id"], Value::Null);
    assert!(failed["video_clip_id"].is_string(), "its clip is there");
    let render_error = failed["meta"]["render_error"].as_str().unwrap();
    assert!(render_error.starts_with("content_missing: "), "{render_error}");
    assert!(!render_error.contains(lost.to_str().unwrap()), "{render_error}");
    assert_eq!(rendered["meta"]["render_error"], Value::Null);
    assert_file(&api, &rendered["video_artifact_id"]).await;
    let listed = for_audio(&api, &bad).await;
    assert_eq!(listed["snippets"][0]["meta"]["render_error"], render_error);
    server.stop().await;
}

/// Path of the blob of an uploaded asset below `directory`: it ends in the asset's hash.
fn blob(directory: &Path, asset: &Value) -> Option<PathBuf> {
    let hash = asset["content_sha256"].as_str().unwrap();
    std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).find_map(|path| {
        if path.is_dir() {
            blob(&path, asset)
        } else {
            path.to_str().unwrap().replace('/', "").ends_with(hash).then_some(path)
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn snippets_without_ffmpeg_are_clips_without_renders() {
    let server = Deployment::new().await.start_with(&[("HARKBACK_FFMPEG", "/nowhere/ffmpeg")]).await;
    let api = server.api("t1", "dev");
    let film = api.upload(&media::fixture("talk_and_music.mp4")).await;
    let hit = hit(&api, &film, 200, 400).await;
    let mut request = json!({"items": [{"audio_artifact_id": hit}], "mode": "render_clips"});
    api.post(BATCH, &request).await.problem(503, "renderer_unavailable");
    assert_nothing_shows(&api, &film, &hit).await;
    request["mode"] = json!("timeline_only");
    let made = api.post(BATCH, &request).await.ok();
    assert!(made["snippets"][0]["video_clip_id"].is_string());
    server.stop().await;
}

async fn assert_nothing_shows(api: &Api, film: &Value, hit: &Value) {
    assert_eq!(api.get("/video/projects").await.ok()["items"], json!([]));
    assert_eq!(for_audio(api, hit).await["snippets"], json!([]));
    let film = api.get(&format!("/media-v2/assets/{}", film["id"].as_str().unwrap())).await.ok();
    let kinds: Vec<&Value> = film["artifacts"].as_array().unwrap().iter().map(|a| &a["kind"]).collect();
    assert_eq!(kinds, [&json!("audio_hit")], "{film}");
}

/// An ffmpeg that prints its version, but hangs in other calls, after writing its process id to `started` beside it.
fn hanging_ffmpeg(directory: &Path) -> PathBuf {
    let path = directory.join("hanging-ffmpeg");
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *-version*) exec /usr/bin/env PATH=/usr/local/bin:/usr/bin:/bin ffmpeg \"$@\" ;; esac\necho $$ > {0}.new && mv {0}.new {0}\nexec sleep 60\n",
        directory.join("started").display()
    );
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_during_a_render_leaves_nothing_of_the_batch() {
    let deployment = Deployment::new().await;
    let ffmpeg = hanging_ffmpeg(deployment.data_directory());
    let server = deployment.start_with(&[("HARKBACK_FFMPEG", ffmpeg.to_str().unwrap())]).await;
    let api = server.api("t1", "dev");
    let film = api.upload(&media::fixture("talk_and_music.mp4")).await;
    let hit = hit(&api, &film, 200, 400).await;
    let request =
        json!({"items": [{"audio_artifact_id": hit}], "mode": "render_clips", "render_profile": DRAFT});
    let batch = send_unanswered(&api, &request);
    let started = deployment.data_directory().join("started");
    wait_for(Duration::from_secs(60), async || {
        started.exists().then_some(()).ok_or_else(|| format!("no render began; the log:\n{}", server.log()))
    })
    .await;
    server.kill().await;
    batch.abort();
    let ffmpeg = std::fs::read_to_string(&started).unwrap();
    wait_for(Duration::from_secs(60), async || {
        let has_ended = !is_running(ffmpeg.trim());
        has_ended.then_some(()).ok_or_else(|| format!("process {ffmpeg} outlived the service"))
    })
    .await;

    let server = deployment.start().await;
    let api = server.api("t1", "dev");
    assert_nothing_shows(&api, &film, &hit).await;
    let made = api.post(BATCH, &request).await.ok();
    assert_file(&api, &made["snippets"][0]["video_artifact_id"]).await;
    server.stop().await;
}

/// Whether the process exists and has not ended.
fn is_running(id: &str) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    !status.is_empty() && !status.contains("State:\tZ")
}

/// Sends a batch without awaiting its answer, which may never come.
fn send_unanswered(api: &Api, request: &Value) -> tokio::task::JoinHandle<()> {
    let call = api.request(reqwest::Method::POST, BATCH).json(request);
    tokio::spawn(async move { drop(call.send().await) })
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_at_any_moment_leaves_a_whole_timeline_or_none() {
    const ITEMS: usize = 3_000;
    let deployment = Deployment::new().await;
    let mut server = deployment.start().await;
    let film = server.api("t1", "dev").upload(&media::fixture("talk_and_music.mp4")).await;
    let hit = hit(&server.api("t1", "dev"), &film, 200, 400).await;
    let items = vec![json!({"audio_artifact_id": hit}); ITEMS];
    let request = json!({"items": items});
    for delay_ms in [5, 30, 60, 100, 150, 250] {
        let batch = send_unanswered(&server.api("t1", "dev"), &request);
        sleep(Duration::from_millis(delay_ms)).await;
        server.kill().await;
        batch.abort();
        server = deployment.start().await;
        assert_timelines_are_whole(&server, ITEMS).await;
    }
    server.stop().await;
}

async fn assert_timelines_are_whole(server: &Server, items: usize) {
    let pool = &server.deployment().database().pool;
    let rows: Vec<(i64, i64, i64)> = sqlx::query_as(
        "SELECT (SELECT count(*) FROM video_sequences s WHERE s.project_id = p.id),
             (SELECT count(*) FROM video_tracks t JOIN video_sequences s ON s.id = t.sequence_id
              WHERE s.project_id = p.id),
             (SELECT count(*) FROM video_clips c JOIN video_tracks t ON t.id = c.track_id
              JOIN video_sequences s ON s.id = t.sequence_id WHERE s.project_id = p.id)
         FROM video_projects p",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    assert!(rows.iter().all(|row| *row == (1, 1, i64::try_from(items).unwrap())), "{rows:?}");
    let counts: Vec<i64> = sqlx::query_scalar("SELECT count(*) FROM origin_snippets GROUP BY project_id")
        .fetch_all(pool)
        .await
        .unwrap();
    assert!(counts.len() <= rows.len() && counts.iter().all(|count| *count == i64::try_from(items).unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn timeline_of_a_snippet_is_that_of_its_audio() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let film = api.upload(&media::fixture("click_120bpm.flac")).await;
    let samples = json!({"asset_id": film["id"], "run_loops": false, "run_phrases": false});
    let samples = api.post("/audio/field-to-samples", &samples).await.ok();
    let hit = samples["hit_artifact_ids"].as_array().unwrap().last().unwrap();
    let placed = artifact(&api, hit).await;
    let [start, end] = ["start_ms", "end_ms"].map(|name| placed[name].as_f64().unwrap());
    assert!(start > 1_000.0, "later than it is long: {placed}");

    let items = json!([{"audio_artifact_id": hit, "padding_ms": 0}, {"audio_artifact_id": hit}]);
    let made = api.post(BATCH, &json!({"items": items, "mode": "timeline_only"})).await.ok();
    let by_clip = async |snippet: usize| {
        let clip = made["snippets"][snippet]["video_clip_id"].as_str().unwrap();
        api.get(&format!("/audio/semantic-timeline/by-clip/{clip}")).await
    };
    by_clip(0).await.problem(404, "semantics_not_found");
    let of_hit = api.post(ANALYZE, &json!({"asset_id": film["id"], "artifact_id": hit})).await.ok();

    let exact = by_clip(0).await.ok();
    assert_eq!(exact["artifact_id"], of_hit["audio_semantic_artifact_id"]);
    assert_covers(&exact["summary"]);
    let length = exact["summary"]["duration_ms"].as_f64().unwrap();
    assert!((length - (end - start)).abs() <= 1.0, "{length} of {start} to {end}");
    assert_eq!(exact["summary"]["meta"]["clip_window_ms"][0], placed["start_ms"]);
    // The hit's own timeline has no events around it.
    let padded = by_clip(1).await.ok();
    assert_eq!(padded["artifact_id"], of_hit["audio_semantic_artifact_id"]);
    assert_eq!(padded["summary"]["events"][0]["start_ms"], 250);

    let of_film = api.post(ANALYZE, &json!({"asset_id": film["id"]})).await.ok();
    assert_eq!(by_clip(0).await.ok(), exact);
    let padded = by_clip(1).await.ok();
    assert_eq!(padded["artifact_id"], of_film["audio_semantic_artifact_id"]);
    assert_covers(&padded["summary"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn timeline_of_mapped_audio_is_placed_on_its_source() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let tape = api.upload(&media::fixture("click_120bpm.flac")).await;
    let film = api.upload(&media::fixture("talk_and_music.mp4")).await;
    let path = format!("/media-v2/assets/{}/artifacts", tape["id"].as_str().unwrap());
    let audio =
        json!({"kind": "audio_resampled", "uri": tape["source_uri"], "start_ms": 0, "end_ms": 10_000});
    let audio = api.post(&path, &audio).await.ok()["id"].clone();
    let made = api.post(ANALYZE, &json!({"asset_id": tape["id"], "artifact_id": audio})).await.ok();
    let path = format!("/audio/to-video-origin/origin-maps/{}", audio.as_str().unwrap());
    let map = json!({"parent_asset_id": film["id"], "source_start_ms": 1_000, "source_end_ms": 3_000});
    assert_eq!(api.put(&path, &map).await.ok()["source_end_ms"], 3_000);

    let items = json!([{"audio_artifact_id": audio, "padding_ms": 0}]);
    let snippets = api.post(BATCH, &json!({"items": items, "mode": "timeline_only"})).await.ok();
    let snippet = &snippets["snippets"][0];
    assert_eq!(snippet["source_asset_id"], film["id"]);
    let clip = snippet["video_clip_id"].as_str().unwrap();
    let found = api.get(&format!("/audio/semantic-timeline/by-clip/{clip}")).await.ok();
    assert_eq!(found["artifact_id"], made["audio_semantic_artifact_id"]);
    assert_eq!(found["summary"]["duration_ms"], 2_000);
    assert_covers(&found["summary"]);
    server.stop().await;
}
