//! The main path: upload, analyse, clip, slice.

use e2e::{Api, Deployment, media};
use serde_json::{Value, json};

pub(crate) const ANALYZE: &str = "/audio/semantic-timeline/analyze";

/// Creates a track on a timeline of its own; returns its id.
pub(crate) async fn track(api: &Api) -> String {
    let id = |made: Value| made["id"].as_str().unwrap().to_owned();
    let project = id(api.post("/video/projects", &json!({"title": "e2e"})).await.ok());
    let sequences = format!("/video/projects/{project}/sequences");
    let sequence = id(api.post(&sequences, &json!({"name": "main"})).await.ok());
    let tracks = format!("/video/sequences/{sequence}/tracks");
    id(api.post(&tracks, &json!({"kind": "video", "label": "v1"})).await.ok())
}

/// Puts a clip of the asset on a timeline of its own; returns its id.
pub(crate) async fn clip(api: &Api, asset: &Value, in_ms: f64, out_ms: f64, speed: f64) -> String {
    let clip = json!({
        "asset_id": asset["id"], "in_ms": in_ms, "out_ms": out_ms, "start_ms_on_timeline": 0, "speed": speed
    });
    let path = format!("/video/tracks/{}/clips", track(api).await);
    api.post(&path, &clip).await.ok()["id"].as_str().unwrap().to_owned()
}

/// Asserts that the events are sorted, without overlap, and cover `[0, duration_ms)`.
#[track_caller]
pub(crate) fn assert_covers(summary: &Value) {
    let mut at = 0;
    for event in summary["events"].as_array().unwrap() {
        assert_eq!(event["start_ms"], at, "{event}");
        at = event["end_ms"].as_i64().unwrap();
        assert!(event["start_ms"].as_i64().unwrap() < at, "{event}");
    }
    assert_eq!(summary["duration_ms"], at);
}

#[tokio::test(flavor = "multi_thread")]
async fn uploaded_recording_is_analysed_into_a_timeline() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev").user("u1");
    let asset = api.upload(&media::fixture("talk_and_music.mp4")).await;
    assert_eq!(asset["kind"], "video");

    let request = json!({"tenant_id": "t1", "env": "dev", "user_id": "u1", "asset_id": asset["id"]});
    let made = api.post(ANALYZE, &request).await.ok();
    let meta = &made["meta"];
    assert_eq!(meta["cache_hit"], false);
    assert_eq!(meta["backend_type"], "signal");
    assert_eq!(meta["audio_semantic_cache_key"], meta["cache_key"]);
    let dependencies = &meta["backend_info"]["dependencies"];
    assert_eq!(dependencies["aubio"]["available"], true);
    assert_eq!(dependencies["librosa"], dependencies["aubio"], "under the name of the alias, too");
    let version = meta["backend_version"].as_str().unwrap();
    let asset_id = asset["id"].as_str().unwrap();
    assert_eq!(meta["cache_key"], format!("t1|dev|{asset_id}|None|True|True|300|1000|{version}|u1"));

    let artifact_id = made["audio_semantic_artifact_id"].as_str().unwrap();
    let timeline = api.get(&format!("/audio/semantic-timeline/{artifact_id}")).await.ok();
    assert_eq!(timeline["artifact_id"], artifact_id);
    assert_eq!(timeline["uri"], made["uri"]);
    let summary = &timeline["summary"];
    assert_covers(summary);
    assert_parts(summary);

    let registered = api.get(&format!("/media-v2/artifacts/{artifact_id}")).await.ok();
    assert_eq!(registered["kind"], "audio_semantic_timeline");
    assert_eq!(registered["meta"], timeline["artifact_meta"]);
    let content = api.get(&format!("/media-v2/artifacts/{artifact_id}/content")).await.ok();
    assert_eq!(content, stored(summary), "the stored bytes are the summary, without what is derived from it");
    server.stop().await;
}

/// A timeline as it is stored: without the energy of events, which is derived from their loudness, and the tempo curve.
pub(crate) fn stored(summary: &Value) -> Value {
    let mut stored = summary.clone();
    for event in stored["events"].as_array_mut().unwrap() {
        let is_derived = event.as_object_mut().unwrap().remove("energy").is_some();
        assert_eq!(is_derived, !event["loudness_lufs"].is_null());
    }
    let curve = stored["meta"].as_object_mut().unwrap().remove("tempo_curve");
    assert!(curve.is_none() || !stored["beats"].as_array().unwrap().is_empty(), "{curve:?}");
    stored
}

/// Compares with the fixture's truth: most of each part has its kind, and the music's tempo is detected.
fn assert_parts(summary: &Value) {
    let truth: Value = serde_json::from_str(include_str!("../../../fixtures/talk_and_music.json")).unwrap();
    for part in truth["parts"].as_array().unwrap() {
        let (start, end) = (part["start_ms"].as_i64().unwrap(), part["end_ms"].as_i64().unwrap());
        let covered: i64 = summary["events"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|event| event["kind"] == part["kind"])
            .map(|event| {
                let from = event["start_ms"].as_i64().unwrap().max(start);
                (event["end_ms"].as_i64().unwrap().min(end) - from).max(0)
            })
            .sum();
        // Spoken parts have pauses, which are reported as silence.
        let least = if part["kind"] == "speech" { 0.5 } else { 0.8 };
        assert!(covered as f64 >= least * (end - start) as f64, "{part}: {covered} ms covered; {summary}");
    }
    let bpm = summary["meta"]["tempo_bpm"].as_f64().unwrap();
    assert!((bpm - 120.0).abs() < 2.0, "{bpm}");
    let beats = summary["beats"].as_array().unwrap();
    let times: Vec<i64> = beats.iter().map(|beat| beat["time_ms"].as_i64().unwrap()).collect();
    assert!(times.is_sorted_by(|a, b| a < b) && times.len() >= 18, "{times:?}");
    // Of the music; the tempo does not continue into the noise after it.
    assert!(times.iter().all(|time| (9_950..=20_050).contains(time)), "{times:?}");
    let curve = summary["meta"]["tempo_curve"].as_array().unwrap();
    let tempi = curve.iter().flat_map(|part| [&part["start_bpm"], &part["end_bpm"]]);
    assert!(tempi.map(|bpm| bpm.as_f64().unwrap()).all(|bpm| (bpm - 120.0).abs() < 2.0), "{curve:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn timeline_of_a_clip_is_its_part_of_the_recordings() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("talk_and_music.mp4")).await;
    let clip_id = clip(&api, &asset, 1_000.0, 30_500.5, 1.0).await;
    let path = format!("/audio/semantic-timeline/by-clip/{clip_id}");
    api.get(&path).await.problem(404, "semantics_not_found");

    let made = api.post(ANALYZE, &json!({"asset_id": asset["id"]})).await.ok();
    let artifact_id = made["audio_semantic_artifact_id"].as_str().unwrap();
    let whole = api.get(&format!("/audio/semantic-timeline/{artifact_id}")).await.ok();
    let sliced = api.get(&path).await.ok();
    assert_eq!(sliced["artifact_id"], artifact_id);
    assert_eq!(sliced["artifact_meta"], whole["artifact_meta"]);
    let summary = &sliced["summary"];
    assert_covers(summary);
    assert_eq!(summary["duration_ms"], 29_501, "to the nearest millisecond");
    assert_eq!(summary["meta"]["clip_window_ms"], json!([1000, 30500.5]));
    assert_eq!(summary["meta"]["clip_relative"], true);
    assert_eq!(summary["meta"]["speed_change_limited"], false);
    let expected: Vec<i64> = whole["summary"]["beats"]
        .as_array()
        .unwrap()
        .iter()
        .map(|beat| beat["time_ms"].as_i64().unwrap() - 1_000)
        .filter(|time| (0..=29_500).contains(time))
        .collect();
    let beats: Vec<i64> =
        summary["beats"].as_array().unwrap().iter().map(|beat| beat["time_ms"].as_i64().unwrap()).collect();
    assert_eq!(beats, expected);

    let fast = clip(&api, &asset, 0.0, whole["summary"]["duration_ms"].as_f64().unwrap(), 2.0).await;
    let fast = api.get(&format!("/audio/semantic-timeline/by-clip/{fast}")).await.ok();
    assert_eq!(fast["summary"]["meta"]["speed_change"], 2.0);
    assert_eq!(fast["summary"]["meta"]["speed_change_limited"], true);
    assert_eq!(fast["summary"]["events"], whole["summary"]["events"], "times stay source time");
    api.get("/audio/semantic-timeline/by-clip/unknown_id").await.problem(404, "clip_not_found");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn artifact_can_be_analysed_in_place_of_its_asset() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("talk_and_music.mp4")).await;
    let other = api.upload(&media::fixture("music_120bpm.wav")).await;
    // The bytes of the cut are another upload's, registered as derived from the first asset.
    let cut = json!({
        "kind": "audio_resampled", "uri": other["source_uri"], "start_ms": 0, "end_ms": 24_000
    });
    let cut =
        api.post(&format!("/media-v2/assets/{}/artifacts", asset["id"].as_str().unwrap()), &cut).await.ok();

    let request = json!({"asset_id": asset["id"], "artifact_id": cut["id"]});
    let made = api.post(ANALYZE, &request).await.ok();
    let artifact_id = made["audio_semantic_artifact_id"].as_str().unwrap();
    let timeline = api.get(&format!("/audio/semantic-timeline/{artifact_id}")).await.ok();
    assert_eq!(timeline["summary"]["artifact_id"], cut["id"]);
    assert_eq!(timeline["summary"]["duration_ms"], 24_000);
    let registered = api.get(&format!("/media-v2/artifacts/{artifact_id}")).await.ok();
    assert_eq!(registered["upstream_artifact_ids"], json!([cut["id"]]));
    assert_eq!(registered["parent_asset_id"], asset["id"]);

    let mismatch = json!({"asset_id": other["id"], "artifact_id": cut["id"]});
    api.post(ANALYZE, &mismatch).await.problem(422, "artifact_of_another_asset");
    let unknown = json!({"asset_id": asset["id"], "artifact_id": "unknown_id"});
    api.post(ANALYZE, &unknown).await.problem(404, "artifact_not_found");
    server.stop().await;
}
