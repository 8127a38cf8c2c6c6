//! What a rendered pattern sounds like, and when it is reused.

use serde_json::{Value, json};

use crate::support::{TestState, click};

const OWNER: fn() -> Value = || json!({"tenant_id": "t1", "env": "dev"});

/// The frames at which the left side is louder than `threshold`.
fn loud_frames(samples: &[f32], threshold: f32) -> Vec<usize> {
    let left = samples.iter().step_by(2).enumerate();
    left.filter(|(_, sample)| sample.abs() > threshold).map(|(frame, _)| frame).collect()
}

#[tokio::test]
async fn samples_are_at_their_frames_with_their_gains() {
    let state = TestState::new().await;
    let (kick, hat) = (state.sample(click(48_000, 16_384)).await, state.sample(click(48_000, 8_192)).await);
    let pattern = json!({"template_id": "trap_140", "sample_map": {"kick": kick, "hat": hat}, "bars": 2});
    let pattern = state.pattern(pattern).await;
    let path = format!("/audio/patterns/{pattern}");
    let stored = state.api.tenant("t1").get(&path).await.ok();
    let render = state.api.post(&format!("{path}/render"), &OWNER()).await.ok();
    assert_eq!(
        (render["pattern_id"].as_str(), render["gain_db"].as_f64()),
        (Some(pattern.as_str()), Some(0.0))
    );

    let samples = state.samples(&render).await;
    let length_ms = stored["meta"]["length_ms"].as_f64().unwrap();
    assert!((samples.len() / 2) as f64 >= length_ms * 48.0 - 1.0);
    assert_eq!(render["duration_ms"].as_f64().unwrap().round(), (samples.len() as f64 / 96.0).round());
    // The sum of all clips, each to the nearest frame.
    let mut expected = vec![0.0_f32; samples.len() / 2];
    for clip in stored["clips"].as_array().unwrap() {
        let frame = (clip["start_ms"].as_f64().unwrap() * 48.0).round() as usize;
        let level = if clip["artifact_id"] == json!(kick) { 0.5 } else { 0.25 };
        expected[frame] += level * 10_f32.powf(clip["gain_db"].as_f64().unwrap() as f32 / 20.0);
    }
    for (frame, (found, expected)) in samples.as_chunks::<2>().0.iter().zip(&expected).enumerate() {
        assert!((found[0] - expected).abs() < 1e-6 && found[0] == found[1], "{frame}: {found:?} {expected}");
    }
}

#[tokio::test]
async fn samples_of_other_rates_are_at_their_times() {
    let state = TestState::new().await;
    let kick = state.sample(click(44_100, 16_384)).await;
    let pattern = json!({"template_id": "four_on_the_floor", "sample_map": {"kick": kick}, "bpm": 120});
    let pattern = state.pattern(pattern).await;
    let render = state.api.post(&format!("/audio/patterns/{pattern}/render"), &OWNER()).await.ok();
    let samples = state.samples(&render).await;
    let frames = loud_frames(&samples, 0.4);
    assert_eq!(frames, [0, 24_000, 48_000, 72_000], "half a second apart");
}

#[tokio::test]
async fn loud_mixes_are_lowered_to_the_ceiling_as_a_whole() {
    let state = TestState::new().await;
    let (kick, snare) =
        (state.sample(click(48_000, i16::MAX)).await, state.sample(click(48_000, 16_384)).await);
    let pattern = json!({"template_id": "four_on_the_floor", "sample_map": {"kick": kick, "snare": snare}});
    let pattern = state.pattern(pattern).await;
    let render = state.api.post(&format!("/audio/patterns/{pattern}/render"), &OWNER()).await.ok();
    let gain_db = render["gain_db"].as_f64().unwrap();
    assert!((-5.0..-4.0).contains(&gain_db), "{gain_db}");
    let samples = state.samples(&render).await;
    let peak = samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
    assert!((0.87..=0.892).contains(&peak), "−1 dB: {peak}");
}

#[tokio::test]
async fn same_pattern_is_rendered_once() {
    let state = TestState::new().await;
    let kick = state.sample(click(48_000, 16_384)).await;
    let pattern = state.pattern(json!({"template_id": "trap_140", "sample_map": {"kick": kick}})).await;
    let path = format!("/audio/patterns/{pattern}/render");
    let (request, files) = (OWNER(), state.media.blob_files());
    let renders = tokio::join!(state.api.post(&path, &request), state.api.post(&path, &request));
    let (first, second) = (renders.0.ok(), renders.1.ok());
    assert_eq!(first, second);
    assert_eq!(state.media.blob_files(), files + 1, "one file, and no intermediate ones");
    assert_eq!(state.api.post(&path, &request).await.ok(), first);
}

#[tokio::test]
async fn what_cannot_be_rendered_is_refused() {
    let state = TestState::new().await;
    let unknown = state.api.post("/audio/patterns/pattern_1/render", &OWNER()).await;
    unknown.problem(404, "pattern_not_found");
    let text = state.sample(b"plain text".to_vec()).await;
    let pattern = state.pattern(json!({"template_id": "trap_140", "sample_map": {"kick": text}})).await;
    let refused = state.api.post(&format!("/audio/patterns/{pattern}/render"), &OWNER()).await;
    let problem = refused.problem(422, "undecodable_media");
    assert_eq!(problem["id"], text.as_str());
    let kick = state.sample(click(48_000, 1)).await;
    let long = json!({"template_id": "trap_140", "sample_map": {"kick": kick}, "bpm": 1, "bars": 1024});
    let long = state.pattern(long).await;
    let refused = state.api.post(&format!("/audio/patterns/{long}/render"), &OWNER()).await;
    refused.problem(422, "mix_too_long");
    let foreign = state.api.tenant("t2").post(&format!("/audio/patterns/{long}/render"), &json!({})).await;
    foreign.problem(404, "pattern_not_found");
}
