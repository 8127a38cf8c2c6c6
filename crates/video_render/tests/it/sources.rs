//! Sources of different formats and shapes, and every profile.

use std::path::Path;

use media_v2::MediaAsset;
use test_kit::window_ms;
use video_render::Profile;

use crate::support::{TestState, decode, probe};

/// The first frame of a rendered file as grey pixels.
fn first_frame(path: &Path) -> Vec<u8> {
    decode(path, &["-map", "0:v", "-frames:v", "1", "-vf", "format=gray", "-f", "rawvideo"])
}

/// The peak sample of each channel of a rendered file.
fn peaks(path: &Path) -> [u16; 2] {
    let bytes = decode(path, &["-map", "0:a", "-f", "s16le"]);
    let samples: Vec<i16> =
        bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
    [0, 1].map(|channel| samples.iter().skip(channel).step_by(2).map(|s| s.unsigned_abs()).max().unwrap())
}

/// The bounding box of the bright pixels: left, top, right, bottom.
fn lit(frame: &[u8], width: usize) -> [usize; 4] {
    let bright = frame.iter().enumerate().filter(|(_, pixel)| **pixel > 100).map(|(at, _)| at);
    bright.fold([usize::MAX, usize::MAX, 0, 0], |[left, top, right, bottom], at| {
        let (x, y) = (at % width, at / width);
        [left.min(x), top.min(y), right.max(x + 1), bottom.max(y + 1)]
    })
}

async fn render_first_frame(state: &TestState, asset: &MediaAsset) -> Vec<u8> {
    let rendered = state.render(asset, window_ms(0, 200), "social_1_1_h264").await;
    first_frame(&state.copy(&rendered).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_profile_has_its_format() {
    let state = TestState::new().await;
    let asset = state
        .make("a.mp4", &["-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=1", "-f", "lavfi", "-i", "sine=d=1"])
        .await;
    for profile in &Profile::ALL {
        let rendered = state.render(&asset, window_ms(100, 180), profile.name).await;
        let path = state.copy(&rendered).await;
        let (width, height) = (profile.width, profile.height);
        let (codec, audio) = match profile.name {
            "master_4k_prores" => ("prores", "pcm_s24le"),
            _ => ("h264", "aac"),
        };
        let entries = "stream=codec_name,width,height";
        assert_eq!(
            probe(&path, &["-select_streams", "v"], entries),
            [format!("{codec},{width},{height}")],
            "{profile}"
        );
        let entries = "stream=codec_name,sample_rate,channels";
        assert_eq!(
            probe(&path, &["-select_streams", "a"], entries),
            [format!("{audio},48000,2")],
            "{profile}"
        );
        // Frames 2, 3 and 4 of the source, or three of a grid from frame 2 on.
        let frames = probe(&path, &["-select_streams", "v"], "frame=pts_time");
        assert_eq!(frames.len(), 3, "{profile}: {frames:?}");
        let seconds: f64 = probe(&path, &[], "format=duration")[0].parse().unwrap();
        assert!((0.08..0.14).contains(&seconds), "{profile}: {seconds} s");
        let asset =
            state.media.service.asset(&test_kit::context("t1").scope, &rendered.render_asset_id).await;
        assert_eq!(asset.unwrap().audio_channels, Some(2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn shapes_are_fitted_into_the_canvas() {
    let state = TestState::new().await;
    let white = |size: &str| format!("color=white:s={size}:r=25:d=1");
    let wide = white("160x120");
    let x264 = ["-c:v", "libx264", "-pix_fmt", "yuv420p"];

    let odd = format!("{},format=yuv444p", white("101x57"));
    let odd = ["-f", "lavfi", "-i", &odd, "-c:v", "ffv1"];
    let odd = state.make("odd.mkv", &odd).await;
    // 1080 / (101 / 57) = 609.5, rounded to an even number of lines, starting at an even line.
    assert_eq!(lit(&render_first_frame(&state, &odd).await, 1080), [0, 234, 1080, 844]);

    let plain = [["-f", "lavfi"].as_slice(), &["-i", &wide], &x264].concat();
    crate::support::ffmpeg(&plain, &state.media.source("plain.mp4"));
    let source = state.media.source("plain.mp4").display().to_string();
    let rotated = ["-i", &source, "-c", "copy", "-metadata:s:v", "rotate=90"];
    let rotated = state.make("rotated.mp4", &rotated).await;
    assert_eq!(lit(&render_first_frame(&state, &rotated).await, 1080), [134, 0, 944, 1080]);

    let squeezed = [["-f", "lavfi"].as_slice(), &["-i", &wide, "-vf", "setsar=3/2"], &x264].concat();
    let squeezed = state.make("squeezed.mp4", &squeezed).await;
    // 160 × 3/2 : 120 = 2 : 1.
    assert_eq!(lit(&render_first_frame(&state, &squeezed).await, 1080), [0, 270, 1080, 810]);
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_video_is_black_and_missing_audio_is_silent() {
    let state = TestState::new().await;
    let audio = state.make("audio.wav", &["-f", "lavfi", "-i", "sine=d=2"]).await;
    let rendered = state.render(&audio, window_ms(500, 1_500), "draft_480p_fast").await;
    let path = state.copy(&rendered).await;
    assert_eq!(probe(&path, &["-select_streams", "v"], "frame=width,height").len(), 30);
    assert!(first_frame(&path).iter().all(|pixel| *pixel < 20));
    assert!(peaks(&path)[0] > 1_000);
    assert_eq!(rendered.plan.sources[0].first_frame, None);

    let video = ["-f", "lavfi", "-i", "testsrc=s=64x36:r=25:d=2", "-c:v", "libx264"];
    let video = state.make("video.mp4", &video).await;
    let path = state.copy(&state.render(&video, window_ms(0, 500), "draft_480p_fast").await).await;
    assert_eq!(peaks(&path), [0, 0]);

    // The video ends before the audio: the last frame freezes.
    let short = ["-f", "lavfi", "-i", "color=white:s=64x36:r=25:d=1", "-f", "lavfi", "-i", "sine=d=3"];
    let short = state.make("short.mp4", &short).await;
    for (profile, frames) in [("draft_480p_fast", 1), ("social_1_1_h264", 15)] {
        let path = state.copy(&state.render(&short, window_ms(2_000, 2_500), profile).await).await;
        let found = probe(&path, &["-select_streams", "v"], "frame=pts_time").len();
        assert_eq!(found, frames, "{profile}");
        assert!(peaks(&path)[0] > 1_000);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn surround_is_mixed_to_stereo_and_transport_streams_begin_at_zero() {
    let state = TestState::new().await;
    let center = "sine=f=440:d=2,pan=5.1|FC=c0";
    let video = "testsrc=s=64x36:r=25:d=2";
    let arguments =
        ["-f", "lavfi", "-i", center, "-f", "lavfi", "-i", video, "-c:v", "libx264", "-c:a", "ac3"];
    let surround = state.make("surround.ts", &arguments).await;
    let rendered = state.render(&surround, window_ms(0, 1_000), "draft_480p_fast").await;
    assert_eq!(rendered.plan.sources[0].demuxer, "mpegts");
    let path = state.copy(&rendered).await;
    let [left, right] = peaks(&path);
    assert!(left > 500 && left.abs_diff(right) < 100, "{left} {right}");
    assert_eq!(probe(&path, &["-select_streams", "v"], "frame=pts_time").len(), 25);
}
