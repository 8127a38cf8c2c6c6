//! `POST /audio/align`: recordings of one event, as offsets and as a synchronised sequence that is exported.

use e2e::{Api, Deployment};
use serde_json::{Value, json};

use crate::jobs::{accepted, ended, later};
use crate::made_music::{RATE, at_speed, piece, recorded, wav};

const ALIGN: &str = "/audio/align";

async fn upload(api: &Api, name: &str, samples: &[f32]) -> Value {
    api.upload_bytes(name, wav(samples), &[]).await.ok()["id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn recordings_of_one_event_are_aligned_and_exported_as_a_stack() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let event = piece(4, 60);
    let camera = upload(&api, "camera.wav", &event[2 * RATE..]).await;
    let fast = at_speed(&recorded(&event, 8), 1.0 - 50e-6);
    let fast = upload(&api, "fast.wav", &fast).await;
    let late = upload(&api, "late.wav", &recorded(&event[12 * RATE..40 * RATE], 3)).await;
    let other = upload(&api, "other.wav", &piece(7, 30)).await;

    let body = json!({
        "reference_asset_id": camera, "asset_ids": [fast, late, other], "sequence": {"title": "Concert"},
    });
    let result = api.post(ALIGN, &body).await.ok();
    let alignments = result.as_array().unwrap();
    let number = |index: usize, name: &str| alignments[index][name].as_f64().unwrap();
    assert!((number(0, "offset_ms") + 2_000.0).abs() < 1.0, "{result:#}");
    assert!((number(0, "drift_ppm") - 50.0).abs() < 4.0, "{result:#}");
    assert!((number(1, "offset_ms") - 10_000.0).abs() < 1.0, "{result:#}");
    assert_eq!((&alignments[2]["unrelated"], &alignments[2]["offset_ms"]), (&json!(true), &Value::Null));

    let sequence = &alignments[0]["sequence"];
    assert_eq!((&sequence["track_count"], &sequence["clip_count"]), (&json!(3), &json!(3)), "{sequence}");
    let export = format!("{}?format=otio", sequence["export_href"].as_str().unwrap());
    let timeline: Value = serde_json::from_str(&api.get(&export).await.text()).unwrap();
    let stack = &timeline["tracks"];
    assert_eq!(stack["OTIO_SCHEMA"], "Stack.1");
    // Each track begins with a gap up to its recording, but for that of the earliest one.
    let start = |track: &Value| {
        let gap = &track["children"][0];
        let seconds = gap["source_range"]["duration"]["value"].as_f64().unwrap()
            / gap["source_range"]["duration"]["rate"].as_f64().unwrap();
        if gap["OTIO_SCHEMA"] == "Gap.1" { seconds } else { 0.0 }
    };
    let starts: Vec<(String, f64)> = stack["children"]
        .as_array()
        .unwrap()
        .iter()
        .map(|track| (track["name"].as_str().unwrap().to_owned(), start(track)))
        .collect();
    let names: Vec<&str> = starts.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["camera.wav", "fast.wav", "late.wav"]);
    for ((name, found), expected) in starts.iter().zip([2.0, 0.0, 12.0]) {
        assert!((found - expected).abs() <= 0.002, "{name}: {found}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn align_runs_as_a_job_and_validates_before() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let event = piece(5, 20);
    let (first, second) = (upload(&api, "a.wav", &event).await, upload(&api, "b.wav", &event[RATE..]).await);
    let body = json!({"reference_asset_id": first, "asset_ids": [second]});
    let job = accepted(&later(&api, ALIGN, &body, 0).await);
    assert_eq!(job["kind"], "align");
    let done = ended(&api, &job).await;
    let alignment = &done["result"]["body"][0];
    assert!((alignment["offset_ms"].as_f64().unwrap() - 1_000.0).abs() < 1.0, "{done:#}");

    let unknown = json!({"reference_asset_id": first, "asset_ids": ["unknown"]});
    later(&api, ALIGN, &unknown, 0).await.problem(404, "asset_not_found");
    let itself = json!({"reference_asset_id": first, "asset_ids": [first]});
    later(&api, ALIGN, &itself, 0).await.problem(422, "invalid_body");
    server.stop().await;
}
