//! Renders start at the same instant as the analysis of the asset, and use the same audio stream.

use std::path::Path;

use media_v2::MediaAsset;
use test_kit::window_ms;

use crate::support::{TestState, decode};

/// Black video at 25 fps with one white frame at 1 s, and a click of 2 ms at the same time.
const FLASH: [&str; 8] = [
    "-f",
    "lavfi",
    "-i",
    "color=black:s=64x48:r=25:d=3,geq=lum='if(eq(N,25),235,16)':cb=128:cr=128",
    "-f",
    "lavfi",
    "-i",
    "aevalsrc='if(between(t,1,1.002),0.8*cos(4000*PI*(t-1)),0)':s=48000:d=3",
];
const PROFILE: &str = "draft_480p_fast";
/// Tolerance of click times in ms: the rounding of Matroska's clock, plus a sample.
const TOLERANCE_MS: f64 = 0.8;

/// Start of the click in a rendered file, in ms.
fn click(path: &Path) -> f64 {
    let bytes = decode(path, &["-map", "0:a", "-ac", "1", "-f", "s16le"]);
    let samples = bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
    let first = samples.enumerate().find(|(_, sample)| sample.unsigned_abs() > 4_000);
    first.unwrap().0 as f64 / 48.0
}

/// The index of the white frame.
fn flash(path: &Path) -> Option<usize> {
    let bytes = decode(path, &["-map", "0:v", "-vf", "scale=1:1,format=gray", "-f", "rawvideo"]);
    bytes.iter().position(|level| *level > 120)
}

/// Start of the click in the analysis, in ms of the asset.
async fn analysed_click(state: &TestState, asset: &MediaAsset) -> f64 {
    let input = state.media.service.open_recording(asset.content()).await.unwrap();
    let found = tokio::task::spawn_blocking(move || {
        let mut decoder = input.decoder().unwrap();
        let (rate, channels) = (decoder.format().rate, decoder.format().channels());
        while let Some(block) = decoder.next_block().unwrap() {
            if let Some(at) = block.samples.chunks(channels).position(|frame| frame[0].abs() > 0.12) {
                return (block.start + at as u64) as f64 * 1_000.0 / f64::from(rate);
            }
        }
        f64::NAN
    });
    found.await.unwrap()
}

/// Renders a window from 200 ms before the click on, and checks the times of the click and of the white frame.
async fn assert_aligned(state: &TestState, name: &str) {
    let asset = state.register(name).await;
    let at = analysed_click(state, &asset).await;
    let start = (at - 200.0).floor() as i64;
    let rendered = state.render(&asset, window_ms(start, start + 400), PROFILE).await;
    let path = state.copy(&rendered).await;
    let expected = at - start as f64;
    assert!(
        (click(&path) - expected).abs() <= TOLERANCE_MS,
        "{name}: click at {} ms, not {expected}",
        click(&path)
    );
    // Five frames come before it, or six when a frame is already visible at the start of the window.
    assert!(matches!(flash(&path), Some(5 | 6)), "{name}: {:?}", flash(&path));
}

fn make(state: &TestState, name: &str, arguments: &[&str]) {
    crate::support::ffmpeg(arguments, &state.media.source(name));
}

#[tokio::test(flavor = "multi_thread")]
async fn earlier_subtitles_do_not_shift_the_render() {
    let state = TestState::new().await;
    std::fs::write(state.media.source("text.srt"), "1\n00:00:00,000 --> 00:00:02,000\nFirst\n").unwrap();
    make(&state, "av.mkv", &[&FLASH[..], &["-c:v", "libx264", "-c:a", "flac"]].concat());
    let (av, text) = (state.media.source("av.mkv"), state.media.source("text.srt"));
    let (av, text) = (av.to_str().unwrap(), text.to_str().unwrap());
    let inputs = ["-itsoffset", "0.4", "-i", av, "-i", text, "-map", "0", "-map", "1"];
    make(&state, "subtitle.mkv", &[&inputs[..], &["-c", "copy", "-c:s", "srt"]].concat());
    assert_aligned(&state, "subtitle.mkv").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn encoder_delay_does_not_shift_the_render() {
    let state = TestState::new().await;
    for (name, arguments) in [
        ("opus.webm", &["-c:v", "libvpx", "-c:a", "libopus"][..]),
        ("vorbis.webm", &["-c:v", "libvpx", "-c:a", "libvorbis"]),
        (
            "delayed.mp4",
            &["-c:v", "libx264", "-bf", "0", "-c:a", "aac", "-movflags", "frag_keyframe+delay_moov"],
        ),
        ("a.mp4", &["-c:v", "libx264", "-c:a", "aac"]),
        ("a.ts", &["-c:v", "mpeg2video", "-c:a", "mp2", "-b:a", "384k"]),
    ] {
        make(&state, name, &[&FLASH[..], arguments].concat());
        assert_aligned(&state, name).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn render_uses_the_audio_stream_of_the_analysis() {
    let state = TestState::new().await;
    let silent = ["-f", "lavfi", "-i", "anullsrc=r=48000:cl=mono:d=3"];
    let maps = ["-map", "0:v", "-map", "1:a", "-map", "2:a", "-c:v", "libx264"];
    for (name, codecs, default) in [("first.mp4", ["ac3", "aac"], 0), ("second.mkv", ["flac", "ac3"], 1)] {
        // The click is in the stream that is marked as the default one.
        let order: Vec<&str> = if default == 0 {
            [&FLASH[..], &silent].concat()
        } else {
            [&FLASH[..4], &silent, &FLASH[4..]].concat()
        };
        let [first, second] = if default == 0 { ["default", "0"] } else { ["0", "default"] };
        let options =
            ["-c:a:0", codecs[0], "-c:a:1", codecs[1], "-disposition:a:0", first, "-disposition:a:1", second];
        make(&state, name, &[&order[..], &maps, &options].concat());
        assert_aligned(&state, name).await;
    }
}
