//! Corrections of timelines: what uses the corrected one, and undoing them.

use e2e::{Api, Deployment, media};
use serde_json::{Value, json};

use crate::analysis::{ANALYZE, assert_covers, clip};
use crate::words::{model, server_with};

/// Path of the timeline of an answer of `analyze`.
fn path(made: &Value) -> String {
    format!("/audio/semantic-timeline/{}", made["audio_semantic_artifact_id"].as_str().unwrap())
}

fn text(summary: &Value) -> String {
    let texts =
        summary["events"].as_array().unwrap().iter().filter_map(|event| event["transcription"].as_str());
    texts.collect::<Vec<_>>().join(" ")
}

/// Number of windows in which a word is found.
async fn found(api: &Api, word: &str) -> usize {
    api.get(&format!("/search?q={word}")).await.ok()["items"].as_array().unwrap().len()
}

/// The transcript of the only phrase of a recording.
async fn phrases(api: &Api, asset: &Value) -> String {
    let request = json!({"asset_id": asset["id"], "phrase_params": {"max_gap_ms": 5_000}});
    let made = api.post("/audio/voice-phrases/detect", &request).await.ok();
    let id = made["artifact_ids"][0].as_str().unwrap();
    let phrase = api.get(&format!("/media-v2/artifacts/{id}")).await.ok();
    phrase["meta"]["event"]["transcript"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn corrected_words_are_used_until_the_correction_is_undone() {
    let server = server_with(&model()).await;
    let api = server.api("t1", "dev").user("u1");
    let asset = api.upload(&media::fixture("digits.wav")).await;
    let analyze = json!({"asset_id": asset["id"]});
    let made = api.post(ANALYZE, &analyze).await.ok();
    let measured = api.get(&path(&made)).await.ok();
    let clip = clip(&api, &asset, 0.0, 8_000.0, 1.0).await;
    let by_clip = format!("/audio/semantic-timeline/by-clip/{clip}");
    let word = measured["summary"]["events"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|event| event["meta"]["words"].as_array().into_iter().flatten())
        .find(|word| word["word"] == "four")
        .unwrap();

    let edit =
        json!({"op": "set_word", "start_ms": word["start_ms"], "end_ms": word["end_ms"], "word": "fore"});
    let request = json!({"base_version": made["meta"]["backend_version"], "edits": [edit]});
    let corrections = format!("{}/corrections", path(&made));
    let reply = api.post(&corrections, &request).await;
    assert_eq!(reply.status, 201);
    let corrected = reply.ok();
    assert_covers(&corrected["summary"]);
    let meta = &corrected["artifact_meta"];
    assert_eq!((&meta["backend_type"], &meta["backend"]), (&json!("corrected"), &json!("whisper_aubio")));
    assert_eq!(
        (&meta["correction"]["user_id"], &meta["correction"]["edits"]),
        (&json!("u1"), &json!([edit]))
    );
    let id = corrected["artifact_id"].as_str().unwrap();
    let artifact = api.get(&format!("/media-v2/artifacts/{id}")).await.ok();
    assert_eq!(artifact["upstream_artifact_ids"], json!([made["audio_semantic_artifact_id"]]));
    assert_eq!((&artifact["meta"], &artifact["parent_asset_id"]), (meta, &asset["id"]));

    // What uses the timeline of a recording uses the corrected one.
    let cut = api.get(&by_clip).await.ok();
    assert_eq!(cut["artifact_id"], corrected["artifact_id"]);
    assert_eq!(text(&cut["summary"]), "three one fore one five nine two six");
    assert!(api.get(&format!("{}/transcript?format=srt", path(&made))).await.text().contains("fore"));
    assert!(api.get(&format!("{}/export?format=ctm", path(&made))).await.text().contains("fore"));
    assert!(api.get(&format!("{by_clip}/transcript?format=txt")).await.text().contains("fore"));
    assert_eq!((found(&api, "fore").await, found(&api, "four").await), (1, 0));
    assert!(phrases(&api, &asset).await.contains("fore"));
    let cut = api.post("/edits/supercut", &json!({"q": "fore"})).await.ok();
    assert_eq!(cut["shots"].as_array().unwrap().len(), 1);

    // The analysis stays, and analyze returns it.
    let again = api.post(ANALYZE, &analyze).await.ok();
    assert_eq!((&again["meta"]["cache_hit"], &again["uri"]), (&json!(true), &made["uri"]));
    assert_eq!(api.get(&path(&made)).await.ok(), measured);

    let problem = api.post(&corrections, &request).await.problem(409, "stale_base_version");
    assert_eq!((&problem["artifact_id"], &problem["version"]), (&json!(id), &meta["backend_version"]));
    let wrong =
        json!({"base_version": meta["backend_version"], "edits": [edit, {"op": "split", "at_ms": -5}]});
    let problem = api.post(&corrections, &wrong).await.problem(422, "invalid_body");
    assert_eq!(problem["errors"][0]["pointer"], "/edits/1");
    let unknown = json!({"base_version": "v", "edits": [{"op": "erase"}]});
    api.post(&corrections, &unknown).await.problem(422, "invalid_body");
    let listed = api.get(&corrections).await.ok()["items"].clone();
    assert_eq!(
        (&listed[0]["artifact_id"], &listed[0]["backend_version"]),
        (&json!(id), &meta["backend_version"])
    );

    let foreign = server.api("t2", "dev");
    foreign.post(&corrections, &request).await.problem(404, "semantics_not_found");
    foreign.get(&corrections).await.problem(404, "semantics_not_found");
    foreign.delete(&format!("{corrections}/{id}")).await.problem(404, "semantics_not_found");

    assert_eq!(api.delete(&format!("{corrections}/{id}")).await.status, 204);
    api.delete(&format!("{corrections}/{id}")).await.problem(404, "correction_not_found");
    api.get(&format!("/audio/semantic-timeline/{id}")).await.problem(404, "semantics_not_found");
    assert_eq!(api.get(&by_clip).await.ok()["artifact_id"], made["audio_semantic_artifact_id"]);
    assert_eq!((found(&api, "fore").await, found(&api, "four").await), (0, 1));
    assert!(phrases(&api, &asset).await.contains("four"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn corrected_events_and_beats_are_used_by_shot_lists() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("talk_and_music.mp4")).await;
    let made = api.post(ANALYZE, &json!({"asset_id": asset["id"]})).await.ok();
    let measured = api.get(&path(&made)).await.ok()["summary"].clone();
    let speech =
        measured["events"].as_array().unwrap().iter().find(|event| event["kind"] == "speech").unwrap();
    let (start, end) = (speech["start_ms"].as_i64().unwrap(), speech["end_ms"].as_i64().unwrap());
    let middle = i64::midpoint(start, end);
    let clips = json!([{"asset_id": asset["id"], "start_ms": 0, "duration_ms": 500}]);
    let sequence = json!({"sequence": {"tracks": [{"name": "v1", "clips": clips}]}});
    let offset = async || {
        let list = api.post("/audio/to-video-origin", &sequence).await.ok();
        list["shots"][0]["meta"]["semantic_offset_ms"].as_f64().unwrap()
    };
    assert_eq!(offset().await, start as f64);

    let corrections = format!("{}/corrections", path(&made));
    let edits = json!([
        {"op": "relabel", "start_ms": 0, "end_ms": middle, "kind": "silence"},
        {"op": "double_tempo"},
    ]);
    let request = json!({"base_version": made["meta"]["backend_version"], "edits": edits});
    let corrected = api.post(&corrections, &request).await.ok();
    let summary = &corrected["summary"];
    assert_covers(summary);
    assert_eq!(offset().await, middle as f64);
    let tempo = |summary: &Value| summary["meta"]["tempo_bpm"].as_f64().unwrap();
    assert_eq!(tempo(summary), 2.0 * tempo(&measured));
    assert!(summary["beats"].as_array().unwrap().len() > measured["beats"].as_array().unwrap().len());
    let set = &summary["meta"]["correction"]["set_by_person"];
    assert_eq!(set, &json!(["events", "beats", "tempo"]));

    // A second correction is made of the first one, and only the newest is undone.
    let request = json!({
        "base_version": corrected["artifact_meta"]["backend_version"], "edits": [{"op": "halve_tempo"}],
    });
    let second = api.post(&corrections, &request).await.ok();
    assert_eq!(tempo(&second["summary"]), tempo(&measured));
    let of = |made: &Value| format!("{corrections}/{}", made["artifact_id"].as_str().unwrap());
    api.delete(&of(&corrected)).await.problem(409, "correction_superseded");
    assert_eq!(api.delete(&of(&second)).await.status, 204);
    assert_eq!(api.delete(&of(&corrected)).await.status, 204);
    assert_eq!(offset().await, start as f64);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stub_is_not_corrected() {
    let server = Deployment::new().await.start_with(&[("AUDIO_SEMANTIC_BACKEND", "stub")]).await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("click_120bpm.wav")).await;
    let made = api.post(ANALYZE, &json!({"asset_id": asset["id"]})).await.ok();
    let request =
        json!({"base_version": made["meta"]["backend_version"], "edits": [{"op": "split", "at_ms": 100}]});
    api.post(&format!("{}/corrections", path(&made)), &request).await.problem(422, "timeline_not_measured");
    server.stop().await;
}
