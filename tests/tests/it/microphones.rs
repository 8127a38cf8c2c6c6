//! Recordings in which each channel is one microphone.

use std::path::Path;

use e2e::media;
use serde_json::{Value, json};

use crate::analysis::{ANALYZE, assert_covers};
use crate::formats::ffmpeg::ffmpeg;
use crate::words::{SPOKEN, model, server_with, timeline, words};

/// Two speakers, one after the other for 8 s each, each with an own microphone; the other one has them 15 dB softer.
fn two_microphones(file: &Path) {
    let digits = media::fixture("digits.wav");
    let inputs = ["-i", digits.to_str().unwrap(), "-i", digits.to_str().unwrap()];
    let filter = "[0]aformat=channel_layouts=mono,apad=pad_dur=8[a];\
                  [1]aformat=channel_layouts=mono,adelay=8000:all=1[b];[a][b]join=inputs=2:channel_layout=stereo,\
                  pan=stereo|c0=c0+0.178*c1|c1=c1+0.178*c0[out]";
    let output = ["-filter_complex", filter, "-map", "[out]", "-c:a", "pcm_s16le", file.to_str().unwrap()];
    ffmpeg(&[&inputs[..], &output].concat()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_microphone_is_a_speaker() {
    let server = server_with(&model()).await;
    let api = server.api("t1", "dev");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("two.wav");
    two_microphones(&file);
    let asset = api.upload(&file).await;
    let plain = api.post(ANALYZE, &json!({"asset_id": asset["id"]})).await.ok();
    let request = json!({"asset_id": asset["id"], "channel_speech": true});
    let made = api.post(ANALYZE, &request).await.ok();
    let version = made["meta"]["backend_version"].as_str().unwrap();
    assert_eq!(version, format!("{}+channel_speech", plain["meta"]["backend_version"].as_str().unwrap()));
    assert_eq!(
        (&made["meta"]["channel_speech"], &plain["meta"]["channel_speech"]),
        (&json!(true), &Value::Null)
    );
    assert_eq!(api.post(ANALYZE, &request).await.ok()["meta"]["cache_hit"], true);

    let summary = timeline(&api, &made).await;
    assert_covers(&summary);
    assert_eq!(words(&summary), [SPOKEN, SPOKEN].concat());
    let events = summary["events"].as_array().unwrap();
    let spoken = events.iter().flat_map(|event| event["meta"]["words"].as_array().into_iter().flatten());
    for word in spoken {
        let expected = if word["start_ms"].as_i64().unwrap() < 8_000 { "CH1" } else { "CH2" };
        assert_eq!(word["speaker_id"], expected, "{word}");
    }
    let speakers = summary["meta"]["speakers"].as_array().unwrap();
    let ids: Vec<&Value> = speakers.iter().map(|speaker| &speaker["id"]).collect();
    assert_eq!(ids, ["CH1", "CH2"]);
    assert!(
        speakers.iter().all(|speaker| speaker["name"].is_null() && speaker["confidence"] == 1.0),
        "{speakers:?}"
    );
    for turn in summary["meta"]["speaker_turns"].as_array().unwrap() {
        let is_first = turn["end_ms"].as_i64().unwrap() <= 8_000;
        assert_eq!(
            turn["speaker_id"],
            if is_first { "CH1" } else { "CH2" },
            "cross-talk is no speech: {turn}"
        );
    }
    assert_eq!(summary["meta"]["analysis"]["channel_speech"], json!({"channels": 2}));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn channels_of_a_mono_recording_are_one_microphone() {
    let server = server_with(&model()).await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("digits.wav")).await;
    let request = json!({"asset_id": asset["id"], "channel_speech": true});
    let made = api.post(ANALYZE, &request).await.ok();
    let summary = timeline(&api, &made).await;
    assert_eq!(words(&summary), SPOKEN);
    let notes = &summary["meta"]["analysis"]["channel_speech"];
    assert!(notes["warning"].as_str().unwrap().contains("one channel"), "{notes}");
    assert_eq!(summary["meta"]["speakers"][0]["id"], "CH1");

    let both = json!({"asset_id": asset["id"], "channel_speech": true, "speakers": true});
    let problem = api.post(ANALYZE, &both).await.problem(422, "invalid_body");
    assert_eq!(problem["errors"][0]["pointer"], "/channel_speech");
    server.stop().await;
}
