//! Films: shot lists, and timelines of many clips.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use media_time::{AssetTime, Window};
use media_v2::MediaAsset;
use primitives::Id;
use serde_json::{Value, json};
use test_kit::{Api, Reply, new_hit, scope, wav, with_members};

use crate::frames::{clicks, numbered, numbers};
use crate::support::{TestState, decode, probe};
use crate::timelines::{render_timeline, timeline};

/// By how much a frame counts as visible early: files round times to their clock.
const TICK_MS: f64 = 0.1;
/// Width and height of the profile `draft_480p_fast`.
const DRAFT: (usize, usize) = (854, 480);

/// The shot list of clips on one track, as the service makes it.
async fn shot_list(state: &TestState, clips: Value) -> Id {
    let body = json!({"sequence": {"tracks": [{"name": "t", "clips": clips}]}, "alignment": "none"});
    let (router, _) = audio_to_video_origin::router(state.shot_lists.clone()).split_for_parts();
    let list = Api::new(router).tenant("t1").post("/audio/to-video-origin", &body).await.ok();
    list["shot_list_artifact_id"].as_str().unwrap().parse().unwrap()
}

async fn post(state: &TestState, list: &Id, profile: &str, more: Value) -> Reply {
    let body = json!({"shot_list_artifact_id": list, "render_profile": profile});
    let (router, _) = video_render::router(state.renderer.clone()).split_for_parts();
    Api::new(router).tenant("t1").post("/video/render", &with_members(body, more)).await
}

fn file(state: &TestState, answer: &Value) -> PathBuf {
    let hash = answer["uri"].as_str().unwrap().rsplit('/').next().unwrap();
    state.media.directory().join("blobs/sha256").join(&hash[..2]).join(hash)
}

/// A recording of `count` numbered frames with a click every second.
async fn recording(state: &TestState, name: &str, count: usize, rate: &str) -> MediaAsset {
    numbered(&state.media.source(name), count, rate, &[]);
    state.register(name).await
}

fn shot(asset: &MediaAsset, from: f64, start: f64, duration: f64) -> Value {
    json!({"asset_id": asset.id, "source_offset_ms": from, "start_ms": start, "duration_ms": duration})
}

#[tokio::test(flavor = "multi_thread")]
async fn shots_of_unlike_rates_show_the_frames_of_their_times() {
    let state = TestState::new().await;
    let rates = [("25", 25.0), ("30", 30.0), ("24000/1001", 24_000.0 / 1_001.0), ("50", 50.0), ("10", 10.0)];
    let mut assets = Vec::new();
    for (index, (name, rate)) in rates.iter().enumerate() {
        assets.push(recording(&state, &format!("{index}.mp4"), (8.0 * rate) as usize, name).await);
    }
    // Shots of unlike lengths, back to back.
    let (mut clips, mut spans, mut at) = (Vec::new(), Vec::new(), 0.0);
    for n in 0..shot_count() {
        let (source, from) = (n % 5, (37 * n % 7_000) as f64);
        let duration = 110.0 + 13.0 * (n % 7) as f64;
        clips.push(shot(&assets[source], from, at, duration));
        spans.push((source, from, at, duration));
        at += duration;
    }
    let list = shot_list(&state, json!(clips)).await;
    let answer = post(&state, &list, "draft_480p_fast", json!({})).await.ok();
    assert_eq!(answer["plan"]["fps"], 25.0, "that of the first source");
    let found = numbers(&file(&state, &answer), DRAFT);
    let count = (at * 25.0 / 1_000.0).ceil() as usize;
    assert_eq!(found.len(), count, "no frame is missing at the end");
    for (frame, found) in found.iter().enumerate() {
        let time = 40.0 * frame as f64;
        let (source, from, start, _) =
            *spans.iter().find(|(_, _, start, duration)| (*start..start + duration).contains(&time)).unwrap();
        // The first frame of the shot is the one visible then. Later frames follow it at the film's rate.
        let rate = rates[source].1 / 1_000.0;
        let first_frame = (start / 40.0).ceil();
        let begins = from + first_frame * 40.0 - start;
        let shown = ((begins + TICK_MS) * rate).floor();
        let anchor = if begins < shown / rate + 40.0 { shown / rate } else { begins };
        let expected = ((anchor + time - 40.0 * first_frame + TICK_MS) * rate).floor();
        assert!((*found as f64 - expected).abs() < 0.5, "frame {frame}: {found}, not {expected}");
    }
    check_clicks(&spans, &clicks(&file(&state, &answer)));
}

/// Number of shots of the film whose every frame is checked: `HARKBACK_FILM_SHOTS`, else 50.
#[expect(clippy::disallowed_methods, reason = "a long run is requested by the environment")]
fn shot_count() -> usize {
    std::env::var("HARKBACK_FILM_SHOTS").map_or(50, |count| count.parse().unwrap())
}

/// The clicks of the sources are where the shots place them, also at the end of a long film.
fn check_clicks(spans: &[(usize, f64, f64, f64)], found: &[f64]) {
    // A click lasts 5 ms; those at the edge of a shot are cut off.
    let due = spans.iter().filter_map(|(_, from, start, duration)| {
        let second = (from / 1_000.0).ceil() * 1_000.0;
        let is_whole = second - from > 1.0 && second + 6.0 < from + duration;
        is_whole.then_some((start + second - from) / 1_000.0)
    });
    let mut checked = 0;
    for due in due {
        // A click less than half a second after another one is not listed.
        let is_apart = found.iter().all(|click| *click >= due - 0.001 || due - click > 0.51);
        if is_apart {
            assert!(found.iter().any(|click| (click - due).abs() < 0.001), "no click at {due} s");
            checked += 1;
        }
    }
    assert!(60 * checked >= spans.len(), "{checked} clicks checked");
}

#[tokio::test(flavor = "multi_thread")]
async fn gaps_are_black_and_later_shots_cover_earlier_ones() {
    let state = TestState::new().await;
    let asset = recording(&state, "a.mp4", 200, "25").await;
    let clips = json!([
        shot(&asset, 2_000.0, 0.0, 400.0),
        shot(&asset, 5_000.0, 200.0, 120.0),
        shot(&asset, 1_000.0, 600.0, 80.0),
    ]);
    let list = shot_list(&state, clips).await;
    let answer = post(&state, &list, "draft_480p_fast", json!({})).await.ok();
    let expected: Vec<usize> = (50..55).chain(125..128).chain(58..60).chain([0; 5]).chain(25..27).collect();
    assert_eq!(numbers(&file(&state, &answer), DRAFT), expected);
    assert_eq!(
        clicks(&file(&state, &answer)).len(),
        2,
        "second 2 and 5 of the source, closer than half a second"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_are_heard_at_their_sample() {
    let state = TestState::new().await;
    let asset = recording(&state, "a.mp4", 100, "25").await;
    let mut click = vec![0_i16; 4_800];
    click[..48].fill(12_000);
    let mut writer = state.media.service.blobs().writer().await.unwrap();
    writer.write(Bytes::from(wav(48_000, 1, &click))).await.unwrap();
    let mut hit = new_hit(&asset.id, &[], json!({}));
    hit.uri = writer.finish().await.unwrap().id.uri();
    let hit = state.media.insert_artifact("t1", hit).await;
    let window = Window::new(AssetTime::ZERO, AssetTime::from_millis(100)).unwrap();
    let map = audio_to_video_origin::NewOriginMap::new(hit.clone(), asset.id.clone(), window);
    state.shot_lists.put_origin_map(&scope("t1"), &map).await.unwrap();

    let starts = [0.0, 130.4, 271.0, 500.9];
    let clip = |start: &f64| json!({"artifact_id": hit, "start_ms": start, "duration_ms": 100});
    let list = shot_list(&state, starts.iter().map(clip).collect()).await;
    // Of this profile only is the audio lossless.
    let answer = post(&state, &list, "master_4k_prores", json!({})).await.ok();
    let (owner, id) = (scope("t1"), answer["artifact_id"].as_str().unwrap().parse().unwrap());
    let upstream = state.media.service.artifact(&owner, &id).await.unwrap().upstream_artifact_ids;
    assert_eq!(upstream, [list, hit]);
    let pcm = decode(&file(&state, &answer), &["-map", "0:a", "-c:a", "pcm_s32le", "-f", "s32le"]);
    let left: Vec<f64> = pcm
        .as_chunks::<8>()
        .0
        .iter()
        .map(|frame| {
            f64::from(i32::from_le_bytes([frame[0], frame[1], frame[2], frame[3]])) / 2_147_483_648.0
        })
        .collect();
    assert_eq!(left.len(), (600.9 * 48.0_f64).round() as usize);
    let onsets: Vec<usize> = (1..left.len()).filter(|n| left[*n] > 0.3 && left[n - 1] < 0.01).collect();
    assert!(left[0] > 0.3, "the first sample");
    let expected: Vec<usize> = starts[1..].iter().map(|start| (start * 48.0).round() as usize).collect();
    assert_eq!(onsets, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_sources_are_black_with_a_warning() {
    let state = TestState::new().await;
    let asset = recording(&state, "a.mp4", 100, "25").await;
    let gone = recording(&state, "gone.mp4", 100, "25").await;
    let list =
        shot_list(&state, json!([shot(&asset, 1_000.0, 0.0, 80.0), shot(&gone, 0.0, 80.0, 80.0)])).await;
    std::fs::remove_file(state.media.source("gone.mp4")).unwrap();
    let answer = post(&state, &list, "draft_480p_fast", json!({"audio": "none"})).await.ok();
    assert_eq!(numbers(&file(&state, &answer), DRAFT), [25, 26, 0, 0]);
    let warnings = answer["plan"]["warnings"].as_array().unwrap();
    assert!(warnings.len() == 1 && warnings[0].as_str().unwrap().contains(gone.id.as_str()), "{warnings:?}");

    numbered(&state.media.source("gone.mp4"), 100, "25", &[]);
    let again = post(&state, &list, "draft_480p_fast", json!({"audio": "none"})).await.ok();
    assert_eq!(numbers(&file(&state, &again), DRAFT), [25, 26, 0, 1], "not kept as black");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_without_frames_in_a_shot_is_refused_and_shifts_no_other() {
    let state = TestState::new().await;
    let path = state.media.source("a.mp4");
    numbered(&path, 200, "25", &["-bf", "0", "-g", "25", "-keyint_min", "25", "-sc_threshold", "0"]);
    // The packets of the third second are no video.
    let packets = probe(&path, &["-select_streams", "v", "-of", "csv=p=0"], "packet=pos,size");
    let mut bytes = std::fs::read(&path).unwrap();
    for packet in &packets[50..75] {
        let (size, position) = packet.trim_end_matches(',').split_once(',').unwrap();
        let (position, size): (usize, usize) = (position.parse().unwrap(), size.parse().unwrap());
        bytes[position..position + size].fill(0xff);
    }
    std::fs::write(&path, bytes).unwrap();
    let asset = state.register("a.mp4").await;
    let shots = [
        shot(&asset, 0.0, 0.0, 200.0),
        shot(&asset, 2_400.0, 200.0, 200.0),
        shot(&asset, 5_000.0, 400.0, 200.0),
    ];
    let list = shot_list(&state, json!(shots)).await;
    let refused = post(&state, &list, "draft_480p_fast", json!({"audio": "none"})).await;
    refused.problem(422, "undecodable_media");
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_samples_are_silent_with_a_warning() {
    let state = TestState::new().await;
    let asset = recording(&state, "a.mp4", 50, "25").await;
    let hit = state.media.insert_artifact("t1", new_hit(&asset.id, &[], json!({}))).await;
    let window = Window::new(AssetTime::ZERO, AssetTime::from_millis(100)).unwrap();
    let map = audio_to_video_origin::NewOriginMap::new(hit.clone(), asset.id.clone(), window);
    state.shot_lists.put_origin_map(&scope("t1"), &map).await.unwrap();
    let list = shot_list(&state, json!([{"artifact_id": hit, "start_ms": 0, "duration_ms": 80}])).await;
    let answer = post(&state, &list, "draft_480p_fast", json!({})).await.ok();
    assert_eq!(numbers(&file(&state, &answer), DRAFT), [0, 1]);
    let warnings = answer["plan"]["warnings"].as_array().unwrap();
    assert!(warnings.len() == 1 && warnings[0].as_str().unwrap().starts_with(hit.as_str()), "{warnings:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_film_leaves_nothing() {
    let state = TestState::new().await;
    let asset = recording(&state, "a.mp4", 250, "25").await;
    let clips: Vec<Value> =
        (0..40).map(|n| shot(&asset, 40.0 * f64::from(n), 200.0 * f64::from(n), 200.0)).collect();
    let list = shot_list(&state, json!(clips)).await;
    let staging = state.media.directory().join("blobs/staging");
    let staged = || std::fs::read_dir(&staging).unwrap().count();
    let (renderer, files) = (state.renderer.clone(), state.media.blob_files());
    let body = json!({"shot_list_artifact_id": list, "render_profile": "youtube_4k_h264"});
    let task = tokio::spawn(async move {
        renderer.render(&test_kit::context("t1"), &serde_json::from_value(body).unwrap()).await.map(drop)
    });
    let limit = Duration::from_secs(60);
    test_kit::wait_for(limit, async || (staged() > 1).then_some(()).ok_or("the film has not begun")).await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    test_kit::wait_for(limit, async || (staged() == 0).then_some(()).ok_or("files are left")).await;
    assert_eq!(state.media.blob_files(), files);
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_requests_share_a_file_and_nothing_else_is_left() {
    let state = TestState::new().await;
    let asset = recording(&state, "a.mp4", 100, "25").await;
    let beat: Vec<Value> = (0..8).map(|n| shot(&asset, 1_000.0, 200.0 * f64::from(n), 200.0)).collect();
    let list = shot_list(&state, json!(beat)).await;
    let files = state.media.blob_files();
    let answer = post(&state, &list, "draft_480p_fast", json!({})).await.ok();
    assert_eq!(answer["plan"]["pieces"], 1, "equal pieces are rendered once");
    assert_eq!(post(&state, &list, "draft_480p_fast", json!({})).await.ok(), answer);
    assert_eq!(state.media.blob_files(), files + 1);
    let staged = std::fs::read_dir(state.media.directory().join("blobs/staging")).unwrap().count();
    assert_eq!(staged, 0);
    let planned = post(&state, &list, "draft_480p_fast", json!({"dry_run": true})).await.ok();
    assert_eq!((&planned["uri"], &planned["plan"]["pieces"]), (&Value::Null, &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn timelines_of_many_clips_are_rendered_by_pieces() {
    let state = TestState::new().await;
    let asset = recording(&state, "a.mp4", 250, "25").await;
    let clip = |n: i64| json!({"asset_id": asset.id, "in_ms": 120 * (n % 70), "out_ms": 120 * (n % 70) + 120, "start_ms_on_timeline": 120 * n});
    let made = timeline(&state, (0..90).map(clip).collect()).await;
    let path = render_timeline(&state, &made, (60, 10_740), "draft_480p_fast").await;
    // Frame n begins at 60 + 40 n ms; clips of 120 ms wrap round after 70.
    let shown = |n: usize| {
        let time = 60 + 40 * n;
        (120 * (time / 120 % 70) + time % 120) / 40
    };
    assert_eq!(numbers(&path, DRAFT), (0..267).map(shown).collect::<Vec<usize>>());
    let seconds: Vec<f64> = clicks(&path);
    assert!(seconds.len() >= 8, "{seconds:?}");
    for (found, expected) in seconds.iter().zip([0.94, 1.94, 2.94, 3.94]) {
        assert!((found - expected).abs() < 0.003, "{seconds:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clips_of_other_speeds_are_stretched() {
    let state = TestState::new().await;
    numbered(&state.media.source("silent.mp4"), 250, "25", &[]);
    // Tones of 200 ms from second 1 on, and of 800 ms from second 4 on.
    let tones = "aevalsrc='if(between(t,1,1.2)+between(t,4,4.8),0.7*sin(880*PI*t),0)':s=48000:d=10";
    let video = state.media.source("silent.mp4");
    let inputs = ["-i", video.to_str().unwrap(), "-f", "lavfi", "-i", tones];
    let asset = state
        .make(
            "tones.mp4",
            &[&inputs[..], &["-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "aac"]].concat(),
        )
        .await;
    let clips = json!([
        {"asset_id": asset.id, "in_ms": 1_000, "out_ms": 1_400, "start_ms_on_timeline": 0, "speed": 0.5},
        {"asset_id": asset.id, "in_ms": 3_600, "out_ms": 5_200, "start_ms_on_timeline": 800, "speed": 4},
    ]);
    let made = timeline(&state, clips.clone()).await;
    let path = render_timeline(&state, &made, (0, 1_200), "draft_480p_fast").await;
    let slow = (0..20).map(|n| 25 + n / 2);
    let fast = (0..10).map(|n| 90 + 4 * n);
    assert_eq!(numbers(&path, DRAFT), slow.chain(fast).collect::<Vec<usize>>());
    let found = bursts(&path);

    // The same by pieces: inaudible and invisible clips make it a film.
    let mut many = clips.as_array().unwrap().clone();
    many.extend((0..64).map(|n| {
        json!({"asset_id": asset.id, "in_ms": 0, "out_ms": 10, "start_ms_on_timeline": 10 * n, "opacity": 0, "volume_db": -200})
    }));
    let made = timeline(&state, json!(many)).await;
    let film = render_timeline(&state, &made, (0, 1_200), "draft_480p_fast").await;
    assert_eq!(numbers(&film, DRAFT), numbers(&path, DRAFT));
    for (way, found) in [("one call", found), ("pieces", bursts(&film))] {
        for ((start, end, hz), expected) in found.iter().zip([(0.0, 0.4), (0.9, 1.1)]) {
            let is_near = |a: f64, b: f64| (a - b).abs() < 0.03;
            assert!(is_near(*start, expected.0) && is_near(*end, expected.1), "{way}: {found:?}");
            assert!((hz - 440.0).abs() < 10.0, "the pitch is kept, {way}: {found:?}");
        }
        assert_eq!(found.len(), 2, "{way}: {found:?}");
    }
}

/// Start and end in seconds, and frequency in Hz, of the tones in a file.
fn bursts(path: &Path) -> Vec<(f64, f64, f64)> {
    let bytes = decode(path, &["-map", "0:a", "-ac", "1", "-f", "f32le"]);
    let samples: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let mut loud = (0..samples.len()).filter(|n| samples[*n].abs() > 0.2).peekable();
    let mut found = Vec::new();
    while let Some(start) = loud.next() {
        let mut end = start;
        while let Some(next) = loud.next_if(|next| next - end < 2_000) {
            end = next;
        }
        let crossings =
            samples[start..=end].windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
        let seconds = (end - start).max(1) as f64 / 48_000.0;
        found.push((start as f64 / 48_000.0, end as f64 / 48_000.0, crossings as f64 / seconds));
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_cover_the_canvas_or_are_contained() {
    let state = TestState::new().await;
    let white = ["-f", "lavfi", "-i", "color=white:s=128x64:r=25:d=1", "-c:v", "libx264"];
    let white = state.make("white.mp4", &white).await;
    let list = shot_list(&state, json!([shot(&white, 0.0, 0.0, 80.0)])).await;
    for (fit, top) in [("contain", 16), ("cover", 235)] {
        let answer = post(&state, &list, "social_9_16_h264", json!({"fit": fit, "audio": "none"})).await.ok();
        assert_eq!((&answer["plan"]["width"], &answer["plan"]["height"]), (&json!(1_080), &json!(1_920)));
        let gray =
            decode(&file(&state, &answer), &["-frames:v", "1", "-vf", "extractplanes=y", "-f", "rawvideo"]);
        assert!(gray[1_080 * 100 + 540].abs_diff(top) < 4, "{fit}: {}", gray[1_080 * 100 + 540]);
        assert!(gray[1_080 * 960 + 540].abs_diff(235) < 4, "{fit}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn film_requests_have_their_error_codes() {
    let state = TestState::new().await;
    let asset = recording(&state, "a.mp4", 50, "25").await;
    let list = shot_list(&state, json!([shot(&asset, 0.0, 0.0, 80.0)])).await;
    let refused = async |more: Value, status, code: &str| {
        post(&state, &list, "draft_480p_fast", more).await.problem(status, code);
    };
    refused(json!({"start_ms": 0, "end_ms": 40}), 422, "invalid_body").await;
    refused(json!({"asset_id": asset.id}), 422, "invalid_body").await;
    refused(json!({"audio": "loud"}), 422, "invalid_body").await;
    let unknown = "artifact_unknown".parse().unwrap();
    post(&state, &unknown, "draft_480p_fast", json!({})).await.problem(404, "shot_list_not_found");
    let far = shot_list(&state, json!([shot(&asset, 0.0, 6.0 * 3_600_000.0, 80.0)])).await;
    post(&state, &far, "draft_480p_fast", json!({})).await.problem(422, "film_too_long");
    let deep: Vec<Value> = (0..65).map(|_| shot(&asset, 0.0, 0.0, 80.0)).collect();
    let deep = shot_list(&state, json!(deep)).await;
    post(&state, &deep, "draft_480p_fast", json!({})).await.problem(422, "too_many_overlapping");
    let many: Vec<Value> = (0..10_001).map(|n| shot(&asset, 0.0, 40.0 * f64::from(n), 40.0)).collect();
    let many = shot_list(&state, json!(many)).await;
    post(&state, &many, "draft_480p_fast", json!({})).await.problem(422, "too_many_shots");
}
