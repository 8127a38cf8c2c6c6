//! Recordings with several audio streams.

use std::path::Path;

use e2e::{Api, media};
use serde_json::{Value, json};

use crate::analysis::{ANALYZE, clip};
use crate::formats::ffmpeg::ffmpeg;
use crate::words::{SPOKEN, model, server_with, timeline, words};

/// Stream 0, the default one: silence in FLAC. Stream 1: spoken digits in AC-3, which only ffmpeg decodes.
fn two_streams(file: &Path) {
    let digits = media::fixture("digits.wav");
    let silence = ["-f", "lavfi", "-i", "anullsrc=r=48000:cl=mono:d=8", "-i", digits.to_str().unwrap()];
    let streams = ["-map", "0:a", "-map", "1:a", "-c:a:0", "flac", "-c:a:1", "ac3"];
    let defaults = ["-disposition:a:0", "default", "-disposition:a:1", "0", file.to_str().unwrap()];
    ffmpeg(&[&silence[..], &streams, &defaults].concat()).unwrap();
}

async fn upload_two_streams(api: &Api) -> Value {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("two_streams.mkv");
    two_streams(&file);
    api.upload(&file).await
}

#[tokio::test(flavor = "multi_thread")]
async fn audio_streams_of_a_recording_are_listed() {
    let server = e2e::Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let asset = upload_two_streams(&api).await;
    assert_eq!(asset["codec_info"], "matroska: flac, ac3");
    let streams = asset["audio_streams"].as_array().unwrap();
    let first = json!({
        "index": 0, "codec": "flac", "channels": 1, "sample_rate": 48_000, "language": null, "is_default": true,
    });
    assert_eq!((streams.len(), &streams[0]), (2, &first));
    let second = &streams[1];
    assert_eq!(
        (&second["index"], &second["codec"], &second["channels"]),
        (&json!(1), &json!("ac3"), &json!(1))
    );
    assert!(second["sample_rate"].is_u64() && second["is_default"] == false, "{second}");
    let read = api.get(&format!("/media-v2/assets/{}", asset["id"].as_str().unwrap())).await.ok();
    assert_eq!(read["asset"], asset);

    let silent = api.upload(&media::fixture("no_audio_video.mp4")).await;
    assert_eq!(silent["audio_streams"], json!([]));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audio_stream_is_analysed_by_its_index() {
    let server = server_with(&model()).await;
    let api = server.api("t1", "dev");
    let asset = upload_two_streams(&api).await;
    let default = api.post(ANALYZE, &json!({"asset_id": asset["id"]})).await.ok();
    assert_eq!(words(&timeline(&api, &default).await), [""; 0]);
    let request = json!({"asset_id": asset["id"], "audio_stream": 1});
    let second = api.post(ANALYZE, &request).await.ok();
    let version = second["meta"]["backend_version"].as_str().unwrap();
    assert!(version.contains("+audio_stream=1+ffmpeg-"), "{version}");
    assert_eq!((&second["meta"]["audio_stream"], &second["meta"]["cache_hit"]), (&json!(1), &json!(false)));
    assert_eq!(words(&timeline(&api, &second).await), SPOKEN);
    assert_eq!(api.post(ANALYZE, &request).await.ok()["meta"]["cache_hit"], true);

    // Clips play the default stream: its timeline is returned, although the other one is newer.
    let clip = clip(&api, &asset, 0.0, 4_000.0, 1.0).await;
    let cut = api.get(&format!("/audio/semantic-timeline/by-clip/{clip}")).await.ok();
    assert_eq!(cut["artifact_id"], default["audio_semantic_artifact_id"]);

    let missing = api.post(ANALYZE, &json!({"asset_id": asset["id"], "audio_stream": 2})).await;
    let problem = missing.problem(422, "invalid_body");
    assert_eq!(problem["errors"][0]["pointer"], "/audio_stream");
    assert!(problem["detail"].as_str().unwrap().contains("has 2"), "{problem}");
    api.post(ANALYZE, &json!({"asset_id": asset["id"], "audio_stream": -1}))
        .await
        .problem(422, "invalid_body");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_are_taken_from_the_audio_stream_asked_for() {
    let server = server_with(&model()).await;
    let api = server.api("t1", "dev");
    let asset = upload_two_streams(&api).await;
    let detect = "/audio/voice-phrases/detect";
    let request = json!({"asset_id": asset["id"], "audio_stream": 1});
    let _ = api.post(ANALYZE, &json!({"asset_id": asset["id"]})).await.ok();
    api.post(detect, &request).await.problem(422, "words_not_found");
    let _ = api.post(ANALYZE, &request).await.ok();
    let phrases = api.post(detect, &request).await.ok();
    assert!(phrases["meta"]["backend_version"].as_str().unwrap().contains("+audio_stream=1+ffmpeg-"));
    let id = phrases["artifact_ids"][0].as_str().unwrap();
    let slice = api.get(&format!("/media-v2/artifacts/{id}/content")).await.body;
    let is_audible = |bytes: &[u8; 4]| f32::from_le_bytes(*bytes).abs() > 0.01;
    assert!(
        slice[slice.len() / 2 / 4 * 4..].as_chunks::<4>().0.iter().any(is_audible),
        "the slice is silent"
    );
    assert_eq!(api.post(detect, &request).await.ok()["meta"]["cache_hit"], true);
    // The default stream has no speech.
    let default = api.post(detect, &json!({"asset_id": asset["id"]})).await.ok();
    assert_eq!(default["artifact_ids"], json!([]));

    let hits = json!({"asset_id": asset["id"], "audio_stream": 7});
    let problem = api.post("/audio/hits/detect", &hits).await.problem(422, "invalid_body");
    assert_eq!(problem["errors"][0]["pointer"], "/audio_stream");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn phrases_of_the_default_stream_are_not_cut_by_the_words_of_another() {
    let server = server_with(&model()).await;
    let api = server.api("t1", "dev");
    let asset = upload_two_streams(&api).await;
    let _ = api.post(ANALYZE, &json!({"asset_id": asset["id"], "audio_stream": 1})).await.ok();
    let default = json!({"asset_id": asset["id"]});
    api.post("/audio/voice-phrases/detect", &default).await.problem(422, "words_not_found");
    let _ = api.post(ANALYZE, &default).await.ok();
    let phrases = api.post("/audio/voice-phrases/detect", &default).await.ok();
    assert_eq!(phrases["artifact_ids"], json!([]), "nothing is said in the default stream");
    server.stop().await;
}
