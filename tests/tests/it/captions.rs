//! Captions of a transcript over HTTP.

use e2e::{Deployment, media};
use serde_json::{Value, json};

use crate::analysis::ANALYZE;
use crate::words::{model, server_with};

#[tokio::test(flavor = "multi_thread")]
async fn captions_have_limits_and_formats() {
    let server = server_with(&model()).await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("digits.wav")).await;
    let made = api.post(ANALYZE, &json!({"asset_id": asset["id"]})).await.ok();
    let id = made["audio_semantic_artifact_id"].as_str().unwrap();
    let path = format!("/audio/semantic-timeline/{id}/transcript");

    let srt = api.get(&format!("{path}?format=srt&max_words=2&min_duration_ms=0")).await.text();
    assert_eq!(srt.matches("-->").count(), 4, "{srt}");
    assert!(srt.contains("\nthree one\n") && srt.ends_with("two six\n\n"), "{srt}");
    let narrow = api.get(&format!("{path}?format=vtt&max_chars=10&max_lines=1")).await.text();
    assert!(narrow.lines().filter(|line| !line.contains("-->")).all(|line| line.len() <= 10), "{narrow}");
    let ttml = api.get(&format!("{path}?format=ttml")).await;
    assert_eq!(ttml.header("content-type"), Some("application/ttml+xml; charset=utf-8"));
    assert!(ttml.text().contains(r#"xml:lang="en""#) && ttml.text().contains("<p begin=\"00:00:00.2"));
    let ass = api.get(&format!("{path}?format=ass")).await.text();
    assert!(ass.contains("Dialogue: 0,0:00:00.") && ass.contains("{\\k") && ass.contains("}three"), "{ass}");
    let openai: Value = api.get(&format!("{path}?format=openai-json")).await.json();
    assert_eq!((&openai["task"], &openai["language"]), (&json!("transcribe"), &json!("english")));
    assert_eq!(openai["words"][0]["word"], "three");
    assert_eq!(openai["segments"][0]["id"], 0);
    let podcast: Value = api.get(&format!("{path}?format=podcast-transcript")).await.json();
    assert!(podcast["segments"][0]["body"].as_str().unwrap().starts_with("three"), "{podcast}");

    for wrong in
        ["max_chars=7", "max_lines=0", "max_words=81", "max_cps=NaN", "min_duration_ms=-1", "max_gap_ms=1"]
    {
        let problem = api.get(&format!("{path}?format=srt&{wrong}")).await.problem(422, "invalid_query");
        let name = wrong.split('=').next().unwrap();
        assert!(problem["detail"].as_str().unwrap().contains(name), "{problem}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeline_without_a_speech_model_has_no_captions() {
    let server = Deployment::new().await.start_with(&[("AUDIO_SEMANTIC_BACKEND", "signal")]).await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("digits.wav")).await;
    let made = api.post(ANALYZE, &json!({"asset_id": asset["id"]})).await.ok();
    let path = format!(
        "/audio/semantic-timeline/{}/transcript",
        made["audio_semantic_artifact_id"].as_str().unwrap()
    );
    for format in ["json", "srt", "txt", "openai-json"] {
        api.get(&format!("{path}?format={format}")).await.problem(422, "words_not_found");
    }
    server.stop().await;
}
