//! Windows of long GOPs in containers without an index: ffmpeg seeks to any packet of a transport or program stream, where a
//! decoder cannot begin.

use std::path::Path;

use media_v2::MediaAsset;

use crate::frames::{clicks, numbered, numbers};
use crate::support::{TestState, probe, window};

/// Frames of each source.
const COUNT: usize = 500;
/// One keyframe every 250 frames.
const LONG: [&str; 4] = ["-g", "250", "-sc_threshold", "1000000000"];

/// Time of the first frame on the asset's timeline, in µs: the audio begins first, by the delay of its encoder.
fn first_frame(path: &Path) -> i64 {
    let micros = |entries: &str, options: &[&str]| {
        let seconds: f64 = probe(path, options, entries)[0].parse().unwrap();
        (seconds * 1e6).round() as i64
    };
    micros("stream=start_time", &["-select_streams", "v"]) - micros("format=start_time", &[])
}

/// Makes a source of numbered frames, and registers it with the time of its first frame.
async fn source(state: &TestState, name: &str, rate: &str, options: &[&str]) -> (MediaAsset, i64) {
    let path = state.media.source(name);
    numbered(&path, COUNT, rate, &[LONG.as_slice(), options].concat());
    (state.register(name).await, first_frame(&path))
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_of_long_gops_are_exact_without_an_index() {
    let state = TestState::new().await;
    let plain: &[&str] = &["-bf", "0"];
    // The clock of 33 bits wraps after 13.7 s.
    let wrapped: &[&str] = &["-bf", "0", "-output_ts_offset", "95430"];
    let reordered: &[&str] = &["-bf", "3"];
    let mpeg2: &[&str] = &["-bf", "2", "-c:v", "mpeg2video", "-b:v", "2M", "-c:a", "mp2", "-b:a", "64k"];
    for (name, rate, ending, options) in [
        ("plain.ts", 25_i64, 0, plain),
        ("wrapped.ts", 25, 0, wrapped),
        ("reordered.m2ts", 50, 0, reordered),
        // The last frames are so small that they have no timestamps, and are not in the declared length.
        ("program.mpg", 25, 1_000_000, mpeg2),
    ] {
        let (asset, first) = source(&state, name, &rate.to_string(), options).await;
        let (frame, count) = (1_000_000 / rate, i64::try_from(COUNT).unwrap());
        // Frames around the second keyframe, and at the end; not at the microsecond of a frame, which is rounded.
        let [before, end] = [250, count].map(|number| first + number * frame);
        let end = end - ending;
        for (start, end) in [
            (500_000, 1_500_000),
            (before - frame + 1_000, before + 2 * frame - 1_000),
            (before + 700_000, before + 700_001),
            (before + 1_234_567, before + 2_500_000),
            (end - 500_000, end - frame - 1_000),
        ] {
            let what = format!("{name} {start}–{end} µs");
            let rendered = state.render(&asset, window(start, end), "draft_480p_fast").await;
            let path = state.copy(&rendered).await;
            let expected: Vec<usize> = ((start - first) / frame..=(end - 1 - first) / frame)
                .map(|number| usize::try_from(number).unwrap())
                .collect();
            assert_eq!(numbers(&path, (854, 480)), expected, "{what}");
            let found = clicks(&path);
            let due: Vec<f64> = (0..count / rate)
                .map(|second| first + second * 1_000_000)
                .filter(|click| (start..end - 20_000).contains(click))
                .map(|click| (click - start) as f64 / 1e6)
                .collect();
            assert_eq!(found.len(), due.len(), "{what}: {found:?} for {due:?}");
            for (found, due) in found.iter().zip(&due) {
                assert!((found - due).abs() < 0.003, "{what}: a click at {found}, not {due}");
            }
        }
    }
}

/// With `-intra-refresh`, a picture is whole only some frames after one that the file declares as a keyframe.
#[tokio::test(flavor = "multi_thread")]
async fn frames_that_do_not_decode_from_their_keyframe_are_decoded_from_further_back() {
    let state = TestState::new().await;
    let options = ["-g", "100", "-bf", "0", "-intra-refresh", "1"];
    let (asset, first) = source(&state, "refreshed.ts", "25", &options).await;
    let start = first + 104 * 40_000;
    let rendered = state.render(&asset, window(start, start + 40_000), "draft_480p_fast").await;
    assert_eq!(numbers(&state.copy(&rendered).await, (854, 480)), [104]);
}
