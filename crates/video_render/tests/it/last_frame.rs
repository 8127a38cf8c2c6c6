//! The last frame of a render at the source's rate lasts until the end of the window.

use std::path::Path;

use serde_json::json;
use test_kit::window_ms;

use crate::support::{TestState, probe};
use crate::timelines::{render_timeline, timeline};

/// The duration of the video stream, in seconds.
fn duration(path: &Path) -> f64 {
    probe(path, &["-select_streams", "v"], "stream=duration")[0].parse().unwrap()
}

fn frames(path: &Path) -> usize {
    probe(path, &["-select_streams", "v"], "packet=pts").len()
}

/// PTS of the frames in seconds, in order.
fn times(path: &Path) -> Vec<f64> {
    let times = probe(path, &["-select_streams", "v"], "frame=pts_time");
    times.iter().map(|time| time.parse().unwrap()).collect()
}

const STILL: [&str; 10] =
    ["-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=2", "-f", "lavfi", "-i", "sine=d=6", "-c:v", "libx264"];

#[tokio::test(flavor = "multi_thread")]
async fn the_last_frame_of_a_source_rate_render_lasts_to_the_end_of_the_window() {
    let state = TestState::new().await;
    let still = state.make("still.mp4", &STILL).await;
    for profile in ["draft_480p_fast", "preview_720p_fast", "youtube_4k_h264", "master_4k_prores"] {
        for (start, end, count) in [(3_000, 4_000, 1), (1_880, 4_013, 3), (5_990, 6_000, 1)] {
            let path = state.copy(&state.render(&still, window_ms(start, end), profile).await).await;
            let expected = (end - start) as f64 / 1e3;
            let found = duration(&path);
            assert!((found - expected).abs() < 0.001, "{profile} {start}–{end}: {found} s");
            assert_eq!(frames(&path), count, "{profile} {start}–{end}");
        }
    }
}

/// With reordered frames the last packet is not the last frame; a pause is between the two.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_frame_lasts_where_frames_are_reordered_and_the_rate_varies() {
    let state = TestState::new().await;
    let filter = "settb=1/1000,setpts='40*N+15*mod(N,3)+if(gt(N,57),2000,0)'";
    let options = ["-vf", filter, "-fps_mode", "passthrough", "-enc_time_base", "1:1000"];
    let input = [&STILL[..2], &["-i", "testsrc2=s=160x90:r=25:d=2.4"], &STILL[4..]].concat();
    let pause = state.make("pause.mp4", &[input.as_slice(), &options].concat()).await;
    for profile in ["draft_480p_fast", "preview_720p_fast"] {
        for (start, end, count) in [(1_015, 6_000, 35), (1_015, 2_000, 25), (1_015, 4_335, 33)] {
            let path = state.copy(&state.render(&pause, window_ms(start, end), profile).await).await;
            let what = format!("{profile} {start}–{end}");
            let found = duration(&path);
            assert!((found - (end - start) as f64 / 1e3).abs() < 0.001, "{what}: {found} s");
            let times = times(&path);
            assert_eq!(times.len(), count, "{what}");
            let all = (25..60).map(|n| 40 * n + 15 * (n % 3) + if n > 57 { 2_000 } else { 0 } - start);
            let due = times.iter().zip(all).all(|(time, due)| (time - due as f64 / 1e3).abs() < 0.001);
            assert!(due, "{what}: {times:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clip_without_new_frames_keeps_its_duration_in_a_timeline() {
    let state = TestState::new().await;
    let still = state.make("still.mp4", &STILL).await;
    let clips = json!([{"asset_id": still.id, "in_ms": 3_000, "out_ms": 4_010, "start_ms_on_timeline": 0}]);
    let made = timeline(&state, clips).await;
    for profile in ["draft_480p_fast", "preview_720p_fast"] {
        let path = render_timeline(&state, &made, (0, 1_010), profile).await;
        assert!((duration(&path) - 1.01).abs() < 0.001, "{profile}: {} s", duration(&path));
        assert_eq!(frames(&path), 26, "{profile}");
    }
}
