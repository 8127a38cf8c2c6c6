//! Frame accuracy: every frame of the sources contains its number as a bar code, and every second begins with a click.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{TestState, decode, probe, window};

const BITS: usize = 18;
const BAR: usize = 8;
const WIDTH: usize = BITS * BAR;
const HEIGHT: usize = 16;
const SAMPLE_RATE: usize = 48_000;

/// Grey pixels of a frame with its number in black and white bars, lowest bit first.
fn bar_code(number: usize) -> Vec<u8> {
    let bright = |x: usize| number >> (x / BAR) & 1 == 1;
    let line: Vec<u8> = (0..WIDTH).map(|x| if bright(x) { 235 } else { 16 }).collect();
    line.repeat(HEIGHT)
}

/// A source of `count` frames; `times` are options and filters that define their PTS.
pub(crate) fn numbered(path: &Path, count: usize, rate: &str, times: &[&str]) {
    with_clicks(SAMPLE_RATE, path, count, rate, times);
}

/// A source like [`numbered`], with audio of `sample_rate` Hz.
fn with_clicks(sample_rate: usize, path: &Path, count: usize, rate: &str, times: &[&str]) {
    let click = format!("aevalsrc='if(lt(mod(t,1),0.005),0.8*cos(4000*PI*mod(t,1)),0)':s={sample_rate}");
    let mut encoder = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "gray"])
        .args(["-s", &format!("{WIDTH}x{HEIGHT}"), "-r", rate, "-i", "-"])
        .args(["-f", "lavfi", "-i", &click])
        .args(["-shortest", "-c:v", "libx264", "-preset", "ultrafast", "-g", "60", "-bf", "2", "-crf", "28"])
        .args(["-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "32k"])
        .args(times)
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = encoder.stdin.take().unwrap();
    for number in 0..count {
        stdin.write_all(&bar_code(number)).unwrap();
    }
    drop(stdin);
    assert!(encoder.wait().unwrap().success());
}

/// The numbers of a rendered file's frames, read from the middle of the canvas.
pub(crate) fn numbers(path: &Path, (width, height): (usize, usize)) -> Vec<usize> {
    let crop = format!("crop={width}:2:0:{},format=gray", height / 2);
    let pixels = decode(path, &["-map", "0:v", "-vf", &crop, "-fps_mode", "passthrough", "-f", "rawvideo"]);
    let number = |frame: &[u8]| {
        let is_bright = |bit: usize| frame[(2 * bit + 1) * width / (2 * BITS)] > 128;
        (0..BITS).filter(|bit| is_bright(*bit)).map(|bit| 1 << bit).sum()
    };
    pixels.chunks_exact(2 * width).map(number).collect()
}

/// Start times of the clicks, in seconds.
pub(crate) fn clicks(path: &Path) -> Vec<f64> {
    let bytes = decode(path, &["-map", "0:a", "-ac", "1", "-f", "s16le"]);
    let samples: Vec<i16> =
        bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
    let mut found: Vec<usize> = Vec::new();
    for (position, sample) in samples.iter().enumerate() {
        let is_new = found.last().is_none_or(|last| position - last > SAMPLE_RATE / 2);
        if is_new && sample.unsigned_abs() > 6_000 {
            found.push(position);
        }
    }
    found.into_iter().map(|position| position as f64 / SAMPLE_RATE as f64).collect()
}

/// PTS of frames, in µs.
type Times = Vec<i64>;

fn constant((numerator, denominator): (i64, i64), count: i64) -> Times {
    (0..count).map(|n| (n * denominator * 2_000_000 + numerator) / (2 * numerator)).collect()
}

/// The number of the frame visible at `time`.
fn frame_at(times: &[i64], time: i64) -> usize {
    times.partition_point(|pts| *pts <= time) - 1
}

/// Renders windows of the source, and checks the frames and clicks of each.
async fn check(state: &TestState, name: &str, times: &[i64], windows: &[(i64, i64)]) {
    let asset = state.register(name).await;
    for &(start, end) in windows {
        let what = format!("{name} {start}–{end} µs");
        let rendered = state.render(&asset, window(start, end), "draft_480p_fast").await;
        let path = state.copy(&rendered).await;

        let expected: Vec<usize> = (frame_at(times, start)..=frame_at(times, end - 1)).collect();
        assert_eq!(numbers(&path, (854, 480)), expected, "{what}");
        let first = rendered.plan.sources[0].first_frame.unwrap().as_micros();
        assert_eq!(first, times[expected[0]], "{what}");
        // Each frame but the first keeps its PTS, rounded to the clock of 90 kHz.
        let stamps = probe(&path, &["-select_streams", "v"], "frame=pts_time");
        for (number, stamp) in expected.iter().zip(&stamps).skip(1) {
            let stamp = stamp.parse::<f64>().unwrap() * 1e6;
            assert!((stamp - (times[*number] - start) as f64).abs() < 13.0, "{what}: {number} at {stamp}");
        }

        let found = clicks(&path);
        let seconds = (start + 999_999) / 1_000_000..=(end - 20_000) / 1_000_000;
        let due: Vec<f64> = seconds.map(|second| (second * 1_000_000 - start) as f64 / 1e6).collect();
        assert_eq!(found.len(), due.len(), "{what}: {found:?} for {due:?}");
        for (found, due) in found.iter().zip(&due) {
            assert!((found - due).abs() < 0.002, "{what}: a click at {found}, not {due}");
        }
    }
}

/// Windows that start at the beginning, on a frame, just before one, just after one, anywhere, and near the end.
fn windows(times: &[i64]) -> Vec<(i64, i64)> {
    let last = times[times.len() - 1];
    vec![
        (0, 700_000),
        (times[31], times[53]),
        (times[61] - 1, times[97] + 1),
        (times[120] + 1, times[120] + 2),
        (2_718_281, 5_141_592),
        (last - 1_234_567, last),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_and_audio_are_exact_at_every_rate() {
    let state = TestState::new().await;
    let rates = [
        ("24000/1001", (24_000, 1_001)),
        ("30000/1001", (30_000, 1_001)),
        ("30", (30, 1)),
        ("50", (50, 1)),
        ("60000/1001", (60_000, 1_001)),
    ];
    for (index, (text, rate)) in rates.into_iter().enumerate() {
        let count = 8 * rate.0 / rate.1;
        let name = format!("rate{index}.mp4");
        numbered(&state.media.source(&name), usize::try_from(count).unwrap(), text, &[]);
        let times = constant(rate, count);
        check(&state, &name, &times, &windows(&times)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn variable_frame_rate_is_kept() {
    let state = TestState::new().await;
    // 0, 55, 110, 120, 175, … ms, and a pause of two seconds.
    let times: Vec<i64> =
        (0..160).map(|n| 1_000 * (40 * n + 15 * (n % 3) + if n > 100 { 2_000 } else { 0 })).collect();
    let filter = "settb=1/1000,setpts='40*N+15*mod(N,3)+if(gt(N,100),2000,0)'";
    // Matroska cannot store the priming of AAC: with AAC everything would begin 21 ms later.
    for (name, codec) in [("variable.mp4", "aac"), ("variable.mkv", "pcm_s16le")] {
        let options = ["-vf", filter, "-fps_mode", "passthrough", "-enc_time_base", "1:1000", "-c:a", codec];
        numbered(&state.media.source(name), times.len(), "25", &options);
        let mut windows = windows(&times);
        windows.push((5_000_000, 5_500_000));
        check(&state, name, &times, &windows).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_are_exact_anywhere_in_two_hours() {
    let state = TestState::new().await;
    let count = 7_200 * 24_000 / 1_001;
    let path = state.media.source("long.mp4");
    with_clicks(8_000, &path, usize::try_from(count).unwrap(), "24000/1001", &[]);
    let times = constant((24_000, 1_001), count);
    let windows = [
        (3_599_990_000, 3_601_020_000),
        (5_432_109_876, 5_433_333_333),
        (times[172_000], times[172_024]),
        (7_198_700_001, 7_199_900_000),
    ];
    check(&state, "long.mp4", &times, &windows).await;
}
