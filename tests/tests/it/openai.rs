//! `POST /v1/audio/transcriptions`, as clients of OpenAI's API call it.

use std::time::Duration;

use e2e::{Api, Deployment, Reply, media};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::words::{SPOKEN, model, server_with};

const TRANSCRIPTIONS: &str = "/v1/audio/transcriptions";

async fn transcribe(api: &Api, fields: &[(&'static str, &'static str)]) -> Reply {
    let bytes = std::fs::read(media::fixture("digits.wav")).unwrap();
    send(api, bytes, fields).await
}

async fn send(api: &Api, bytes: Vec<u8>, fields: &[(&'static str, &'static str)]) -> Reply {
    let file = Form::new().part("file", Part::bytes(bytes).file_name("digits.wav"));
    let form = fields.iter().fold(file, |form, (name, value)| form.text(*name, *value));
    api.send(api.request(Method::POST, TRANSCRIPTIONS).multipart(form)).await
}

#[track_caller]
fn error(reply: &Reply, status: u16, code: &str, param: &str) {
    let body: Value = reply.json();
    assert_eq!((reply.status, body["error"]["code"].as_str()), (status, Some(code)), "{body}");
    assert_eq!(body["error"]["param"].as_str().unwrap_or_default(), param, "{body}");
    assert!(!body["error"]["message"].as_str().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_are_transcribed_in_every_response_format() {
    let server = server_with(&model()).await;
    let api = server.api("t1", "dev");
    let text = SPOKEN.join(" ");
    assert_eq!(transcribe(&api, &[("model", "whisper-1")]).await.json(), json!({"text": text}));
    let plain =
        transcribe(&api, &[("model", "digits"), ("language", "auto"), ("response_format", "text")]).await;
    assert_eq!(
        (plain.text(), plain.header("content-type")),
        (text + "\n", Some("text/plain; charset=utf-8"))
    );
    let srt = transcribe(&api, &[("model", "whisper-1"), ("response_format", "srt")]).await.text();
    assert!(srt.starts_with("1\n00:00:00,2"), "{srt}");
    let vtt = transcribe(&api, &[("model", "whisper-1"), ("response_format", "vtt")]).await.text();
    assert!(vtt.starts_with("WEBVTT\n"), "{vtt}");
    let verbose = [
        ("model", "whisper-1"),
        ("response_format", "verbose_json"),
        ("timestamp_granularities[]", "word"),
        ("language", "en"),
        ("temperature", "0"),
    ];
    let verbose = transcribe(&api, &verbose).await.ok();
    assert_eq!((&verbose["task"], &verbose["language"]), (&json!("transcribe"), &json!("english")));
    assert!((verbose["duration"].as_f64().unwrap() - 8.0).abs() < 1.0, "{verbose}");
    let words: Vec<&str> =
        verbose["words"].as_array().unwrap().iter().map(|word| word["word"].as_str().unwrap()).collect();
    assert_eq!(words, SPOKEN);
    assert!(verbose["segments"].is_null());
    // Each upload becomes an asset with a timeline.
    let assets = api.get("/media-v2/assets").await.ok()["items"].clone();
    assert_eq!(assets.as_array().unwrap().len(), 5);
    let kept = api.get(&format!("/media-v2/assets/{}", assets[0]["id"].as_str().unwrap())).await.ok();
    assert!(kept["artifacts"].as_array().unwrap().iter().any(|a| a["kind"] == "asr_transcript"), "{kept}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn upload_is_not_stored_on_request() {
    let server = server_with(&model()).await;
    let api = server.api("t1", "dev");
    let reply = transcribe(&api, &[("model", "whisper-1"), ("store", "false")]).await;
    assert_eq!(reply.json()["text"], SPOKEN.join(" "));
    assert_eq!(api.get("/media-v2/assets").await.ok()["items"], json!([]));
    let staging = server.deployment().data_directory().join("staging");
    assert_eq!(std::fs::read_dir(staging).map_or(0, Iterator::count), 0);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn idempotency_key_makes_one_asset() {
    let server = server_with(&model()).await;
    let api = server.api("t1", "dev");
    let call = async || {
        let bytes = std::fs::read(media::fixture("digits.wav")).unwrap();
        let form = Form::new().text("model", "whisper-1").part("file", Part::bytes(bytes));
        let request = api.request(Method::POST, TRANSCRIPTIONS).header("Idempotency-Key", "k1");
        api.send(request.multipart(form)).await.ok()
    };
    assert_eq!(call().await, call().await);
    assert_eq!(api.get("/media-v2/assets").await.ok()["items"].as_array().unwrap().len(), 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_have_the_shape_of_openai() {
    let server = server_with(&model()).await;
    let api = server.api("t1", "dev");
    let base = ("model", "whisper-1");
    error(&transcribe(&api, &[]).await, 400, "invalid_body", "model");
    error(&transcribe(&api, &[("model", "large-v3")]).await, 404, "model_not_found", "model");
    error(&transcribe(&api, &[("model", "../digits")]).await, 404, "model_not_found", "model");
    error(&transcribe(&api, &[base, ("language", "xx")]).await, 400, "unsupported_language", "language");
    error(&transcribe(&api, &[base, ("stream", "true")]).await, 400, "unsupported_parameter", "stream");
    error(
        &transcribe(&api, &[base, ("temperature", "0.7")]).await,
        400,
        "unsupported_parameter",
        "temperature",
    );
    error(
        &transcribe(&api, &[base, ("include[]", "logprobs")]).await,
        400,
        "unsupported_parameter",
        "include[]",
    );
    error(
        &transcribe(&api, &[base, ("response_format", "xml")]).await,
        400,
        "invalid_body",
        "response_format",
    );
    let words = [base, ("timestamp_granularities[]", "word")];
    error(&transcribe(&api, &words).await, 400, "invalid_body", "timestamp_granularities");
    let noise: Vec<u8> = (0..5_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    error(&send(&api, noise, &[base]).await, 400, "undecodable_media", "");
    // The context may be in the form; without one, the call is refused.
    let client = reqwest::Client::builder().timeout(Duration::from_secs(120)).build().unwrap();
    let post = async |form: Form| {
        let sent = client.post(format!("{}{TRANSCRIPTIONS}", server.base())).multipart(form).send().await;
        let reply = sent.unwrap();
        (reply.status().as_u16(), reply.json::<Value>().await.unwrap())
    };
    let digits = || Part::bytes(std::fs::read(media::fixture("digits.wav")).unwrap());
    let form = || Form::new().part("file", digits()).text("model", "whisper-1");
    let (status, body) = post(form()).await;
    assert_eq!((status, &body["error"]["code"]), (400, &json!("invalid_context")), "{body}");
    let (status, body) = post(form().text("tenant_id", "t1").text("env", "dev")).await;
    assert_eq!((status, &body["text"]), (200, &json!(SPOKEN.join(" "))), "{body}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_transcribed_without_a_speech_model_or_beyond_the_limit() {
    let deployment = Deployment::new().await;
    let server = deployment.start_with(&[("AUDIO_SEMANTIC_BACKEND", "stub")]).await;
    let reply = transcribe(&server.api("t1", "dev"), &[("model", "whisper-1")]).await;
    error(&reply, 503, "backend_unavailable", "");
    assert!(reply.header("retry-after").is_some());
    server.stop().await;
    let server = deployment.start_with(&[("HARKBACK_MAX_TRANSCRIPTION_BYTES", "1000")]).await;
    error(
        &transcribe(&server.api("t1", "dev"), &[("model", "whisper-1")]).await,
        413,
        "upload_too_large",
        "",
    );
    server.stop().await;
}
