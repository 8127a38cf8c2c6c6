//! Probed properties of real recordings, compared with those of ffprobe 5.1.

use serde_json::json;
use test_kit::files::corpus;

use crate::support::TestState;

#[tokio::test]
async fn recordings_are_probed_as_by_ffprobe() {
    let Some(folder) = corpus("video") else { return };
    let state = TestState::new().await;
    // The fourth has no duration in its header: its audio is decoded. ffmpeg decodes 4.86 s that begin at 0.015 s.
    for (name, kind, duration_ms, fps, rate, channels) in [
        ("talk_example.mp4", "video", 42_453.0, 30.0, Some(48_000), 2),
        ("bbb_51.mp4", "video", 30_022.0, 24.0, Some(48_000), 6),
        ("bbb_30s.webm", "video", 30_003.0, 24.0, Some(44_100), 2),
        ("no_duration.webm", "video", 4_875.0, 15_000.0 / 1_001.0, Some(48_000), 2),
        ("no_audio_bug.mp4", "video", 6_767.0, 30.0, None, 0),
    ] {
        let asset = state.upload(&std::fs::read(folder.join(name)).unwrap(), &[]).await.created();
        println!("{name}: {} ms, {} fps, {}", asset["duration_ms"], asset["fps"], asset["codec_info"]);
        assert_eq!(asset["kind"], kind, "{name}");
        assert!((asset["duration_ms"].as_f64().unwrap() - duration_ms).abs() <= 20.0, "{name}");
        assert!((asset["fps"].as_f64().unwrap() - fps).abs() < 0.05, "{name}");
        assert_eq!(
            (&asset["sample_rate"], &asset["audio_channels"]),
            (&json!(rate), &json!(channels)),
            "{name}"
        );
    }
}
