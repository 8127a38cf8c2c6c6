//! Probed properties of real recordings, compared with those of ffprobe 5.1.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::support::World;

#[expect(clippy::disallowed_methods, reason = "the location of the corpus, in tests only")]
fn corpus() -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    std::env::var_os("HARKBACK_CORPUS").map_or(beside, PathBuf::from)
}

#[tokio::test]
async fn recordings_are_probed_as_by_ffprobe() {
    let folder = corpus().join("video");
    if !folder.is_dir() {
        println!("skipped: corpus absent at {}", folder.display());
        return;
    }
    let world = World::new().await;
    // The fourth has no duration in its header: its audio is decoded. ffmpeg decodes 4.86 s that begin at 0.015 s.
    for (name, kind, duration_ms, fps, rate, channels) in [
        ("talk_example.mp4", "video", 42_453.0, 30.0, Some(48_000), 2),
        ("bbb_51.mp4", "video", 30_022.0, 24.0, Some(48_000), 6),
        ("bbb_30s.webm", "video", 30_003.0, 24.0, Some(44_100), 2),
        ("no_duration.webm", "video", 4_875.0, 15_000.0 / 1_001.0, Some(48_000), 2),
        ("no_audio_bug.mp4", "video", 6_767.0, 30.0, None, 0),
    ] {
        let asset = world.upload(&std::fs::read(folder.join(name)).unwrap(), &[]).await.created();
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
