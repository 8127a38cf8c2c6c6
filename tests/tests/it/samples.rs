//! Samples over HTTP: detected, cut, registered, found again.

use std::io::{Cursor, Read as _};

use e2e::{Deployment, media};
use serde_json::{Value, json};
use zip::ZipArchive;

const SAMPLES: &str = "/audio/field-to-samples";

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_becomes_samples_with_origins() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("music_120bpm.wav")).await;
    let request = json!({"asset_id": asset["id"], "tenant_id": "t1", "env": "dev"});
    let made = api.post(SAMPLES, &request).await.ok();
    let meta = &made["summary_meta"];
    assert_eq!(meta["cache_hit"], false);
    assert_eq!(meta["errors"]["phrases"]["code"], "words_not_found");
    assert_eq!(made["phrase_artifact_ids"], json!([]));
    let mut samples = Vec::new();
    for (kind, detector, list) in
        [("audio_hit", "hits", "hit_artifact_ids"), ("audio_loop", "loops", "loop_artifact_ids")]
    {
        let ids = made[list].as_array().unwrap();
        assert!(!ids.is_empty() && meta[format!("{detector}_count")] == ids.len(), "{made}");
        samples.extend(ids.iter().map(|id| (kind, detector, id.as_str().unwrap().to_owned())));
    }
    for (kind, detector, id) in samples.iter().step_by(7) {
        let artifact = api.get(&format!("/media-v2/artifacts/{id}")).await.ok();
        assert_eq!(artifact["kind"], *kind);
        assert_eq!(meta["score_details"][detector][id]["score"], artifact["meta"]["score"]);
        assert_eq!(meta["score_details"][detector][id]["offset_ms"], artifact["start_ms"]);
        assert_eq!(meta["backend_versions"][detector], artifact["meta"]["backend_version"]);
        let content = api.get(&format!("/media-v2/artifacts/{id}/content")).await;
        assert_eq!((content.status, content.header("content-type")), (200, Some("audio/wav")));
        assert_eq!(&content.body[..4], b"RIFF");
        let origin = api.get(&format!("/audio/to-video-origin/origin-maps/{id}")).await.ok();
        assert_eq!(origin["parent_asset_id"], asset["id"]);
        assert_eq!(origin["source_start_ms"], artifact["start_ms"]);
        assert_eq!(origin["source_end_ms"], artifact["end_ms"]);
    }

    let again = api.post(SAMPLES, &request).await.ok();
    assert_eq!(again["summary_meta"]["cache_hit"], true);
    assert_eq!(again["hit_artifact_ids"], made["hit_artifact_ids"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_are_downloaded_as_an_archive() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("music_120bpm.wav")).await;
    let made = api.post(SAMPLES, &json!({"asset_id": asset["id"], "run_phrases": false})).await.ok();
    let lists = [&made["loop_artifact_ids"], &made["hit_artifact_ids"]];
    let ids: Vec<Value> = lists.into_iter().flat_map(|list| list.as_array().unwrap().clone()).collect();
    let request = json!({"artifact_ids": ids});
    let reply = api.post("/audio/samples/archive", &request).await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/zip")));
    assert_eq!(reply.header("content-length"), Some(reply.body.len().to_string().as_str()));
    let mut archive = ZipArchive::new(Cursor::new(&reply.body)).unwrap();
    assert_eq!(archive.len(), 1 + ids.len());
    let manifest: Value = serde_json::from_reader(archive.by_name("manifest.json").unwrap()).unwrap();
    for (id, entry) in ids.iter().zip(manifest["files"].as_array().unwrap()) {
        assert_eq!(entry["artifact_id"], *id);
        let name = entry["file"].as_str().unwrap();
        assert!(name.starts_with("music_120bpm-0"), "{name}");
        let mut content = Vec::new();
        archive.by_name(name).unwrap().read_to_end(&mut content).unwrap();
        let path = format!("/media-v2/artifacts/{}/content", id.as_str().unwrap());
        assert_eq!(content, api.get(&path).await.body, "{name}");
    }

    let path = "/audio/samples/archive";
    let keyed = api.request(reqwest::Method::POST, path).header("idempotency-key", "k1").json(&request);
    assert_eq!(api.send(keyed).await.body, reply.body);
    let keyed = api.request(reqwest::Method::POST, path).header("idempotency-key", "k1").json(&request);
    let again = api.send(keyed).await;
    assert_eq!((again.header("idempotency-replayed"), &again.body), (None, &reply.body), "not stored");
    assert!(again.header("content-disposition").is_some());
    api.post(path, &json!({"artifact_ids": ["unknown"]})).await.problem(404, "artifact_not_found");
    api.post(path, &json!({"artifact_ids": []})).await.problem(422, "invalid_body");
    server.api("t2", "dev").post(path, &request).await.problem(404, "artifact_not_found");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn detectors_work_alone_and_refuse_invalid_requests() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("click_120bpm_edit_list.mp4")).await;
    let body = |more: Value| {
        let mut body = json!({"asset_id": asset["id"]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let hits = api.post("/audio/hits/detect", &body(json!({}))).await.ok();
    let times: Vec<i64> =
        hits["events"].as_array().unwrap().iter().map(|event| event["time_ms"].as_i64().unwrap()).collect();
    assert_eq!(times.len(), hits["artifact_ids"].as_array().unwrap().len());
    assert!(times.iter().zip(1..).all(|(time, n)| (time - (500 * n - 200)).abs() <= 10), "{times:?}");
    let loops = api.post("/audio/loops/detect", &body(json!({"loop_params": {"bpm_hint": 120}}))).await.ok();
    assert!(loops["events"].as_array().unwrap().iter().all(|event| event["loop_bars"].is_u64()), "{loops}");
    let phrases = "/audio/voice-phrases/detect";
    api.post(phrases, &body(json!({}))).await.problem(422, "words_not_found");

    for (path, more, pointer) in [
        ("/audio/hits/detect", json!({"hit_params": {"pre_roll_ms": -1}}), "/hit_params/pre_roll_ms"),
        ("/audio/hits/detect", json!({"hit_params": {"min_peak_db": "0"}}), "/hit_params/min_peak_db"),
        ("/audio/hits/detect", json!({"hit_params": {"post_roll_ms": 1e300}}), "/hit_params/post_roll_ms"),
        ("/audio/loops/detect", json!({"loop_params": {"target_bars": []}}), "/loop_params/target_bars"),
        ("/audio/loops/detect", json!({"loop_params": {"target_bars": [-1]}}), "/loop_params/target_bars/0"),
        (phrases, json!({"phrase_params": {"gap": 1}}), "/phrase_params/gap"),
        (SAMPLES, json!({"min_quality_score": 1.5}), "/min_quality_score"),
    ] {
        let problem = api.post(path, &body(more)).await.problem(422, "invalid_body");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    api.post(SAMPLES, &body(json!({"more": 1}))).await.problem(422, "invalid_body");
    api.post(SAMPLES, &json!({"asset_id": "unknown_id"})).await.problem(404, "asset_not_found");
    let foreign = server.api("t2", "dev");
    foreign.post(SAMPLES, &body(json!({}))).await.problem(404, "asset_not_found");
    let silent = api.upload(&media::fixture("no_audio_video.mp4")).await;
    api.post(SAMPLES, &json!({"asset_id": silent["id"]})).await.problem(422, "no_audio_stream");
    server.stop().await;
}
