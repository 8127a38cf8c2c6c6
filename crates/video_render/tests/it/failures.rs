//! Failures: a missing ffmpeg and fake ones, invalid windows, missing bytes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use media_time::{AssetTime, MediaTime, Window};
use media_v2::{Description, MediaAsset, MediaError};
use test_kit::{context, window_ms};
use video_render::{Error, Profile, RenderConfig, RenderLimits, Rendered};

use crate::support::{TestState, ffmpeg, probe, script};

/// A test environment whose ffmpeg is the shell script `body`; `$output` is its output file.
async fn with_script(body: &str, limits: RenderLimits) -> (TestState, MediaAsset) {
    let scripts = tempfile::tempdir().unwrap();
    let script = script(scripts.path(), body);
    let config = RenderConfig { ffmpeg: script, workers: 1, waiting: 0, limits, ..RenderConfig::default() };
    let mut state = TestState::with(config).await;
    state.scripts = Some(scripts);
    let arguments =
        ["-f", "lavfi", "-i", "testsrc=s=64x36:r=25:d=2", "-c:v", "libx264", "-preset", "ultrafast"];
    let asset = state.make("source.mp4", &arguments).await;
    (state, asset)
}

const PATIENT: RenderLimits =
    RenderLimits { time: Duration::from_secs(60), stall: Duration::from_secs(60), output_bytes: 1 << 20 };

async fn attempt(
    state: &TestState,
    asset: &MediaAsset,
    window: Window<AssetTime>,
) -> Result<Rendered, Error> {
    let profile = Profile::named("draft_480p_fast").unwrap();
    state.renderer.render_window(&context("t1"), asset, window, profile).await
}

async fn failure(body: &str, limits: RenderLimits) -> Error {
    let (state, asset) = with_script(body, limits).await;
    let error = attempt(&state, &asset, window_ms(0, 1_000)).await.unwrap_err();
    let rows = sqlx::query_scalar::<_, i64>(
        "SELECT (SELECT count(*) FROM media_assets) + (SELECT count(*) FROM artifacts)
                + (SELECT count(*) FROM renders)",
    );
    assert_eq!(rows.fetch_one(&state.media.database.pool).await.unwrap(), 1, "the source alone");
    assert_eq!(state.media.blob_files(), 0, "nothing is left behind");
    error
}

/// Waits until the process whose id is in `file` has ended.
async fn ended(file: &Path) {
    let id = std::fs::read_to_string(file).unwrap();
    let process = PathBuf::from(format!("/proc/{}", id.trim()));
    let is_running = || {
        let status = std::fs::read_to_string(process.join("status")).unwrap_or_default();
        !status.is_empty() && !status.contains("State:\tZ")
    };
    for _ in 0..200 {
        if !is_running() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!is_running(), "{} still runs", process.display());
}

const HANG: &str = "sleep 600 & echo $! > $here/pid; wait";

#[tokio::test(flavor = "multi_thread")]
async fn missing_ffmpeg_is_unavailable() {
    let config = RenderConfig { ffmpeg: "/nowhere/ffmpeg".into(), ..RenderConfig::default() };
    let state = TestState::with(config).await;
    let asset = state.make("a.wav", &["-f", "lavfi", "-i", "sine=d=2"]).await;
    assert!(matches!(attempt(&state, &asset, window_ms(0, 1_000)).await, Err(Error::Unavailable(_))));
    assert!(matches!(state.renderer.version().await, Err(Error::Unavailable(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_ffmpeg_is_killed_with_its_children() {
    let stalled = RenderLimits { stall: Duration::from_millis(500), ..PATIENT };
    let (state, asset) = with_script(HANG, stalled).await;
    assert!(matches!(attempt(&state, &asset, window_ms(0, 1_000)).await, Err(Error::TimedOut(_))));
    ended(&state.scripts.as_ref().unwrap().path().join("pid")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ffmpeg_with_endless_output_is_killed_at_the_time_limit() {
    let limits = RenderLimits { time: Duration::from_millis(800), ..PATIENT };
    let error = failure("while :; do echo out_time_us=1; echo nonsense >&2; done", limits).await;
    assert!(matches!(error, Error::TimedOut(_)), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn render_is_killed_when_its_request_is_cancelled() {
    let (state, asset) = with_script(HANG, PATIENT).await;
    let pid = state.scripts.as_ref().unwrap().path().join("pid");
    let renderer = state.renderer.clone();
    let task = tokio::spawn({
        let asset = asset.clone();
        async move {
            let profile = Profile::named("draft_480p_fast").unwrap();
            renderer.render_window(&context("t1"), &asset, window_ms(0, 1_000), profile).await
        }
    });
    while std::fs::read_to_string(&pid).unwrap_or_default().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // One render runs, and the queue has no room for another.
    let profile = Profile::named("preview_720p_fast").unwrap();
    let full = state.renderer.render_window(&context("t1"), &asset, window_ms(0, 1_000), profile).await;
    assert!(
        matches!(full, Err(Error::Work(scheduling::WorkError::QueueFull { queue: "render", .. }))),
        "{full:?}"
    );
    task.abort();
    ended(&pid).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn crashes_and_bad_outputs_are_internal_errors() {
    for body in ["kill -SEGV $$", "echo Conversion failed! >&2; exit 1"] {
        let error = failure(body, PATIENT).await;
        assert!(matches!(error, Error::Tool(_)), "{body}: {error:?}");
    }
    for body in ["exit 0", "echo nonsense > \"$output\""] {
        let error = failure(body, PATIENT).await;
        assert!(matches!(error, Error::BadOutput(_)), "{body}: {error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn output_limit_and_full_disk_are_distinct_errors() {
    let error = failure("exec cat /dev/zero > \"$output\"", PATIENT).await;
    assert!(matches!(error, Error::TooLarge { limit_bytes: 1_048_576 }), "{error:?}");
    let full = "echo 'av_interleaved_write_frame(): No space left on device' >&2; exit 1";
    let error = failure(full, PATIENT).await;
    assert!(matches!(error, Error::StorageFull(_)), "{error:?}");
}

/// Videos whose header declares 10 s, truncated to half of their bytes, which is nearly 5 s.
#[tokio::test(flavor = "multi_thread")]
async fn window_beyond_the_end_of_a_truncated_video_is_refused() {
    let state = TestState::new().await;
    let film =
        ["-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=10", "-f", "lavfi", "-i", "sine=d=10", "-g", "25"];
    let codecs = ["-c:v", "mpeg4", "-c:a", "mp3", "-movflags", "+faststart"];
    let attempt = async |asset: &MediaAsset, start, end, profile: &str| {
        let profile = Profile::named(profile).unwrap();
        state.renderer.render_window(&context("t1"), asset, window_ms(start, end), profile).await
    };
    for name in ["cut.mp4", "cut.mkv", "cut.avi"] {
        let path = state.media.source(name);
        ffmpeg(&[film.as_slice(), &codecs].concat(), &path);
        let mut bytes = std::fs::read(&path).unwrap();
        let whole = state.register(name).await;
        assert!(attempt(&whole, 9_000, 10_000, "draft_480p_fast").await.is_ok(), "{name} while it was whole");
        bytes.truncate(bytes.len() / 2);
        std::fs::write(&path, &bytes).unwrap();
        let cut = state.register(name).await;
        for (start, end) in [(3_000, 6_000), (8_000, 9_000)] {
            for profile in ["draft_480p_fast", "social_1_1_h264"] {
                let error = attempt(&cut, start, end, profile).await.unwrap_err();
                // ffprobe estimates the length of an AVI file without its index by the file size.
                let is_refused = matches!(error, Error::UndecodableMedia(_) | Error::WindowOutside { .. });
                assert!(is_refused, "{name} {profile} {start}: {error:?}");
            }
        }
        let rendered = attempt(&cut, 2_000, 4_000, "draft_480p_fast").await.unwrap();
        let frames = probe(&state.copy(&rendered).await, &["-select_streams", "v"], "frame=pts_time");
        // Matroska's timestamps are shifted by the audio encoder's delay.
        assert!((50..=51).contains(&frames.len()), "{name}: what is there is rendered: {frames:?}");
    }
    let renders = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM renders");
    assert_eq!(renders.fetch_one(&state.media.database.pool).await.unwrap(), 6, "no wrong one is kept");
}

/// Many containers do not declare the length of audio, so a truncation is not detected; others declare too much.
#[tokio::test(flavor = "multi_thread")]
async fn window_beyond_the_end_of_truncated_audio_is_refused() {
    let state = TestState::new().await;
    let profile = Profile::named("draft_480p_fast").unwrap();
    for name in ["a.flac", "a.mp3", "a.ogg", "a.aac", "a.wav", "a.m4a"] {
        let path = state.media.source(name);
        let noise = ["-f", "lavfi", "-i", "anoisesrc=d=10:seed=1", "-movflags", "+faststart"];
        // The muxer of FLAC does not support `-movflags`.
        let noise = if name == "a.m4a" { &noise[..] } else { &noise[..4] };
        ffmpeg(noise, &path);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.truncate(bytes.len() / 2);
        std::fs::write(&path, &bytes).unwrap();
        let cut = state.register(name).await;
        let plan = async |start, end| state.renderer.plan_window(&cut, window_ms(start, end), profile).await;
        for (start, end) in [(4_000, 6_000), (8_000, 9_000)] {
            let error = plan(start, end).await.unwrap_err();
            let is_refused = matches!(error, Error::UndecodableMedia(_) | Error::WindowOutside { .. });
            assert!(is_refused, "{name} {start}: {error:?}");
        }
        // A page of Ogg is one second long.
        assert!(plan(2_000, 3_000).await.is_ok(), "{name}: what is there is rendered");
        if name == "a.flac" {
            assert_eq!(cut.duration, Some(MediaTime::from_millis(10_000)), "the declared duration");
            let error = attempt(&state, &cut, window_ms(8_000, 9_000)).await.unwrap_err();
            assert!(matches!(error, Error::UndecodableMedia(_)), "{error:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn complete_audio_is_rendered_to_its_end() {
    let state = TestState::new().await;
    let profile = Profile::named("draft_480p_fast").unwrap();
    let names =
        ["flac", "mp3", "ogg", "opus", "aac", "m4a", "mka", "webm", "wav", "aiff", "caf", "ts", "avi", "flv"];
    for name in names.map(|extension| format!("a.{extension}")) {
        let asset = state.make(&name, &["-f", "lavfi", "-i", "anoisesrc=d=3.21:seed=1"]).await;
        let end = asset.duration.map_or(AssetTime::from_millis(3_200), AssetTime::at);
        let window = Window::new(end - MediaTime::from_millis(500), end).unwrap();
        let plan = state.renderer.plan_window(&asset, window, profile).await;
        assert!(plan.is_ok(), "{name}, {end}: {plan:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wave_header_without_samples_is_undecodable() {
    let state = TestState::new().await;
    ffmpeg(&["-f", "lavfi", "-i", "sine=d=2", "-fflags", "+bitexact"], &state.media.source("a.wav"));
    let mut bytes = std::fs::read(state.media.source("a.wav")).unwrap();
    bytes.truncate(44);
    std::fs::write(state.media.source("a.wav"), &bytes).unwrap();
    let asset = state.register("a.wav").await;
    assert_eq!(asset.duration, None);
    let error = attempt(&state, &asset, window_ms(0, 1_000)).await.unwrap_err();
    assert!(matches!(error, Error::UndecodableMedia(_)), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_must_be_inside_the_recording() {
    let state = TestState::new().await;
    let asset = state.make("a.wav", &["-f", "lavfi", "-i", "sine=d=2"]).await;
    let profile = Profile::named("draft_480p_fast").unwrap();
    let attempt = async |start, end| {
        state.renderer.render_window(&context("t1"), &asset, window_ms(start, end), profile).await
    };
    assert!(matches!(attempt(500, 500).await, Err(Error::InvalidWindow { .. })));
    assert!(matches!(attempt(-1, 500).await, Err(Error::InvalidWindow { .. })));
    assert!(matches!(attempt(500, 2_001).await, Err(Error::WindowOutside { .. })));
    assert!(matches!(attempt(5_000, 6_000).await, Err(Error::WindowOutside { .. })));
    assert!(attempt(1_999, 2_000).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_blob_is_content_missing() {
    let state = TestState::new().await;
    ffmpeg(&["-f", "lavfi", "-i", "sine=d=2"], &state.media.source("a.wav"));
    let mut upload = state.media.service.blobs().writer().await.unwrap();
    upload.write(Bytes::from(std::fs::read(state.media.source("a.wav")).unwrap())).await.unwrap();
    let asset = state
        .media
        .service
        .register_upload(&context("t1"), upload, None, Description::default())
        .await
        .unwrap();
    let hash = asset.content_sha256.clone().unwrap();
    let blob = state.media.directory().join("blobs/sha256").join(&hash[..2]).join(&hash);
    std::fs::remove_file(blob).unwrap();
    let error = attempt(&state, &asset, window_ms(0, 1_000)).await.unwrap_err();
    assert!(matches!(error, Error::Media(MediaError::ContentMissing(_))), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_refer_to_other_files_are_refused() {
    let state = TestState::new().await;
    ffmpeg(&["-f", "lavfi", "-i", "sine=d=2"], &state.media.source("secret.wav"));
    let secret = state.media.source("secret.wav").display().to_string();
    let hostile = [
        ("concat.mp4", format!("ffconcat version 1.0\nfile '{secret}'\n")),
        (
            "hls.mp4",
            format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile://{secret}\n#EXT-X-ENDLIST\n"),
        ),
        ("data.mp4", "#EXTM3U\n#EXTINF:2,\ndata:audio/wav;base64,UklGRg==\n#EXT-X-ENDLIST\n".to_owned()),
        ("dash.mp4", "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\"></MPD>".to_owned()),
        (
            "sdp.mp4",
            "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n".to_owned(),
        ),
        ("%03d.png", "\u{89}PNG not really".to_owned()),
    ];
    for (name, text) in hostile {
        std::fs::write(state.media.source(name), text).unwrap();
        let asset = state.register(&name.replace('%', "%25")).await;
        let error = attempt(&state, &asset, window_ms(0, 1_000)).await.unwrap_err();
        assert!(matches!(error, Error::UnsupportedContainer(_)), "{name}: {error:?}");
    }
    // The file begins as MP4 and continues as a playlist: only the demuxer of MP4 reads it.
    let half = format!("\0\0\0\x18ftypisom\0\0\0\0isomiso2#EXTM3U\n#EXTINF:2,\nfile://{secret}\n");
    std::fs::write(state.media.source("half.mp4"), half).unwrap();
    let asset = state.register("half.mp4").await;
    let error = attempt(&state, &asset, window_ms(0, 1_000)).await.unwrap_err();
    assert!(matches!(error, Error::UndecodableMedia(_)), "{error:?}");
}
