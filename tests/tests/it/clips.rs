//! Clips are validated against the media store: windows, and artifacts of their asset.

use e2e::{Deployment, media};
use serde_json::{Value, json};

/// The pointer of the only error of a problem.
fn pointer(problem: &Value) -> &str {
    problem["errors"][0]["pointer"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn clips_have_windows_within_their_asset_and_artifacts_of_it() {
    let server = Deployment::new().await.start_with(&[("AUDIO_SEMANTIC_BACKEND", "stub")]).await;
    let api = server.api("t1", "dev");
    let clicks = api.upload(&media::fixture("click_120bpm.wav")).await;
    let talk = api.upload(&media::fixture("talk_and_music.mp4")).await;
    let end = clicks["duration_ms"].as_f64().unwrap();
    let artifacts = format!("/media-v2/assets/{}/artifacts", talk["id"].as_str().unwrap());
    let hit = json!({"kind": "audio_hit", "uri": "mem:hit", "start_ms": 0, "end_ms": 100});
    let of_talk = api.post(&artifacts, &hit).await.ok();
    let project = api.post("/video/projects", &json!({"title": "A film"})).await.ok();
    let sequences = format!("/video/projects/{}/sequences", project["id"].as_str().unwrap());
    let sequence = api.post(&sequences, &json!({"name": "s"})).await.ok();
    let tracks = format!("/video/sequences/{}/tracks", sequence["id"].as_str().unwrap());
    let track = api.post(&tracks, &json!({"kind": "video", "label": "v"})).await.ok();
    let clips = format!("/video/tracks/{}/clips", track["id"].as_str().unwrap());
    let clip = |out_ms: f64, artifact: &Value| {
        json!({"asset_id": clicks["id"], "artifact_id": artifact, "in_ms": 0, "out_ms": out_ms,
            "start_ms_on_timeline": 0})
    };
    let whole = clip(end, &Value::Null);

    // On create: up to the asset's end, or a few packets beyond it.
    let made = api.post(&clips, &whole).await.ok();
    let _ = api.post(&clips, &clip(end + 100.0, &Value::Null)).await.ok();
    let beyond = clip(end + 101.0, &Value::Null);
    assert_eq!(pointer(&api.post(&clips, &beyond).await.problem(422, "invalid_body")), "/out_ms");
    let foreign = clip(end, &of_talk["id"]);
    assert_eq!(pointer(&api.post(&clips, &foreign).await.problem(422, "invalid_body")), "/artifact_id");

    // In a batch, and in a whole timeline: all or none.
    let batch = format!("{clips}/batch");
    let problem = api.post(&batch, &json!({"clips": [whole, beyond]})).await.problem(422, "invalid_body");
    assert_eq!(pointer(&problem), "/clips/1/out_ms");
    let timeline = |clips: Value| {
        json!({"project": {"new": {"title": "B"}}, "sequence": {"name": "s"},
            "track": {"kind": "video", "label": "v"}, "clips": clips})
    };
    let problem = api.post("/video/timelines", &timeline(json!([whole, whole, foreign]))).await;
    assert_eq!(pointer(&problem.problem(422, "invalid_body")), "/clips/2/artifact_id");
    assert_eq!(api.get(&clips).await.ok()["items"].as_array().unwrap().len(), 2);
    assert_eq!(api.get("/video/projects").await.ok()["items"].as_array().unwrap().len(), 1);

    // On patch and trim.
    let path = format!("/video/clips/{}", made["id"].as_str().unwrap());
    let problem = api.patch(&path, &json!({"out_ms": end + 101.0})).await.problem(422, "invalid_body");
    assert_eq!(pointer(&problem), "/out_ms");
    let problem = api.patch(&path, &json!({"artifact_id": of_talk["id"]})).await;
    assert_eq!(pointer(&problem.problem(422, "invalid_body")), "/artifact_id");
    let problem = api.post(&format!("{path}/trim"), &json!({"out_ms": end + 101.0})).await;
    assert_eq!(pointer(&problem.problem(422, "invalid_body")), "/out_ms");
    let changed = api.patch(&path, &json!({"asset_id": talk["id"], "artifact_id": of_talk["id"]})).await.ok();
    assert_eq!(changed["artifact_id"], of_talk["id"]);
    // With the other asset, it would keep an artifact of this one.
    let problem = api.patch(&path, &json!({"asset_id": clicks["id"]})).await.problem(422, "invalid_body");
    assert_eq!(pointer(&problem), "/artifact_id");

    // An artifact whose origin lies in the asset is part of it, regardless of its parent.
    let map = json!({"parent_asset_id": clicks["id"],
        "source_start_ms": 0, "source_end_ms": 100});
    let origin = format!("/audio/to-video-origin/origin-maps/{}", of_talk["id"].as_str().unwrap());
    let _ = api.put(&origin, &map).await.ok();
    let _ = api.post(&clips, &foreign).await.ok();
    server.stop().await;
}
