//! Invalid or unusual recordings: a correct answer or a typed error, and the server keeps running.

use e2e::{Api, Deployment, media};
use serde_json::{Value, json};
use test_kit::wav;

use crate::analysis::{ANALYZE, assert_covers};

async fn analyze(api: &Api, asset: &Value) -> e2e::Reply {
    api.post(ANALYZE, &json!({"asset_id": asset["id"]})).await
}

async fn timeline(api: &Api, asset: &Value) -> Value {
    let made = analyze(api, asset).await.ok();
    let id = made["audio_semantic_artifact_id"].as_str().unwrap();
    api.get(&format!("/audio/semantic-timeline/{id}")).await.ok()["summary"].clone()
}

/// A mono WAV of 32-bit floats.
fn float_wav(samples: &[f32]) -> Vec<u8> {
    let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let length = u32::try_from(bytes.len()).unwrap();
    let mut wav = Vec::new();
    wav.extend(b"RIFF");
    wav.extend((36 + length).to_le_bytes());
    wav.extend(b"WAVEfmt \x10\0\0\0\x03\0\x01\0");
    wav.extend(16_000u32.to_le_bytes());
    wav.extend(64_000u32.to_le_bytes());
    wav.extend([4, 0, 32, 0]);
    wav.extend(b"data");
    wav.extend(length.to_le_bytes());
    wav.extend(bytes);
    wav
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_not_recordings_are_refused() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let silent_video = api.upload(&media::fixture("no_audio_video.mp4")).await;
    analyze(&api, &silent_video).await.problem(422, "no_audio_stream");

    let noise: Vec<u8> = (0..100_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let talk = std::fs::read(media::fixture("talk_and_music.mp4")).unwrap();
    let broken = [
        ("noise.wav", noise.clone()),
        ("empty.mp3", Vec::new()),
        ("headless.mp4", talk[talk.len() / 2..].to_vec()),
        ("stub.wav", wav(48_000, 1, &[])),
        ("rate.wav", wav(0, 1, &[1; 100])),
        ("huge_rate.wav", wav(u32::MAX, 1, &[1; 100])),
        ("channels.wav", wav(48_000, 0, &[1; 100])),
        ("many_channels.wav", wav(48_000, u16::MAX, &[1; 100])),
    ];
    for (name, bytes) in broken {
        let asset = api.upload_bytes(name, bytes, &[]).await.ok();
        let reply = analyze(&api, &asset).await;
        let problem = reply.json();
        let expected_codes = [json!("undecodable_media"), json!("no_audio_stream")];
        assert!(reply.status == 422 && expected_codes.contains(&problem["code"]), "{name}: {problem}");
    }
    let rows = api.get("/media-v2/assets?limit=500").await.ok();
    for asset in rows["items"].as_array().unwrap() {
        let read = api.get(&format!("/media-v2/assets/{}", asset["id"].as_str().unwrap())).await.ok();
        assert_eq!(read["artifacts"], json!([]), "nothing half-made stays");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stub_backend_refuses_undecodable_files() {
    let server = Deployment::new().await.start_with(&[("AUDIO_SEMANTIC_BACKEND", "stub")]).await;
    let api = server.api("t1", "dev");
    let talk = std::fs::read(media::fixture("talk_and_music.mp4")).unwrap();
    let moov = talk.windows(4).position(|name| name == b"moov").unwrap();
    // The same box under a name that no player reads.
    let mut headless = talk.clone();
    headless[moov..moov + 4].copy_from_slice(b"free");
    for kind in ["video", "audio", "other", "image"] {
        let asset = api.upload_bytes("headless.m4a", headless.clone(), &[("kind", kind)]).await.ok();
        analyze(&api, &asset).await.problem(422, "undecodable_media");
    }
    assert_eq!(
        timeline(&api, &api.upload_bytes("whole.m4a", talk, &[]).await.ok()).await["meta"]["backend_type"],
        "stub"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_recordings_are_analysed() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");

    let silent = timeline(&api, &api.upload(&media::fixture("silent_video.mp4")).await).await;
    assert_covers(&silent);
    let kinds: Vec<_> = silent["events"].as_array().unwrap().iter().map(|event| &event["kind"]).collect();
    assert_eq!(kinds, ["silence"]);
    assert_eq!(silent["meta"]["integrated_lufs"], Value::Null);
    assert_eq!(silent["beats"], json!([]));

    // The extension is wrong: the content decides.
    let flac = std::fs::read(media::fixture("click_120bpm.flac")).unwrap();
    let lying = api.upload_bytes("click.mp4", flac, &[]).await.ok();
    assert_eq!(lying["kind"], "audio");
    assert_eq!(timeline(&api, &lying).await["duration_ms"], 10_000);

    let mut samples: Vec<f32> = (0..16_000).map(|i| (i as f32 * 0.17).sin() * 0.5).collect();
    samples[4_000..4_100].fill(f32::NAN);
    samples[8_000] = f32::INFINITY;
    let odd = timeline(&api, &api.upload_bytes("nan.wav", float_wav(&samples), &[]).await.ok()).await;
    assert_covers(&odd);
    assert_eq!(odd["meta"]["analysis"]["bad_samples"], 101);
    assert!(odd["meta"]["integrated_lufs"].as_f64().unwrap().is_finite());

    let short =
        timeline(&api, &api.upload_bytes("20ms.wav", wav(48_000, 1, &[9_000; 960]), &[]).await.ok()).await;
    assert_covers(&short);
    assert_eq!(short["duration_ms"], 20);

    let talk = std::fs::read(media::fixture("click_120bpm.mp3")).unwrap();
    let half = api.upload_bytes("half.mp3", talk[..talk.len() / 2].to_vec(), &[]).await.ok();
    let half = timeline(&api, &half).await;
    assert_covers(&half);
    assert!((4_000..6_000).contains(&half["duration_ms"].as_i64().unwrap()), "{}", half["duration_ms"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn real_odd_files_are_analysed() {
    let Some(videos) = media::corpus("video") else { return };
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let no_audio = api.upload(&videos.join("no_audio_bug.mp4")).await;
    analyze(&api, &no_audio).await.problem(422, "no_audio_stream");
    for (name, channels) in [("bbb_51.mp4", 6), ("no_duration.webm", 1), ("silent_track_flower.mp4", 2)] {
        let asset = api.upload(&videos.join(name)).await;
        let summary = timeline(&api, &asset).await;
        assert_covers(&summary);
        assert!(summary["duration_ms"].as_i64().unwrap() > 1_000, "{name}");
        if name == "bbb_51.mp4" {
            assert_eq!(asset["audio_channels"], channels);
        }
    }
    server.stop().await;
}
