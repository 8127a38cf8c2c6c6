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
async fn exports_of_an_analysis_have_the_formats_of_transcripts() {
    let server = server_with(&model()).await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("digits.wav")).await;
    let made = api.post(ANALYZE, &json!({"asset_id": asset["id"]})).await.ok();
    let timeline =
        format!("/audio/semantic-timeline/{}", made["audio_semantic_artifact_id"].as_str().unwrap());
    let clips = json!([{"asset_id": asset["id"], "in_ms": 500, "out_ms": 4_000, "start_ms_on_timeline": 0}]);
    let edit = json!({"project": {"new": {"title": "Digits"}}, "sequence": {"name": "main"},
        "track": {"kind": "audio", "label": "A1"}, "clips": clips});
    let edit = api.post("/video/timelines", &edit).await.created();
    let clip = format!("/audio/semantic-timeline/by-clip/{}", edit["clips"][0]["id"].as_str().unwrap());
    for thing in [&timeline, &clip] {
        for format in ["json", "srt", "vtt", "ttml", "ass", "txt", "openai-json", "podcast-transcript"] {
            let query = format!("format={format}&max_words=2&max_cps=20");
            let transcript = api.get(&format!("{thing}/transcript?{query}")).await;
            let export = api.get(&format!("{thing}/export?{query}")).await;
            assert_eq!((transcript.status, export.status), (200, 200), "{thing} {format}");
            assert_eq!(export.body, transcript.body, "{thing} {format}");
            assert_eq!(export.header("content-type"), transcript.header("content-type"), "{format}");
            assert_eq!(export.header("harkback-warnings"), Some("0"), "{format}");
            let body = json!({"format": format, "max_words": 2, "max_cps": 20});
            let report = api.post(&format!("{thing}/export"), &body).await.ok();
            assert_eq!(report["warnings"], json!([]));
            assert_eq!(api.get(report["href"].as_str().unwrap()).await.body, export.body, "{report}");
        }
    }
    let path = format!("{timeline}/export");
    let wrong = api.get(&format!("{path}?format=srt&max_chars=7")).await.problem(422, "invalid_query");
    assert_eq!(wrong["errors"][0]["pointer"], "max_chars");
    let wrong = api.post(&path, &json!({"format": "srt", "max_chars": 7})).await;
    assert_eq!(wrong.problem(422, "invalid_body")["errors"][0]["pointer"], "/max_chars");
    let unknown = api.get(&format!("{path}?format=fcpxml")).await.problem(422, "invalid_query");
    let detail = unknown["detail"].as_str().unwrap();
    assert!(detail.contains("midi") && detail.contains("srt"), "{detail}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeline_without_a_speech_model_has_no_captions() {
    let server = Deployment::new().await.start_with(&[("AUDIO_SEMANTIC_BACKEND", "signal")]).await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("digits.wav")).await;
    let made = api.post(ANALYZE, &json!({"asset_id": asset["id"]})).await.ok();
    let timeline =
        format!("/audio/semantic-timeline/{}", made["audio_semantic_artifact_id"].as_str().unwrap());
    for format in ["json", "srt", "txt", "openai-json"] {
        for route in ["transcript", "export"] {
            let path = format!("{timeline}/{route}?format={format}");
            api.get(&path).await.problem(422, "words_not_found");
        }
    }
    server.stop().await;
}
