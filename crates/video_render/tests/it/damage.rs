//! Sources that cannot be decoded or exceed a limit: 422, not an internal error.

use media_v2::MediaAsset;
use video_render::{Error, Profile, Rendered};

use crate::support::{World, context, decode, ffmpeg, probe, window_ms};

async fn attempt(world: &World, asset: &MediaAsset) -> Result<Rendered, Error> {
    let profile = Profile::named("draft_480p_fast").unwrap();
    world.renderer.render_window(&context("t1"), asset, window_ms(0, 400), profile).await
}

/// Checks that a render of `asset` is 422 `undecodable_media`, and returns the detail.
async fn refused(world: &World, asset: &MediaAsset) -> String {
    let error = attempt(world, asset).await.unwrap_err();
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
async fn changed(world: &World, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> MediaAsset {
    ffmpeg(&FILM, &world.path(name));
    let mut bytes = std::fs::read(world.path(name)).unwrap();
    change(&mut bytes);
    std::fs::write(world.path(name), bytes).unwrap();
    world.register(name).await
}

/// Replaces the last `old` with `new`.
fn replace_last(bytes: &mut [u8], old: &[u8; 4], new: &[u8; 4]) {
    let at = bytes.windows(4).rposition(|window| window == old).unwrap();
    bytes[at..at + 4].copy_from_slice(new);
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_packets_are_undecodable_media() {
    let world = World::new().await;
    let noise = |bytes: &mut Vec<u8>| {
        let from = bytes.windows(4).position(|window| window == b"mdat").unwrap() + 4;
        let to = bytes.windows(4).rposition(|window| window == b"moov").unwrap() - 4;
        let mut state = 1_u32;
        for byte in &mut bytes[from..to] {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = (state >> 24) as u8;
        }
    };
    refused(&world, &changed(&world, "noise.mov", noise).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_codecs_are_skipped_or_named() {
    let world = World::new().await;
    let unknown_video = changed(&world, "video.mov", |bytes| replace_last(bytes, b"avc1", b"zzzz")).await;
    let path = world.copy(&attempt(&world, &unknown_video).await.unwrap()).await;
    assert_eq!(probe(&path, &["-select_streams", "v"], "packet=pts").len(), 12, "a black canvas");
    let unknown_audio = changed(&world, "audio.mov", |bytes| replace_last(bytes, b"sowt", b"zzzz")).await;
    let path = world.copy(&attempt(&world, &unknown_audio).await.unwrap()).await;
    assert_eq!(probe(&path, &["-select_streams", "v"], "packet=pts").len(), 10);
    let both = changed(&world, "both.mov", |bytes| {
        replace_last(bytes, b"sowt", b"zzzz");
        replace_last(bytes, b"avc1", b"zzzz");
    });
    let detail = refused(&world, &both.await).await;
    assert!(detail.contains("video stream 0") && detail.contains("unknown"), "{detail}");
}

/// A WAV file with `channels` channels, the first two with square waves of 500 and 250 Hz.
fn channels(channels: usize) -> Vec<u8> {
    let frames = 24_000;
    let length = u32::try_from(2 * frames * channels).unwrap();
    let count = u16::try_from(channels).unwrap();
    let mut bytes = [b"RIFF", &(36 + length).to_le_bytes()[..], b"WAVEfmt ", &16_u32.to_le_bytes()].concat();
    for field in [1, count] {
        bytes.extend(field.to_le_bytes());
    }
    for field in [48_000, 96_000 * u32::from(count)] {
        bytes.extend(u32::to_le_bytes(field));
    }
    for field in [2 * count, 16] {
        bytes.extend(field.to_le_bytes());
    }
    bytes.extend([b"data", &length.to_le_bytes()[..]].concat());
    for at in 0..frames {
        for channel in 0..channels {
            let period = if channel == 0 { 96 } else { 192 };
            let sample = if at % period < period / 2 { 8_000_i16 } else { -8_000 };
            bytes.extend(if channel < 2 { sample } else { 0 }.to_le_bytes());
        }
    }
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn first_two_of_many_channels_without_a_layout_are_rendered() {
    let world = World::new().await;
    for count in [9, 27, 64] {
        let name = format!("{count}.wav");
        std::fs::write(world.path(&name), channels(count)).unwrap();
        let asset = world.register(&name).await;
        let path = world.copy(&attempt(&world, &asset).await.unwrap()).await;
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
    std::fs::write(world.path("65.wav"), channels(65)).unwrap();
    let detail = refused(&world, &world.register("65.wav").await).await;
    assert!(detail.contains("65 channels, more than the 64"), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_beyond_the_pixel_limit_are_refused() {
    let world = World::new().await;
    let film = async |name: &str, size: &str| {
        let color = format!("color=gray:s={size}:r=5/2:d=0.4");
        world.make(name, &["-f", "lavfi", "-i", &color, "-c:v", "mjpeg"]).await
    };
    let detail = refused(&world, &film("large.avi", "9000x4000").await).await;
    assert!(detail.contains("35389440"), "{detail}");
    let profile = Profile::named("draft_480p_fast").unwrap();
    let dci = film("dci.avi", "8192x4320").await;
    world.renderer.plan_window(&dci, window_ms(0, 40), profile).await.unwrap();
}
