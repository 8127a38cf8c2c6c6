//! Speaker diarization, and enrolled voices that name speakers.

use std::path::{Path, PathBuf};

use e2e::{Api, Deployment, media};
use reqwest::Method;
use serde_json::{Value, json};

use crate::analysis::{ANALYZE, clip};
use crate::formats::ffmpeg::ffmpeg;

/// The directory of real speaker models, if `HARKBACK_MODELS` contains them.
fn real_models() -> Option<PathBuf> {
    media::models_directory(&["speaker-embedding.onnx"])
}

async fn timeline(api: &Api, made: &Value) -> Value {
    let id = made["audio_semantic_artifact_id"].as_str().unwrap();
    api.get(&format!("/audio/semantic-timeline/{id}")).await.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_speaker_models_are_reported_and_the_recording_analysed() {
    let server = Deployment::new().await.start_with(&[("AUDIO_SEMANTIC_BACKEND", "signal")]).await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("digits.wav")).await;
    let analyze = async |speakers: Value| {
        api.post(ANALYZE, &json!({"asset_id": asset["id"], "speakers": speakers})).await
    };
    let plain = api.post(ANALYZE, &json!({"asset_id": asset["id"]})).await.ok();
    assert_eq!(plain["meta"]["fallback_reason"], Value::Null);
    for absent in [json!(false), Value::Null] {
        let same = analyze(absent).await.ok();
        assert_eq!(same["audio_semantic_artifact_id"], plain["audio_semantic_artifact_id"]);
    }
    let made = analyze(json!(true)).await.ok();
    let reason = made["meta"]["fallback_reason"].as_str().unwrap();
    assert!(reason.contains("harkback models pull speakers"), "{reason}");
    let version = made["meta"]["backend_version"].as_str().unwrap();
    assert_eq!(version, format!("{}+speakers=none", plain["meta"]["backend_version"].as_str().unwrap()));
    let found = timeline(&api, &made).await;
    let events = found["summary"]["events"].as_array().unwrap();
    assert!(!events.is_empty() && events.iter().all(|event| event["speaker_id"].is_null()));
    assert!(found["summary"]["meta"].get("speakers").is_none());

    let bounded = analyze(json!({"min": 2, "max": 4})).await.ok();
    assert!(bounded["meta"]["backend_version"].as_str().unwrap().ends_with("+speakers=none:min2:max4"));
    for wrong in
        [json!({"min": 3, "max": 2}), json!({"min": 0}), json!({"max": 51}), json!("yes"), json!({"most": 2})]
    {
        analyze(wrong).await.problem(422, "invalid_body");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn voices_are_validated_before_enrolment() {
    let server = Deployment::new().await.start_with(&[("AUDIO_SEMANTIC_BACKEND", "signal")]).await;
    let api = server.api("t1", "dev");
    assert_eq!(api.get("/voices").await.ok(), json!({"items": [], "next_cursor": null}));
    api.delete("/voices/voice_none").await.problem(404, "voice_not_found");
    let asset = api.upload(&media::fixture("digits.wav")).await;
    let window =
        |start_ms: i64, end_ms: i64| json!({"asset_id": asset["id"], "start_ms": start_ms, "end_ms": end_ms});
    for wrong in [
        json!({"name": "Ada"}),
        json!({"name": "Ada", "artifact_id": "a", "window": window(0, 10)}),
        json!({"name": " ", "window": window(0, 10)}),
        json!({"name": "x".repeat(101), "window": window(0, 10)}),
        json!({"name": "Ada", "window": window(10, 10)}),
        json!({"name": "Ada", "window": window(-1, 10)}),
    ] {
        api.post("/voices", &wrong).await.problem(422, "invalid_body");
    }
    let voice = json!({"name": "Ada", "window": window(0, 5_000)});
    let problem = api.post("/voices", &voice).await.problem(503, "backend_unavailable");
    assert!(problem["detail"].as_str().unwrap().contains("harkback models pull speakers"), "{problem}");
    server.api("t2", "dev").post("/voices", &voice).await.problem(404, "asset_not_found");
    let mut stream = window(0, 5_000);
    stream["audio_stream"] = json!(1);
    let problem =
        api.post("/voices", &json!({"name": "Ada", "window": stream})).await.problem(422, "invalid_body");
    assert_eq!(problem["errors"][0]["pointer"], "/window/audio_stream", "{problem}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn enrolled_voice_names_its_speaker_until_it_is_deleted() {
    let (Some(models), Some(speech)) = (real_models(), media::corpus("asr/jfk.wav")) else { return };
    let environment =
        [("AUDIO_SEMANTIC_BACKEND", "signal"), ("HARKBACK_MODEL_DIR", models.to_str().unwrap())];
    let server = Deployment::new().await.start_with(&environment).await;
    let (api, other) = (server.api("t1", "dev"), server.api("t2", "dev"));
    let asset = api.upload(&speech).await;
    let made = api.post(ANALYZE, &json!({"asset_id": asset["id"], "speakers": true})).await.ok();
    assert_eq!(made["meta"]["fallback_reason"], Value::Null);
    let name = async |api: &Api, made: &Value| {
        timeline(api, made).await["summary"]["meta"]["speakers"][0]["name"].clone()
    };

    let found = timeline(&api, &made).await;
    let turns = found["summary"]["meta"]["speaker_turns"].as_array().unwrap();
    assert!(!turns.is_empty() && turns.iter().all(|turn| turn["speaker_id"] == "S1"), "{turns:?}");
    let speakers = found["summary"]["meta"]["speakers"].as_array().unwrap();
    assert_eq!(speakers.len(), 1, "{speakers:?}");
    assert_eq!((&speakers[0]["id"], &speakers[0]["name"]), (&json!("S1"), &Value::Null));
    assert!(speakers[0]["speech_ms"].as_i64().unwrap() > 5_000);
    let events = found["summary"]["events"].as_array().unwrap();
    let speech: Vec<&Value> = events.iter().filter(|event| event["kind"] == "speech").collect();
    assert!(!speech.is_empty() && speech.iter().all(|event| event["speaker_id"] == "S1"), "{events:?}");

    let window = json!({"asset_id": asset["id"], "start_ms": 0, "end_ms": 11_000});
    let voice = api.post("/voices", &json!({"name": "Jack", "window": window})).await;
    assert_eq!(voice.status, 201);
    let voice = voice.json();
    assert_eq!(api.get("/voices").await.ok()["items"], json!([voice]));
    assert_eq!(other.get("/voices").await.ok()["items"], json!([]));
    assert_eq!(name(&api, &made).await, "Jack");
    let clip_id = clip(&api, &asset, 1_000.0, 6_000.0, 1.0).await;
    let sliced = api.get(&format!("/audio/semantic-timeline/by-clip/{clip_id}")).await.ok();
    assert_eq!(sliced["summary"]["meta"]["speakers"][0]["name"], "Jack");
    assert!(sliced["summary"]["events"].as_array().unwrap().iter().any(|event| event["speaker_id"] == "S1"));

    // A recording of the same person by another owner gets no name.
    let theirs = other.upload(&media::corpus("asr/jfk.wav").unwrap()).await;
    let of_theirs = other.post(ANALYZE, &json!({"asset_id": theirs["id"], "speakers": true})).await.ok();
    assert_eq!(name(&other, &of_theirs).await, Value::Null);
    let path = format!("/voices/{}", voice["id"].as_str().unwrap());
    other.delete(&path).await.problem(404, "voice_not_found");

    // An enrolment that is sent again under its key returns the same voice.
    let again = async || {
        let body = json!({"name": "Johnny", "window": window});
        let request = api.request(Method::POST, "/voices").header("idempotency-key", "enrol-1").json(&body);
        api.send(request).await
    };
    let (first, second) = (again().await, again().await);
    assert_eq!(
        (first.header("idempotency-replayed"), second.header("idempotency-replayed")),
        (None, Some("true"))
    );
    let first = first.json();
    assert_eq!(first, second.json());
    assert_eq!(api.get("/voices").await.ok()["items"].as_array().unwrap().len(), 2);
    assert_eq!(api.delete(&format!("/voices/{}", first["id"].as_str().unwrap())).await.status, 204);

    let quiet = json!({"asset_id": asset["id"], "start_ms": 0, "end_ms": 1_000});
    api.post("/voices", &json!({"name": "Short", "window": quiet})).await.problem(422, "voice_unclear");
    assert_eq!(api.delete(&path).await.status, 204);
    assert_eq!(name(&api, &made).await, Value::Null);
    assert_eq!(api.get("/voices").await.ok()["items"], json!([]));
    server.stop().await;
}

/// A recording in which two people speak one after another, 5 s each; `None` where the corpus is absent.
fn two_people(file: &Path) -> Option<()> {
    let (first, second) = (media::corpus("asr/jfk.wav")?, media::corpus("classes/speech_libri_198.ogg")?);
    let inputs = ["-i", first.to_str()?, "-i", second.to_str()?];
    let filter =
        "[0:a]atrim=0:5,aresample=16000[a];[1:a]atrim=5:10,aresample=16000[b];[a][b]concat=n=2:v=0:a=1";
    ffmpeg(&[&inputs[..], &["-filter_complex", filter, "-ac", "1", file.to_str()?]].concat()).unwrap();
    Some(())
}

#[tokio::test(flavor = "multi_thread")]
async fn short_recording_of_two_people_has_two_speakers_and_enrols_no_voice() {
    let Some(models) = real_models() else { return };
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("two.wav");
    let Some(()) = two_people(&file) else { return };
    let environment =
        [("AUDIO_SEMANTIC_BACKEND", "signal"), ("HARKBACK_MODEL_DIR", models.to_str().unwrap())];
    let server = Deployment::new().await.start_with(&environment).await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&file).await;
    let made = api.post(ANALYZE, &json!({"asset_id": asset["id"], "speakers": true})).await.ok();
    let found = timeline(&api, &made).await;
    assert_eq!(found["summary"]["meta"]["speakers"].as_array().unwrap().len(), 2, "{found}");
    // An event that spans both speakers has in each clip the speaker of that clip.
    for (start, speaker) in [(500.0, "S1"), (6_000.0, "S2")] {
        let clip_id = clip(&api, &asset, start, start + 3_000.0, 1.0).await;
        let cut = api.get(&format!("/audio/semantic-timeline/by-clip/{clip_id}")).await.ok();
        let events = cut["summary"]["events"].as_array().unwrap();
        let speech: Vec<&Value> = events.iter().filter(|event| event["kind"] == "speech").collect();
        assert!(
            !speech.is_empty() && speech.iter().all(|event| event["speaker_id"] == speaker),
            "{events:?}"
        );
    }
    let window = json!({"asset_id": asset["id"], "start_ms": 0, "end_ms": 10_000});
    let problem =
        api.post("/voices", &json!({"name": "Both", "window": window})).await.problem(422, "voice_unclear");
    assert!(problem["detail"].as_str().unwrap().contains("2 speakers"), "{problem}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn voice_is_enrolled_from_the_requested_audio_stream() {
    let (Some(models), Some(speech)) = (real_models(), media::corpus("asr/jfk.wav")) else { return };
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("two_streams.mkv");
    let silence = ["-f", "lavfi", "-i", "anullsrc=r=16000:cl=mono:d=11", "-i", speech.to_str().unwrap()];
    let streams = ["-map", "0:a", "-map", "1:a", "-c:a", "flac", "-disposition:a:0", "default"];
    ffmpeg(&[&silence[..], &streams, &["-disposition:a:1", "0", file.to_str().unwrap()]].concat()).unwrap();
    let environment =
        [("AUDIO_SEMANTIC_BACKEND", "signal"), ("HARKBACK_MODEL_DIR", models.to_str().unwrap())];
    let server = Deployment::new().await.start_with(&environment).await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&file).await;
    let enrol = async |audio_stream: Value| {
        let window =
            json!({"asset_id": asset["id"], "audio_stream": audio_stream, "start_ms": 0, "end_ms": 11_000});
        api.post("/voices", &json!({"name": "Jack", "window": window})).await
    };
    enrol(Value::Null).await.problem(422, "voice_unclear");
    assert_eq!(enrol(json!(1)).await.status, 201);
    server.stop().await;
}
