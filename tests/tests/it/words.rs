//! Words on the timeline, by the real whisper.cpp with the project's own model of spoken digits.

use std::path::{Path, PathBuf};

use e2e::{Api, Deployment, Server, media};
use serde_json::{Value, json};

use crate::analysis::{ANALYZE, assert_covers, clip};

pub(crate) const SPOKEN: [&str; 8] = ["three", "one", "four", "one", "five", "nine", "two", "six"];

pub(crate) fn model() -> PathBuf {
    media::model("digits.bin")
}

pub(crate) async fn server_with(model: &Path) -> Server {
    let model = model.to_str().unwrap();
    let environment = [("AUDIO_SEMANTIC_BACKEND", "whisper_aubio"), ("AUDIO_SEMANTIC_WHISPER_MODEL", model)];
    Deployment::new().await.start_with(&environment).await
}

pub(crate) async fn timeline(api: &Api, made: &Value) -> Value {
    let id = made["audio_semantic_artifact_id"].as_str().unwrap();
    api.get(&format!("/audio/semantic-timeline/{id}")).await.ok()["summary"].clone()
}

/// The words of all events, asserting that each is within its event and after the previous one.
#[track_caller]
pub(crate) fn words(summary: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    let mut end = 0;
    for event in summary["events"].as_array().unwrap() {
        let words = event["meta"]["words"].as_array().map(Vec::as_slice).unwrap_or_default();
        assert_eq!(event["transcription"].is_null(), words.is_empty(), "{event}");
        for word in words {
            let (from, to) = (word["start_ms"].as_i64().unwrap(), word["end_ms"].as_i64().unwrap());
            assert!(
                event["start_ms"].as_i64().unwrap() <= from && to <= event["end_ms"].as_i64().unwrap(),
                "{event}"
            );
            assert!(end <= from && from < to, "{event}");
            assert!((0.0..=1.0).contains(&word["confidence"].as_f64().unwrap()), "{word}");
            assert!(word["timing"] == "measured" || word["timing"] == "interpolated", "{word}");
            end = to;
            found.push(word["word"].as_str().unwrap());
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn spoken_digits_are_on_the_timeline_and_in_a_transcript() {
    let server = server_with(&model()).await;
    let api = server.api("t1", "dev");
    assert_eq!(api.get("/readyz").await.ok()["status"], "ready");
    let asset = api.upload(&media::fixture("digits.wav")).await;
    let made = api.post(ANALYZE, &json!({"asset_id": asset["id"]})).await.ok();
    let meta = &made["meta"];
    let version = meta["backend_version"].as_str().unwrap();
    let hash = version.strip_prefix("whisper_aubio_v9+digits-").unwrap().strip_suffix("+s42").unwrap();
    assert!(hash.len() == 8 && hash.chars().all(|c| c.is_ascii_hexdigit()), "{version}");
    assert_eq!((&meta["model_used"], &meta["language"]), (&json!("digits"), &json!("en")));
    assert_eq!(meta["backend_info"]["dependencies"]["whisper"]["available"], true);

    let summary = timeline(&api, &made).await;
    assert_covers(&summary);
    assert_eq!(words(&summary), SPOKEN);

    // The transcript is a separate artifact, linked to the timeline.
    let id = made["audio_semantic_artifact_id"].as_str().unwrap();
    let asset_id = asset["id"].as_str().unwrap();
    let artifacts = api.get(&format!("/media-v2/assets/{asset_id}")).await.ok()["artifacts"].clone();
    let of_kind =
        |kind: &str| artifacts.as_array().unwrap().iter().find(|a| a["kind"] == kind).unwrap().clone();
    let transcript = of_kind("asr_transcript");
    assert_eq!(transcript["upstream_artifact_ids"], json!([id]));
    for field in ["backend_version", "model_used", "cache_key", "duration_ms", "language"] {
        assert_eq!(transcript["meta"][field], meta[field], "{field}");
    }
    let content = format!("/media-v2/artifacts/{}/content", transcript["id"].as_str().unwrap());
    let content = api.get(&content).await.ok();
    let path = format!("/audio/semantic-timeline/{id}/transcript");
    assert_eq!(api.get(&path).await.ok(), content);
    assert_eq!(content["text"], SPOKEN.join(" "));

    let srt = api.get(&format!("{path}?format=srt")).await;
    assert_eq!(srt.header("content-type"), Some("application/x-subrip; charset=utf-8"));
    assert!(srt.text().starts_with("1\n00:00:00,2") && srt.text().contains("three one"), "{}", srt.text());
    let vtt = api.get(&format!("{path}?format=vtt")).await;
    assert!(vtt.text().starts_with("WEBVTT\n\n00:00:00.2"), "{}", vtt.text());
    assert_eq!(api.get(&format!("{path}?format=txt")).await.text(), "three one four one five nine two six\n");
    api.get(&format!("{path}?format=pdf")).await.problem(422, "invalid_query");
    api.get("/audio/semantic-timeline/unknown_id/transcript").await.problem(404, "semantics_not_found");

    // The transcript of a clip of four seconds.
    let clip = clip(&api, &asset, 2_000.0, 6_000.0, 1.0).await;
    let cut = api.get(&format!("/audio/semantic-timeline/by-clip/{clip}/transcript")).await.ok();
    assert_eq!(cut["text"], "four one five nine");
    assert!(cut["words"][0]["start_ms"].as_i64().unwrap() < 400);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_language_is_part_of_the_key_and_checked() {
    let server = server_with(&model()).await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("digits.wav")).await;
    let detected = api.post(ANALYZE, &json!({"asset_id": asset["id"]})).await.ok();
    let given = api.post(ANALYZE, &json!({"asset_id": asset["id"], "language": "en"})).await.ok();
    assert_eq!(given["meta"]["cache_hit"], false);
    let version = given["meta"]["backend_version"].as_str().unwrap();
    assert_eq!(version, format!("{}+lang=en", detected["meta"]["backend_version"].as_str().unwrap()));
    let auto = api.post(ANALYZE, &json!({"asset_id": asset["id"], "language": "auto"})).await.ok();
    assert_eq!(
        (&auto["meta"]["cache_hit"], &auto["meta"]["cache_key"]),
        (&json!(true), &detected["meta"]["cache_key"])
    );
    for code in ["de", "xx", "english", ""] {
        let refused = api.post(ANALYZE, &json!({"asset_id": asset["id"], "language": code})).await;
        refused.problem(422, "unsupported_language");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn prompts_and_hot_words_are_part_of_the_key_and_have_limits() {
    let server = server_with(&model()).await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("digits.wav")).await;
    let plain = api.post(ANALYZE, &json!({"asset_id": asset["id"]})).await.ok();
    let plain = plain["meta"]["backend_version"].as_str().unwrap();
    let body = json!({"asset_id": asset["id"], "prompt": "Digits.", "hot_words": ["seven", "nine"]});
    let prompted = api.post(ANALYZE, &body).await.ok();
    // The first 16 hex digits of the SHA-256 of each text, with one hot word per line.
    let expected = format!("{plain}+prompt=0cc449d6bf64f6c9+hot_words=50ff3751014ebdab");
    assert_eq!(prompted["meta"]["backend_version"], expected);
    assert_eq!(prompted["meta"]["cache_hit"], false);
    assert_eq!(api.post(ANALYZE, &body).await.ok()["meta"]["cache_hit"], true);
    for (field, value, pointer) in [
        ("prompt", json!("x".repeat(1_001)), "/prompt"),
        ("hot_words", json!(vec!["x"; 101]), "/hot_words"),
        ("hot_words", json!(["x".repeat(51)]), "/hot_words/0"),
        ("hot_words", json!(["Ada", ""]), "/hot_words/1"),
    ] {
        let refused = api.post(ANALYZE, &json!({"asset_id": asset["id"], field: value})).await;
        let problem = refused.problem(422, "invalid_body");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    let translated = api.post(ANALYZE, &json!({"asset_id": asset["id"], "translate": true})).await;
    translated.problem(422, "unsupported_language");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recording_without_speech_has_no_words_and_no_transcript() {
    let server = server_with(&model()).await;
    let api = server.api("t1", "dev");
    for name in ["music_120bpm.wav", "click_120bpm.wav", "silent_video.mp4"] {
        let asset = api.upload(&media::fixture(name)).await;
        let made = api.post(ANALYZE, &json!({"asset_id": asset["id"]})).await.ok();
        assert_eq!(made["meta"]["backend_type"], "whisper_aubio");
        let summary = timeline(&api, &made).await;
        assert_covers(&summary);
        assert!(words(&summary).is_empty(), "{name}");
        let id = asset["id"].as_str().unwrap();
        let artifacts = api.get(&format!("/media-v2/assets/{id}")).await.ok()["artifacts"].clone();
        assert_eq!(artifacts.as_array().unwrap().len(), 1, "{name}");
        let timeline = made["audio_semantic_artifact_id"].as_str().unwrap();
        let transcript = api.get(&format!("/audio/semantic-timeline/{timeline}/transcript")).await.ok();
        assert_eq!((&transcript["text"], &transcript["words"]), (&Value::Null, &json!([])));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn installed_changed_or_broken_models_are_detected() {
    let directory = tempfile::tempdir().unwrap();
    let environment = [
        ("AUDIO_SEMANTIC_BACKEND", "whisper_aubio"),
        ("AUDIO_SEMANTIC_FALLBACK", "signal"),
        ("AUDIO_SEMANTIC_WHISPER_MODEL", "tiny.en"),
        ("HARKBACK_MODEL_DIR", directory.path().to_str().unwrap()),
    ];
    let server = Deployment::new().await.start_with(&environment).await;
    assert!(server.log().contains("harkback models pull tiny.en"), "{}", server.log());
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("digits.wav")).await;
    let analyze = async || api.post(ANALYZE, &json!({"asset_id": asset["id"]})).await.ok()["meta"].clone();
    let place = |bytes: &[u8]| {
        let new = directory.path().join("new");
        std::fs::write(&new, bytes).unwrap();
        std::fs::rename(new, directory.path().join("ggml-tiny.en.bin")).unwrap();
    };
    let whole = std::fs::read(model()).unwrap();

    let without = analyze().await;
    assert_eq!(without["backend_type"], "signal");
    let reason = without["fallback_reason"].as_str().unwrap();
    assert!(reason.contains("harkback models pull tiny.en"), "{reason}");
    assert_eq!(without["backend_info"]["dependencies"]["whisper"]["error"], reason);

    place(&whole);
    let first = analyze().await;
    assert_eq!(first["backend_type"], "whisper_aubio");
    assert_eq!(api.get("/readyz").await.ok()["status"], "ready");

    let mut other = whole.clone();
    *other.last_mut().unwrap() ^= 1;
    place(&other);
    let second = analyze().await;
    assert_ne!(second["backend_version"], first["backend_version"]);
    assert_eq!(second["cache_hit"], false);

    place(&whole[..whole.len() / 2]);
    let broken = analyze().await;
    assert_eq!(broken["backend_type"], "signal");
    assert!(broken["fallback_reason"].as_str().unwrap().contains("it is cut off"), "{broken}");
    let ready = api.get("/readyz").await.ok();
    assert_eq!(ready["status"], "degraded");

    place(&whole);
    let again = analyze().await;
    assert_eq!((&again["backend_version"], &again["cache_hit"]), (&first["backend_version"], &json!(true)));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn timeline_with_words_is_reproducible() {
    let deployment = Deployment::new().await;
    let model = model();
    let mut stored = Vec::new();
    for threads in ["1", "2"] {
        let environment = [
            ("AUDIO_SEMANTIC_BACKEND", "whisper_aubio"),
            ("AUDIO_SEMANTIC_WHISPER_MODEL", model.to_str().unwrap()),
            ("HARKBACK_ANALYSIS_THREADS", threads),
        ];
        let server = deployment.start_with(&environment).await;
        let api = server.api("t1", threads);
        let asset = api.upload(&media::fixture("digits.wav")).await;
        let made = api.post(ANALYZE, &json!({"asset_id": asset["id"]})).await.ok();
        let mut summary = timeline(&api, &made).await;
        // Another environment has another asset and another key; everything else is equal.
        summary["asset_id"].take();
        summary["meta"]["audio_semantic_cache_key"].take();
        stored.push(summary);
        server.stop().await;
    }
    assert_eq!(stored[0], stored[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn models_are_listed_found_and_checked() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::copy(model(), directory.path().join("ggml-digits.bin")).unwrap();
    let run = async |arguments: &[&str]| {
        let place = ["models", "--model-dir", directory.path().to_str().unwrap()];
        let output = e2e::binary::command(place.iter().chain(arguments).copied()).output().await.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.success(), text(output.stdout), text(output.stderr))
    };
    let (listed, list, _) = run(&["list"]).await;
    assert!(listed && list.contains("tiny.en") && list.contains("large-v3-turbo-q8_0"), "{list}");
    assert!(list.lines().any(|line| line.starts_with("digits ") && line.ends_with("here")), "{list}");
    let (_, path, _) = run(&["path", "tiny.en"]).await;
    assert_eq!(Path::new(path.trim()), directory.path().join("ggml-tiny.en.bin"));
    let (whole, verdict, _) = run(&["verify"]).await;
    assert!(whole && verdict.contains("sha256"), "{verdict}");

    std::fs::write(directory.path().join("ggml-tiny.bin"), b"no model").unwrap();
    let (whole, verdict, error) = run(&["verify"]).await;
    assert!(!whole && verdict.contains("models pull tiny") && error.contains("1 of 2"), "{verdict}{error}");
    let (pulled, _, error) = run(&["pull", "base.en", "--from", "http://127.0.0.1:1"]).await;
    assert!(!pulled && error.contains("ggml-base.en.bin") && error.lines().count() == 1, "{error}");
    let (pulled, _, error) = run(&["pull", "huge"]).await;
    assert!(!pulled && error.contains("models list"), "{error}");
}
