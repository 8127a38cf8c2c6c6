//! Timelines and transcripts that callers register: validated, and never mistaken for an analysis.

use e2e::{Api, Deployment, Server, media};
use serde_json::{Value, json};

use crate::analysis::stored;

const ANALYZE: &str = "/audio/semantic-timeline/analyze";

async fn server() -> Server {
    Deployment::new().await.start_with(&[("AUDIO_SEMANTIC_BACKEND", "signal")]).await
}

/// Uploads a document; returns its URI.
async fn document(api: &Api, document: &Value) -> Value {
    let uploaded = api.upload_bytes("document.json", document.to_string().into_bytes(), &[]).await.ok();
    uploaded["source_uri"].clone()
}

fn timeline(uri: &Value, key: &str, duration_ms: &Value) -> Value {
    let meta =
        json!({"backend_version": "x", "model_used": "x", "cache_key": key, "duration_ms": duration_ms});
    json!({"kind": "audio_semantic_timeline", "uri": uri, "meta": meta})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registered_timeline_is_not_a_cached_analysis() {
    let server = server().await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("click_120bpm.wav")).await;
    let other = api.upload(&media::fixture("talk_and_music.mp4")).await;
    let made = api.post(ANALYZE, &json!({"asset_id": asset["id"]})).await.ok();
    let key = made["meta"]["cache_key"].as_str().unwrap();
    // The cache key of the first analysis of the other recording, with a forged timeline.
    let key = key.replace(asset["id"].as_str().unwrap(), other["id"].as_str().unwrap());
    let id = made["audio_semantic_artifact_id"].as_str().unwrap();
    let content = api.get(&format!("/media-v2/artifacts/{id}/content")).await.ok();
    let mut forged = content.clone();
    forged["asset_id"] = other["id"].clone();
    let uri = document(&api, &forged).await;
    let artifacts = format!("/media-v2/assets/{}/artifacts", other["id"].as_str().unwrap());
    let planted = api.post(&artifacts, &timeline(&uri, &key, &forged["duration_ms"])).await.ok();
    assert_eq!(planted["meta"]["cache_key"], format!("registered/{key}"));

    let analysed = api.post(ANALYZE, &json!({"asset_id": other["id"]})).await.ok();
    assert_eq!(analysed["meta"]["cache_key"], key);
    assert_eq!(analysed["meta"]["cache_hit"], false, "{analysed}");
    assert_ne!(analysed["audio_semantic_artifact_id"], planted["id"]);
    let again = api.post(ANALYZE, &json!({"asset_id": other["id"]})).await.ok();
    assert_eq!(
        (&again["meta"]["cache_hit"], &again["audio_semantic_artifact_id"]),
        (&json!(true), &analysed["audio_semantic_artifact_id"])
    );
    // Registering it twice is refused, also with the key as it is read back.
    let repeated = timeline(&uri, planted["meta"]["cache_key"].as_str().unwrap(), &forged["duration_ms"]);
    api.post(&artifacts, &repeated).await.problem(409, "duplicate_cache_key");
    // A registered timeline is read as any other; so is a measured one that is registered again.
    let read = format!("/audio/semantic-timeline/{}", planted["id"].as_str().unwrap());
    assert_eq!(stored(&api.get(&read).await.ok()["summary"]), forged);
    let id = analysed["audio_semantic_artifact_id"].as_str().unwrap();
    let measured = api.get(&format!("/media-v2/artifacts/{id}/content")).await.ok();
    let uri = document(&api, &measured).await;
    let _ = api.post(&artifacts, &timeline(&uri, "mine", &measured["duration_ms"])).await.ok();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn registered_document_must_exist_and_be_a_timeline() {
    let deployment = Deployment::new().await;
    let files = tempfile::tempdir().unwrap();
    let root = files.path().to_str().unwrap().to_owned();
    let settings = [("AUDIO_SEMANTIC_BACKEND", "signal"), ("HARKBACK_SOURCE_ROOTS", root.as_str())];
    let server = deployment.start_with(&settings).await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("click_120bpm.wav")).await;
    let artifacts = format!("/media-v2/assets/{}/artifacts", asset["id"].as_str().unwrap());
    let refused = async |body: &Value| {
        let problem = api.post(&artifacts, body).await.problem(422, "invalid_body");
        problem["errors"][0].clone()
    };
    for uri in [json!("mem:x"), json!("https://localhost/t.json"), json!(format!("file://{root}/none.json"))]
    {
        assert_eq!(refused(&timeline(&uri, "k", &json!(1))).await["pointer"], "/uri", "{uri}");
    }
    let error = refused(&timeline(&asset["source_uri"], "k", &json!(1))).await;
    assert!(error["detail"].as_str().unwrap().contains("not a semantic timeline"), "{error}");

    let made = api.post(ANALYZE, &json!({"asset_id": asset["id"]})).await.ok();
    let id = made["audio_semantic_artifact_id"].as_str().unwrap();
    let content = api.get(&format!("/media-v2/artifacts/{id}/content")).await.ok();
    let mut overlapping = content.clone();
    overlapping["events"][0]["end_ms"] = json!(1_000_000);
    let uri = document(&api, &overlapping).await;
    let error = refused(&timeline(&uri, "k", &content["duration_ms"])).await;
    assert!(error["detail"].as_str().unwrap().starts_with("`/events/0/end_ms`"), "{error}");

    // A file is validated, too, and a later change is detected.
    let path = files.path().join("timeline.json");
    std::fs::write(&path, content.to_string()).unwrap();
    let uri = json!(format!("file://{}", path.display()));
    let file = api.post(&artifacts, &timeline(&uri, "k", &content["duration_ms"])).await.ok();
    let read = format!("/audio/semantic-timeline/{}", file["id"].as_str().unwrap());
    assert_eq!(stored(&api.get(&read).await.ok()["summary"]), content);
    std::fs::write(&path, overlapping.to_string()).unwrap();
    api.get(&read).await.problem(409, "source_changed");
    // Larger than the maximum size of a document; only its size is checked.
    std::fs::File::create(&path).unwrap().set_len(65 << 20).unwrap();
    let error = refused(&timeline(&uri, "k2", &content["duration_ms"])).await;
    assert!(error["detail"].as_str().unwrap().contains("more than"), "{error}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registered_transcript_is_checked() {
    let server = server().await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("click_120bpm.wav")).await;
    let artifacts = format!("/media-v2/assets/{}/artifacts", asset["id"].as_str().unwrap());
    let register = async |end_ms: i64| {
        let words = json!({"words": [{"word": "tick", "start_ms": 0, "end_ms": end_ms}]});
        let uri = document(&api, &words).await;
        let meta = json!({"backend_version": "x", "model_used": "x", "cache_key": "k", "duration_ms": 1_000});
        api.post(&artifacts, &json!({"kind": "asr_transcript", "uri": uri, "meta": meta})).await
    };
    let registered = register(900).await.ok();
    assert_eq!(registered["meta"]["cache_key"], "registered/k");
    let problem = register(2_000).await.problem(422, "invalid_body");
    assert_eq!(problem["errors"][0]["pointer"], "/uri");
    server.stop().await;
}
