//! Sources that cannot be decoded or exceed a limit: 422, not an internal error.

use media_v2::MediaAsset;
use test_kit::{context, wav, window_ms};
use video_render::{Error, Profile, Rendered};

use crate::support::{TestState, decode, ffmpeg, probe};

async fn attempt(state: &TestState, asset: &MediaAsset) -> Result<Rendered, Error> {
    let profile = Profile::named("draft_480p_fast").unwrap();
    state.renderer.render_window(&context("t1"), asset, window_ms(0, 400), profile).await
}

/// Checks that a render of `asset` is 422 `undecodable_media`, and returns the detail.
async fn refused(state: &TestState, asset: &MediaAsset) -> String {
    let error = attempt(state, asset).await.unwrap_err();
    assert!(matches!(error, Error::UndecodableMedia(_)), "{}: {error:?}", asset.source_uri);
    error.to_string()
}

const FILM: [&str; 12] = [
    "-f",
    "lavfi",
    "-i",
    "testsrc2=s=160x90:r=25:d=1",
    "-f",
    "lavfi",
    "-i",
    "sine=d=1",
    "-c:v",
    "libx264",
    "-c:a",
    "pcm_s16le",
];

/// Registers a video whose bytes were changed.
async fn changed(state: &TestState, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> MediaAsset {
    ffmpeg(&FILM, &state.media.source(name));
    let mut bytes = std::fs::read(state.media.source(name)).unwrap();
    change(&mut bytes);
    std::fs::write(state.media.source(name), bytes).unwrap();
    state.register(name).await
}

/// Replaces the last `old` with `new`.
fn replace_last(bytes: &mut [u8], old: &[u8; 4], new: &[u8; 4]) {
    let at = bytes.windows(4).rposition(|window| window == old).unwrap();
    bytes[at..at + 4].copy_from_slice(new);
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_packets_are_undecodable_media() {
    let state = TestState::new().await;
    let noise = |bytes: &mut Vec<u8>| {
        let from = bytes.windows(4).position(|window| window == b"mdat").unwrap() + 4;
        let to = bytes.windows(4).rposition(|window| window == b"moov").unwrap() - 4;
        let mut state = 1_u32;
        for byte in &mut bytes[from..to] {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = (state >> 24) as u8;
        }
    };
    let asset = changed(&state, "noise.mov", noise).await;
    refused(&state, &asset).await;
    // Decoded once more from the beginning, and still refused.
    let profile = Profile::named("draft_480p_fast").unwrap();
    let later = state.renderer.render_window(&context("t1"), &asset, window_ms(500, 900), profile).await;
    assert!(matches!(later, Err(Error::UndecodableMedia(_))), "{later:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_codecs_are_skipped_or_named() {
    let state = TestState::new().await;
    let unknown_video = changed(&state, "video.mov", |bytes| replace_last(bytes, b"avc1", b"zzzz")).await;
    let path = state.copy(&attempt(&state, &unknown_video).await.unwrap()).await;
    assert_eq!(probe(&path, &["-select_streams", "v"], "packet=pts").len(), 12, "a black canvas");
    let unknown_audio = changed(&state, "audio.mov", |bytes| replace_last(bytes, b"sowt", b"zzzz")).await;
    let path = state.copy(&attempt(&state, &unknown_audio).await.unwrap()).await;
    assert_eq!(probe(&path, &["-select_streams", "v"], "packet=pts").len(), 10);
    let both = changed(&state, "both.mov", |bytes| {
        replace_last(bytes, b"sowt", b"zzzz");
        replace_last(bytes, b"avc1", b"zzzz");
    });
    let detail = refused(&state, &both.await).await;
    assert!(detail.contains("video stream 0") && detail.contains("unknown"), "{detail}");
}

/// A WAV file with `channels` channels, the first two with square waves of 500 and 250 Hz.
fn channels(channels: usize) -> Vec<u8> {
    let sample = |frame: i32, channel: usize| match channel {
        0 | 1 => {
            if frame % [96, 192][channel] < [48, 96][channel] {
                8_000
            } else {
                -8_000
            }
        }
        _ => 0,
    };
    let samples: Vec<i16> =
        (0..24_000).flat_map(|frame| (0..channels).map(move |channel| sample(frame, channel))).collect();
    wav(48_000, u16::try_from(channels).unwrap(), &samples)
}

#[tokio::test(flavor = "multi_thread")]
async fn first_two_of_many_channels_without_a_layout_are_rendered() {
    let state = TestState::new().await;
    for count in [9, 27, 64] {
        let name = format!("{count}.wav");
        std::fs::write(state.media.source(&name), channels(count)).unwrap();
        let asset = state.register(&name).await;
        let path = state.copy(&attempt(&state, &asset).await.unwrap()).await;
        let bytes = decode(&path, &["-map", "0:a", "-f", "s16le"]);
        let samples: Vec<i16> =
            bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
        let crossings = [0, 1].map(|channel| {
            let side: Vec<i16> = samples.iter().skip(channel).step_by(2).copied().collect();
            side[2_400..16_800].windows(2).filter(|pair| (pair[0] < 0) != (pair[1] < 0)).count()
        });
        // Zero crossings of 300 ms of 500 and 250 Hz.
        assert!(
            (290..310).contains(&crossings[0]) && (145..155).contains(&crossings[1]),
            "{count}: {crossings:?}"
        );
    }
    std::fs::write(state.media.source("65.wav"), channels(65)).unwrap();
    let detail = refused(&state, &state.register("65.wav").await).await;
    assert!(detail.contains("65 channels, more than the 64"), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_beyond_the_pixel_limit_are_refused() {
    let state = TestState::new().await;
    let film = async |name: &str, size: &str| {
        let color = format!("color=gray:s={size}:r=5/2:d=0.4");
        state.make(name, &["-f", "lavfi", "-i", &color, "-c:v", "mjpeg"]).await
    };
    let detail = refused(&state, &film("large.avi", "9000x4000").await).await;
    assert!(detail.contains("35389440"), "{detail}");
    let profile = Profile::named("draft_480p_fast").unwrap();
    let dci = film("dci.avi", "8192x4320").await;
    state.renderer.plan_window(&dci, window_ms(0, 40), profile).await.unwrap();
}
